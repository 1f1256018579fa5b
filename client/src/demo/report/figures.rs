//! The numbers of a result as plots, each with the table of what it shows.

use std::time::Duration;

use anyhow::Result;
use tacit_client::text::one_line;
use tacit_scoring::report::{Absence, Report};
use tacit_scoring::statistic::nominal::AgreementMeasures;

use super::plots::{self, Bar, Plot};
use crate::output;

/// How many bars a plot has; a last one stands for all others.
const BARS: usize = 16;
/// How many rows the table of all pay has.
const PAY_ROWS: usize = 1000;
/// How many columns the distribution of pay has at most.
const COLUMNS: u64 = 12;

/// A plot with its table.
pub(super) struct Figure {
    /// Its name among the ids of the page.
    pub id: &'static str,
    pub title: &'static str,
    /// What the plot shows, for those who cannot see it, or why there is none.
    pub description: String,
    pub plot: Option<Plot>,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// A longer table, which is folded.
    pub more: Option<FoldedTable>,
}

/// A table of which only the title is seen before somebody unfolds it.
pub(super) struct FoldedTable {
    pub title: String,
    pub header: [&'static str; 2],
    pub rows: Vec<Vec<String>>,
}

impl Figure {
    fn new(id: &'static str, title: &'static str, header: [&str; 2]) -> Self {
        Self {
            id,
            title,
            description: String::new(),
            plot: None,
            header: header.map(str::to_owned).to_vec(),
            rows: Vec::new(),
            more: None,
        }
    }

