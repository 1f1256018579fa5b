//! Plots as SVG. Their colours are placeholders that the page's style sheet replaces, so that one plot serves light and dark.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::{
    ChartBuilder, DrawingArea, IntoDrawingArea, IntoFont, IntoSegmentedCoord, RGBColor, Rectangle, SVGBackend, SegmentValue, Text,
    TextStyle,
};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Placeholders for the colours of text, lines and bars; [`STYLE`] replaces them.
const TEXT: RGBColor = RGBColor(1, 1, 1);
const LINE: RGBColor = RGBColor(2, 2, 2);
const BAR: RGBColor = RGBColor(3, 3, 3);

/// The colours of plots, from the variables of the page.
pub(super) const STYLE: &str = "\
svg [fill=\"#010101\"]{fill:var(--text)}svg [stroke=\"#010101\"]{stroke:var(--text)}\
svg [stroke=\"#020202\"]{stroke:var(--line)}svg [fill=\"#020202\"]{fill:var(--line)}\
svg [fill=\"#030303\"]{fill:var(--bar)}";

/// The width of every plot, in units of its own: small, so that its text can be read where the page is narrow.
pub(super) const WIDTH: u32 = 340;

const MARGIN: u32 = 8;
const BAR_HEIGHT: u32 = 30;
const AXIS: u32 = 28;
/// The room for the names of bars, and for the numbers at their ends.
const NAMES: u32 = 148;
const NUMBERS: u32 = 64;
const NAME_LENGTH: usize = 20;
/// What plotters calls the size of a text is 1.24 times the size of the font.
const FONT: f64 = 13.0 * 1.24;

/// A bar: its name, its length, and the text at its end.
pub(super) struct Bar {
    pub name: String,
    pub value: f64,
    pub text: String,
}

/// A drawn plot: what is inside the `svg` element, and the element's height for a width of [`WIDTH`].
pub(super) struct Plot {
    pub inner: String,
    pub height: u32,
}

/// Horizontal bars, the first one on top. The axis begins at 0, or at the least value below it.
pub(super) fn bars(bars: &[Bar]) -> Result<Plot> {
    let height = 2 * MARGIN + BAR_HEIGHT * bars.len() as u32;
    let least = bars.iter().map(|bar| bar.value).fold(0.0, f64::min);
    let greatest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let greatest = if greatest > least { greatest } else { least + 1.0 };
    draw(height, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(MARGIN)
            .margin_right(MARGIN + NUMBERS)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(least..greatest, (0..bars.len().saturating_sub(1)).into_segmented())?;
        // Plotters counts from below, and its ranges of whole numbers include their ends.
        let name = |index: usize| bars.len().checked_sub(index + 1).and_then(|index| bars.get(index));
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(LINE)
            .y_labels(bars.len() + 1)
            .y_label_style(style())
            .y_label_formatter(&|segment| match segment {
                SegmentValue::CenterOf(index) | SegmentValue::Exact(index) => {
                    name(*index).map_or_else(String::new, |bar| shortened(&bar.name))
                }
                SegmentValue::Last => String::new(),
            })
            .draw()?;
        chart.draw_series(bars.iter().rev().enumerate().map(|(index, bar)| {
            let (from, to) = (SegmentValue::Exact(index), SegmentValue::Exact(index + 1));
            let mut rectangle = Rectangle::new([(0.0, from), (bar.value, to)], BAR.filled());
            rectangle.set_margin(5, 5, 0, 0);
            rectangle
        }))?;
        let numbers = style().pos(Pos::new(HPos::Left, VPos::Center));
        chart.draw_series(bars.iter().rev().enumerate().map(|(index, bar)| {
            let end = (bar.value.max(0.0), SegmentValue::CenterOf(index));
            Text::new(format!("\u{a0}{}", bar.text), end, numbers.clone())
        }))?;
        Ok(())
    })
}

