//! The HTML of the page. Every text passes through Maud, which escapes it; only the style sheet and the plots, which plotters escapes, are
//! written as they are.

use maud::{Markup, PreEscaped, html};

use super::figures::Figure;
use super::plots::{self, Plot};
use crate::demo::explain::Part;

/// Nothing is loaded and no script runs, whatever a name in the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;--page:#fff;--text:#1b1f24;--quiet:#57606a;--line:#c4cad1;--bar:#2563a8;--part:#f4f6f8}\
@media(prefers-color-scheme:dark){:root{--page:#14171b;--text:#e6e9ec;--quiet:#a3abb4;--line:#454c55;--bar:#6ea8e6;--part:#1d2126}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
main{max-width:70rem;margin:0 auto;padding:1rem}\
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}\
p{margin:.5rem 0;max-width:46rem}li{max-width:46rem;margin:.25rem 0}\
.quiet{color:var(--quiet)}code{font-size:.9em}\
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem;align-items:start}\
figure,.part{margin:0;padding:.75rem;background:var(--part);border:1px solid var(--line);border-radius:.5rem;min-width:0}\
.part{margin:1rem 0}\
svg{display:block;width:100%;max-width:26rem;height:auto}\
.scroll{overflow-x:auto}\
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}\
th,td{padding:.15rem .75rem .15rem 0;text-align:right;vertical-align:top;border-bottom:1px solid var(--line)}\
th:first-child,td:first-child{text-align:left}\
tbody th{font-weight:normal}\
summary{cursor:pointer;margin-top:.5rem}\
:focus-visible{outline:2px solid var(--bar);outline-offset:2px}";

/// What the page says.
pub(super) struct Page<'a> {
    pub title: String,
    /// Sentences under the title.
    pub introduction: Vec<String>,
    /// What to keep in mind about the sentences that follow.
    pub note: String,
    pub hidden: &'a [String],
    pub figures: Vec<Figure>,
    pub explanation: &'a [Part],
    /// The command that checks the result again.
    pub check: String,
}

impl Page<'_> {
    /// The page, without the mark in front of it.
    pub(super) fn html(&self) -> String {
        let page = html! {
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(plots::STYLE)) }
                }
                body {
                    main {
                        h1 { (self.title) }
                        @for sentence in &self.introduction { p { (sentence) } }
                        p { "Check it yourself: " code { (self.check) } }
                        h2 { "What was hidden from whom" }
                        p.quiet { (self.note) }
                        ul { @for sentence in self.hidden { li { (sentence) } } }
                        h2 { "The result in numbers" }
                        div.figures { @for one in &self.figures { (figure(one)) } }
                        h2 { "One answer, from the device to the result" }
                        @for one in self.explanation {
                            section.part {
                                h3 { (one.title) }
                                p { (one.text) }
                                (table(&one.title, &one.header, &one.rows))
                            }
                        }
                    }
                }
            }
        };
        page.into_string()
    }
}

fn figure(figure: &Figure) -> Markup {
    html! {
        figure {
            figcaption {
                h3 { (figure.title) }
                p.quiet { (figure.description) }
            }
            @if let Some(one) = &figure.plot { (plot(figure, one)) }
            @if !figure.rows.is_empty() { (table(figure.title, &figure.header, &figure.rows)) }
            @if let Some(more) = &figure.more {
                details {
                    summary { (more.title) }
                    (table(&more.title, &more.header, &more.rows))
                }
            }
        }
    }
}

/// A plot with its title and description for those who cannot see it; the table below has its numbers.
fn plot(figure: &Figure, plot: &Plot) -> Markup {
    let (title, description) = (format!("{}-title", figure.id), format!("{}-description", figure.id));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {} {}", plots::WIDTH, plot.height)) role="img"
            aria-labelledby=(title) aria-describedby=(description) {
            title id=(title) { (figure.title) }
            desc id=(description) { (figure.description) " The table below has the numbers." }
            (PreEscaped(&plot.inner))
        }
    }
}

/// A table that scrolls by itself where it is wider than the page. The first column names the rows.
fn table<H: AsRef<str>>(name: &str, header: &[H], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(name) {
            table {
                thead { tr { @for cell in header { th scope="col" { bdi { (cell.as_ref()) } } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" { bdi { (cell) } } } @else { td { bdi { (cell) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