    /// Without a plot, because the job has no such numbers.
    fn absent(mut self, reason: Option<Absence>) -> Self {
        self.description = reason.map_or_else(|| "There are no such numbers.".to_owned(), |reason| format!("None: {reason}."));
        self
    }
}

/// All figures of a result and of the time that the run took.
pub(super) fn figures(report: &Report, times: &[(&'static str, Duration)]) -> Result<Vec<Figure>> {
    Ok(vec![
        agreement(report)?,
        class_totals(report)?,
        labels(report)?,
        pay(report)?,
        time(times)?,
    ])
}

fn agreement(report: &Report) -> Result<Figure> {
    let mut figure = Figure::new("agreement", "Agreement", ["measure", "value"]);
    let Some(agreement) = report.agreement else {
        return Ok(figure.absent(report.agreement_reason));
    };
    let measures = || AgreementMeasures::NAMES.iter().map(|name| name.title).zip(agreement.0.to_array());
    let known = measures().filter_map(|(title, measure)| Some((title, measure.ok()?)));
    let bars: Vec<Bar> = known
        .map(|(title, value)| Bar {
            name: title.to_owned(),
            value,
            text: format!("{value:.3}"),
        })
        .collect();
    "Bars: how far the answers agree by each measure. 1 is full agreement; for all but observed agreement, 0 is agreement by chance."
        .clone_into(&mut figure.description);
    figure.plot = (!bars.is_empty()).then(|| plots::bars(&bars)).transpose()?;
    let show = |measure: Result<f64, _>| match measure {
        Ok(value) => format!("{value:.6}"),
        Err(reason) => format!("none: {reason}"),
    };
    figure.rows = measures().map(|(title, measure)| vec![title.to_owned(), show(measure)]).collect();
    Ok(figure)
}

fn class_totals(report: &Report) -> Result<Figure> {
    let figure = Figure::new("classes", "Answers by class", ["class", "answers"]);
    let Some(totals) = &report.class_totals else {
        return Ok(figure.absent(report.class_totals_reason));
    };
    let counts: Vec<(String, u64)> = totals.0.iter().map(|(class, total)| (one_line(class), *total)).collect();
    counted(figure, "Bars: how many answers name each class", &counts)
}

fn labels(report: &Report) -> Result<Figure> {
    let figure = Figure::new("labels", "Items by label", ["label", "items"]);
    if report.labels.is_empty() {
        return Ok(figure.absent(report.labels_reason));
    }
    let items = |wanted: Option<&str>| report.labels.iter().filter(|label| label.label == wanted).count() as u64;
    let mut counts: Vec<(String, u64)> = report
        .job
        .classes
        .iter()
        .map(|class| (one_line(class), items(Some(class))))
        .collect();
    counts.push(("no consensus".to_owned(), items(None)));
    counted(
        figure,
        "Bars: how many items have each label; the last bar stands for items without one",
        &counts,
    )
}

/// A figure of counts, with their shares.
fn counted(mut figure: Figure, description: &str, counts: &[(String, u64)]) -> Result<Figure> {
    let all = counts.iter().map(|(_, count)| *count).sum::<u64>().max(1);
    let percent = |count: u64| format!("{:.1} %", 100.0 * count as f64 / all as f64);
    figure.description = format!("{description}.");
    figure.header.push("share".to_owned());
    let bar = |name: &str, count: u64| Bar {
        name: name.to_owned(),
        value: count as f64,
        text: percent(count),
    };
    let (shown, others) = counts.split_at(if counts.len() > BARS { BARS - 1 } else { counts.len() });
    let mut bars: Vec<Bar> = shown.iter().map(|(name, count)| bar(name, *count)).collect();
    if !others.is_empty() {
        let name = format!("{} others", others.len());
        bars.push(bar(&name, others.iter().map(|(_, count)| count).sum()));
    }
    figure.plot = Some(plots::bars(&bars)?);
    figure.rows = counts
        .iter()
        .map(|(name, count)| vec![name.clone(), count.to_string(), percent(*count)])
        .collect();
    Ok(figure)
}

fn pay(report: &Report) -> Result<Figure> {
    let mut figure = Figure::new("pay", "Distribution of pay", ["pay", "contributors"]);
    let Some(payouts) = &report.payouts else {
        return Ok(figure.absent(report.payouts_reason));
    };
    let money = |micro: u64| output::money(micro, &payouts.currency);
    let amounts: Vec<u64> = payouts.items.iter().map(|one| one.amount).collect();
    let intervals = distribution(&amounts);
    if intervals.is_empty() {
        return Ok(figure.absent(None));
    }
    let in_currency = |micro: u64| micro as f64 / 1e6;
    let columns: Vec<(f64, f64, u64)> = intervals
        .iter()
        .map(|(from, to, count)| (in_currency(*from), in_currency(to.saturating_add(1)), *count))
        .collect();
    figure.description = format!(
        "Columns: how many contributors are paid how much. {} contributors, {} together.",
        payouts.items.len(),
        money(payouts.total)
    );
    figure.plot = Some(plots::columns(&columns, &one_line(&payouts.currency))?);
    figure.rows = intervals
        .iter()
        .map(|(from, to, count)| vec![format!("{} to {}", money(*from), money(*to)), count.to_string()])
        .collect();
    let each = payouts.items.iter().take(PAY_ROWS);
    let title = match payouts.items.len() {
        all if all > PAY_ROWS => format!("Pay of the first {PAY_ROWS} of {all} contributors"),
        all => format!("Pay of each of the {all} contributors"),
    };
    let rows = each.map(|one| vec![one_line(&one.contributor), money(one.amount)]).collect();
    figure.more = Some(FoldedTable {
        title,
        header: ["contributor", "pay"],
        rows,
    });
    Ok(figure)
}

/// Intervals of equal width that hold all amounts: the least and the greatest amount of each, both included, and how many amounts are in it.
fn distribution(amounts: &[u64]) -> Vec<(u64, u64, u64)> {
    let (Some(least), Some(greatest)) = (amounts.iter().min(), amounts.iter().max()) else {
        return Vec::new();
    };
    let width = (greatest - least) / COLUMNS + 1;
    let last = (greatest - least) / width;
    let mut counts = vec![0; last as usize + 1];
    for amount in amounts {
        counts[((amount - least) / width) as usize] += 1;
    }
    let from = |index: u64| least + index * width;
    (0..)
        .zip(counts)
        .map(|(index, count)| (from(index), from(index).saturating_add(width - 1), count))
        .collect()
}

fn time(times: &[(&'static str, Duration)]) -> Result<Figure> {
    let mut figure = Figure::new("time", "Time by phase", ["phase", "time"]);
    let seconds = |time: &Duration| format!("{:.2} s", time.as_secs_f64());
    let bars: Vec<Bar> = times
        .iter()
        .map(|(name, time)| Bar {
            name: (*name).to_owned(),
            value: time.as_secs_f64(),
            text: seconds(time),
        })
        .collect();
    "Bars: how long each phase of this run took, on this machine.".clone_into(&mut figure.description);
    figure.plot = Some(plots::bars(&bars)?);
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    let rows = times.iter().map(|(name, time)| vec![(*name).to_owned(), seconds(time)]);
    figure.rows = rows.chain([vec!["total".to_owned(), seconds(&total)]]).collect();
    Ok(figure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::in_the_clear::tests::report;

    #[test]
    fn every_amount_is_in_one_interval() {
        for amounts in [vec![7], vec![0, u64::MAX], vec![1, 2, 3], (1000..1100).collect(), vec![5; 9]] {
            let intervals = distribution(&amounts);
            assert!(intervals.len() <= COLUMNS as usize + 1, "{intervals:?}");
            for (from, to, count) in &intervals {
                let inside = amounts.iter().filter(|amount| (from..=to).contains(amount)).count();
                assert_eq!(inside as u64, *count, "{intervals:?}");
            }
            assert_eq!(intervals.iter().map(|(_, _, count)| count).sum::<u64>(), amounts.len() as u64);
        }
        assert!(distribution(&[]).is_empty());
    }

    #[test]
    fn figures_show_the_numbers_of_the_result() {
        let report = report();
        let figures = figures(&report, &[("start", Duration::from_millis(1500))]).unwrap();
        let rows = |id: &str| &figures.iter().find(|figure| figure.id == id).unwrap().rows;
        assert_eq!(rows("classes")[0], ["a", "3", "60.0 %"]);
        assert_eq!(rows("labels")[2], ["no consensus", "0", "0.0 %"]);
        assert_eq!(rows("agreement")[0], ["observed agreement", "0.500000"]);
        assert!(rows("agreement")[2][1].starts_with("none: "));
        assert_eq!(rows("time")[1], ["total", "1.50 s"]);
        let pay: u64 = rows("pay").iter().map(|row| row[1].parse::<u64>().unwrap()).sum();
        assert_eq!(pay, 2);
        assert!(figures.iter().all(|figure| figure.plot.is_some() && !figure.description.is_empty()));
    }

    #[test]
    fn what_is_not_released_has_a_reason_and_no_plot() {
        let mut report = report();
        (report.agreement, report.agreement_reason) = (None, Some(Absence::NotReleased));
        report.payouts = None;
        let figures = figures(&report, &[]).unwrap();
        assert!(
            figures[0].plot.is_none() && figures[0].description.contains("does not release"),
            "{}",
            figures[0].description
        );
        assert!(figures[3].plot.is_none() && figures[3].rows.is_empty());
    }

    #[test]
    fn many_classes_share_the_last_bar_and_stand_in_the_table() {
        let counts: Vec<(String, u64)> = (0..100).map(|class| (format!("class {class}"), 1)).collect();
        let figure = counted(Figure::new("f", "f", ["class", "answers"]), "d", &counts).unwrap();
        assert_eq!(figure.rows.len(), 100);
        let plot = figure.plot.unwrap().inner;
        assert!(
            plot.contains("85 others") && plot.contains("85.0 %") && !plot.contains("class 15"),
            "{plot}"
        );
    }
}