/// Columns that stand side by side on a scale: their lower and upper ends and heights, ascending.
pub(super) fn columns(columns: &[(f64, f64, u64)], unit: &str) -> Result<Plot> {
    let first = columns.first().map_or(0.0, |(from, _, _)| *from);
    let last = columns.last().map_or(1.0, |(_, to, _)| *to);
    let highest = columns.iter().map(|(_, _, count)| *count).max().unwrap_or(0).max(1);
    draw(240, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(MARGIN)
            .margin_right(3 * MARGIN)
            .x_label_area_size(2 * AXIS)
            .y_label_area_size(2 * AXIS)
            .build_cartesian_2d(first..last, 0.0..highest as f64)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(LINE)
            .light_line_style(plotters::style::TRANSPARENT)
            .axis_style(LINE)
            .x_labels(5)
            .y_labels(highest.min(5) as usize)
            .label_style(style())
            .x_desc(unit)
            .axis_desc_style(style())
            .y_label_formatter(&|count| format!("{count:.0}"))
            .draw()?;
        chart.draw_series(columns.iter().map(|(from, to, count)| {
            let mut rectangle = Rectangle::new([(*from, 0.0), (*to, *count as f64)], BAR.filled());
            rectangle.set_margin(0, 0, 1, 1);
            rectangle
        }))?;
        Ok(())
    })
}

/// Draws with `paint` and gives what is inside the `svg` element.
fn draw(height: u32, paint: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<()>) -> Result<Plot> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        paint(&area)?;
        area.present()?;
    }
    let inner = svg
        .split_once('>')
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
        .map_or("", |(inner, _)| inner);
    Ok(Plot {
        inner: inner.to_owned(),
        height,
    })
}

fn style() -> TextStyle<'static> {
    ("sans-serif", FONT).into_font().color(&TEXT)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_LENGTH {
        return name.to_owned();
    }
    name.chars().take(NAME_LENGTH - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar {
            name: name.to_owned(),
            value,
            text: format!("{value}"),
        }
    }

    /// The width of each bar, from the top.
    fn widths(plot: &Plot) -> Vec<u32> {
        let bars = plot.inner.lines().filter(|line| line.contains("fill=\"#030303\""));
        let width = |line: &str| line.split("width=\"").nth(1)?.split('"').next()?.parse().ok();
        bars.filter_map(width).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let plot = bars(&[bar("one", 100.0), bar("two", 50.0), bar("none", 0.0)]).unwrap();
        // From below to the top.
        let widths = widths(&plot);
        assert_eq!(widths.len(), 3, "{}", plot.inner);
        assert!(
            widths[0] <= 1 && widths[1].abs_diff(widths[2] / 2) <= 1 && widths[2] > 80,
            "{widths:?}"
        );
        for text in ["one", "two", "none", "100"] {
            assert!(plot.inner.contains(text), "{text}: {}", plot.inner);
        }
        assert!(bars(&[bar("below", -0.5), bar("zero", 0.0)]).unwrap().inner.contains("below"));
        assert!(bars(&[]).is_ok());
    }

    #[test]
    fn every_colour_is_one_that_the_page_replaces() {
        let plots = [
            bars(&[bar("one", 1.0)]).unwrap(),
            columns(&[(0.0, 1.0, 3), (1.0, 2.0, 0)], "EUR").unwrap(),
        ];
        for plot in plots {
            let colours = plot.inner.split("=\"#").skip(1).map(|rest| &rest[..6]);
            let unknown: Vec<&str> = colours.filter(|colour| !STYLE.contains(colour)).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }

    #[test]
    fn names_are_escaped_and_shortened() {
        let plot = bars(&[bar("</text><script>", 1.0), bar(&"long ".repeat(99), 1.0)]).unwrap();
        assert!(!plot.inner.contains("<script"), "{}", plot.inner);
        assert!(plot.inner.contains("&lt;script&gt;") && plot.inner.contains('…'), "{}", plot.inner);
        assert!(columns(&[(0.0, 1.0, 1)], "<b>").unwrap().inner.contains("&lt;b&gt;"));
    }

    #[test]
    fn columns_on_one_place_are_drawn() {
        assert!(columns(&[(5.0, 5.000_001, 7)], "EUR").unwrap().inner.contains("#030303"));
        assert!(columns(&[], "EUR").is_ok());
    }
}
