//! Compares a measurement with an earlier one.

use super::report::{Phase, Report};
use crate::output;

/// A table of the ratios of new to old figures; below 1 is less than before.
pub(super) fn table(new: &Report, old: &Report) -> String {
    let mut text = String::new();
    if (&new.job, &new.cluster) != (&old.job, &old.cluster) {
        text += "the earlier one was of another job or cluster: ";
        let of = |report: &Report| {
            let (items, cluster) = (report.job.items, &report.cluster);
            format!(
                "{items} items, {} ms and {} MB reserved",
                cluster.delay_ms, cluster.reserve_memory_mb
            )
        };
        text += &format!("{} then, {} now\n", of(old), of(new));
    }
    let mut rows: Vec<Vec<String>> = new.phases.iter().map(|phase| row(phase, &old.phases)).collect();
    let all = |name: &str, wall: fn(&Report) -> f64| {
        let mut row = vec![name.to_owned(), ratio(wall(new), wall(old))];
        row.resize(5, String::new());
        row
    };
    let (rounds, bytes) = (ratio(new.rounds as f64, old.rounds as f64), ratio(sent(new), sent(old)));
    rows.push(vec![
        "to certificate".to_owned(),
        ratio(new.certificate_s, old.certificate_s),
        ratio(cpu(new), cpu(old)),
        rounds,
        bytes,
    ]);
    rows.push(all("to published", |report| report.published_s));
    rows.push(all("share rate", |report| report.share_answers_per_s));
    rows.push(all("ingest rate", |report| report.ingest_answers_per_s));
    rows.push(all("node's peak memory", peak));
    text + &output::table(&["new / old", "wall", "CPU", "rounds", "bytes per node"], rows)
}

fn row(new: &Phase, old: &[Phase]) -> Vec<String> {
    let of = |figure: fn(&Phase) -> f64| {
        let old = old.iter().find(|phase| phase.name == new.name);
        old.map_or_else(|| "new".to_owned(), |old| ratio(figure(new), figure(old)))
    };
    vec![
        new.name.clone(),
        of(|phase| phase.wall_s),
        of(|phase| phase.cpu_s),
        of(|phase| phase.rounds as f64),
        of(|phase| phase.bytes_per_node as f64),
    ]
}

/// Processor time from accepted submissions to the certificate.
fn cpu(report: &Report) -> f64 {
    let before = ["share", "ingest"];
    report
        .phases
        .iter()
        .filter(|phase| !before.contains(&phase.name.as_str()))
        .map(|phase| phase.cpu_s)
        .sum()
}

fn sent(report: &Report) -> f64 {
    report.bytes_per_item_and_node * report.job.items as f64
}

fn peak(report: &Report) -> f64 {
    let nodes = report.peak_rss_bytes.iter().filter(|(name, _)| name.starts_with("node-"));
    nodes.map(|(_, bytes)| *bytes as f64).fold(0.0, f64::max)
}

fn ratio(new: f64, old: f64) -> String {
    if new == old {
        // Also if both are 0.
        "1.00".to_owned()
    } else if old == 0.0 {
        "-".to_owned()
    } else {
        format!("{:.2}", new / old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::{Cluster, Job};

    fn report(items: usize, wall_s: f64) -> Report {
        let phase = |name: &str, rounds| Phase {
            name: name.to_owned(),
            wall_s,
            cpu_s: 2.0 * wall_s,
            rounds,
            bytes_per_node: 10 * items as u64,
        };
        Report {
            version: "0".to_owned(),
            release_build: true,
            cores: 2,
            load: 0.0,
            job: Job {
                items,
                answers_per_item: 5,
                classes: 10,
                contributors: 10,
                issuers: 0,
                submissions: 10,
                seed: 1,
            },
            cluster: Cluster {
                nodes: 3,
                threshold: 1,
                delay_ms: 0,
                reserve_memory_mb: 0,
            },
            phases: vec![phase("share", 0), phase("labels", 7)],
            share_answers_per_s: 1000.0,
            ingest_answers_per_s: 1000.0,
            certificate_s: wall_s,
            published_s: wall_s,
            verify_s: wall_s,
            rounds: 7,
            round_trip_s: 0.001,
            bytes_per_item_and_node: 10.0,
            attempts: 1,
            peak_rss_bytes: [("node-1".to_owned(), 1000)].into(),
            correct: true,
        }
    }

    /// The cells of the first row that contains `begin`.
    fn cells(table: &str, begin: &str) -> Vec<String> {
        let row = table.lines().find(|line| line.contains(begin)).unwrap();
        row.split(['│', '┆'])
            .map(|cell| cell.trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect()
    }

    #[test]
    fn ratios_are_new_over_old() {
        let table = table(&report(20, 3.0), &report(10, 2.0));
        assert!(table.starts_with("the earlier one was of another job"), "{table}");
        assert_eq!(cells(&table, "labels"), ["labels", "1.50", "1.50", "1.00", "2.00"]);
        assert_eq!(cells(&table, "share  "), ["share", "1.50", "1.50", "1.00", "2.00"]);
        assert_eq!(cells(&table, "to certificate"), ["to certificate", "1.50", "1.50", "1.00", "2.00"]);
        assert_eq!(cells(&table, "share rate"), ["share rate", "1.00"]);
        assert_eq!(cells(&table, "node's peak"), ["node's peak memory", "1.00"]);
    }

    #[test]
    fn a_phase_that_is_new_or_took_nothing_has_no_ratio() {
        let (mut new, mut old) = (report(10, 2.0), report(10, 2.0));
        new.phases[0].name = "warm up".to_owned();
        old.phases[1].wall_s = 0.0;
        let table = table(&new, &old);
        assert_eq!(cells(&table, "warm up")[1..], ["new"; 4]);
        assert_eq!(cells(&table, "labels")[1], "-");
        assert!(!table.contains("another job"), "{table}");
    }

    #[test]
    fn json_is_read_as_it_was_written() {
        let report = report(10, 2.0);
        let text = serde_json::to_vec(&report).unwrap();
        assert_eq!(serde_json::from_slice::<Report>(&text).unwrap(), report);
    }
}
