use super::*;
use crate::demo::explain;
use crate::demo::in_the_clear::compare;
use crate::demo::in_the_clear::tests::{input, report};
use crate::demo::shared_answer::tests::shared_among;

/// Texts that would do something if they were not escaped.
const EVIL: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title></style></svg><iframe src=//e.example>",
    "' onload='alert(1)",
];

/// A page whose every name is one of these texts.
fn page_of(evil: &str) -> String {
    let mut report = report();
    report.job.classes = vec![evil.to_owned(), "b".to_owned()];
    report.class_totals.as_mut().unwrap().0[0].0 = evil.to_owned();
    let payouts = report.payouts.as_mut().unwrap();
    payouts.currency = evil.to_owned();
    payouts.items[0].contributor = evil.to_owned();
    let mut answer = shared_among(3, 1).unwrap();
    (answer.contributor, answer.item) = (evil.to_owned(), evil.to_owned());
    answer.classes[0] = evil.to_owned();
    let explanation = explain::parts(&answer, &compare(&input(), &report));
    let figures = figures::figures(&report, &[("start", Duration::from_secs(1))]).unwrap();
    let page = Page {
        title: one_line(evil),
        introduction: vec![evil.to_owned()],
        note: evil.to_owned(),
        hidden: &[evil.to_owned()],
        figures,
        explanation: &explanation,
        check: evil.to_owned(),
    };
    page.html()
}

/// The elements of a page: every name that follows a `<`.
fn elements(page: &str) -> Vec<&str> {
    let names = page
        .split('<')
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default());
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn names_are_text_and_never_markup() {
    let harmless = page_of("harmless");
    for evil in EVIL {
        let page = page_of(evil);
        // The same elements in the same order: no text became one, and none became an attribute, which would be in a tag.
        assert_eq!(elements(&page), elements(&harmless), "{evil}");
        for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            assert!(!tag.contains(" onerror") && !tag.contains(" onload"), "{tag}");
        }
        assert!(page.contains(if evil.contains('<') { "&lt;" } else { "alert(1)" }), "{evil}");
    }
}

#[test]
fn the_page_loads_nothing_and_every_plot_has_words_and_a_table() {
    let page = page_of("harmless");
    for loads in ["<script", "<link", "<img", "<iframe", " src=", " href=", "url(", "@import"] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(
        page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"),
        "{page}"
    );
    let plots = page.matches("<svg ").count();
    assert_eq!(plots, 5);
    for plot in page.split("<svg ").skip(1) {
        let (inside, after) = plot.split_once("</svg>").unwrap();
        assert!(
            inside.contains("role=\"img\"") && inside.contains("<title id=") && inside.contains("<desc id="),
            "{inside}"
        );
        assert!(after.split("</figure>").next().unwrap().contains("<table>"));
    }
}

#[test]
fn only_a_page_of_an_earlier_run_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    ReportFile::new(&path).unwrap();
    assert!(!path.exists());
    std::fs::write(&path, format!("{MARK}old")).unwrap();
    ReportFile::new(&path).unwrap();
    for other in ["", "<!DOCTYPE html>\n<p>my thesis</p>", &MARK[..MARK.len() - 1]] {
        std::fs::write(&path, other).unwrap();
        let error = format!("{:#}", ReportFile::new(&path).err().unwrap());
        assert!(
            error.starts_with("--report: ") && error.contains("report.html") && error.contains("not overwritten"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
    }
    assert!(ReportFile::new(folder.path()).is_err(), "a folder");
    assert!(ReportFile::new(&folder.path().join("no/such.html")).is_err());
}
