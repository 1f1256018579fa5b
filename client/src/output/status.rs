//! The status of jobs, for people.

use jiff::Timestamp;
use tacit_client::text::one_line;
use tacit_protocol::api::JobStatus;

use super::table;

/// A job's status on one line.
pub(crate) fn status_line(status: &JobStatus) -> String {
    let mut line = format!("{} {}", status.id, status.state.name());
    if let Some(phase) = status.phase {
        line += &format!(" ({phase})");
    }
    line += &format!(
        ": {} submissions with {} answers, {} delivered",
        status.submissions, status.answers, status.delivered
    );
    if let Some(complete) = status.complete_items {
        line += &format!(", {complete} of {} items complete", status.items);
    }
    if status.attempt > 1 {
        line += &format!(", attempt {}", status.attempt);
    }
    for waiting in &status.waiting_on {
        let help = if waiting.needs_operator { " (its operator has to act)" } else { "" };
        line += &format!("; waiting on {}{help}: {}", one_line(&waiting.node), one_line(&waiting.reason));
    }
    if let Some(reason) = &status.reason {
        line += &format!("; {}", one_line(reason));
    }
    line
}

/// A job's status in full.
pub(crate) fn status(status: &JobStatus) -> String {
    let mut rows = vec![
        ("job", status.id.to_string()),
        ("name", one_line(&status.name)),
        ("digest", status.digest.to_string()),
        ("state", status.state.name().to_owned()),
        ("opened", time(status.created_at)),
    ];
    rows.extend(status.closed_at.map(|at| ("closed", time(at))));
    rows.extend(status.published_at.map(|at| ("published", time(at))));
    rows.push(("items", status.items.to_string()));
    rows.extend(status.complete_items.map(|items| ("complete items", items.to_string())));
    rows.extend(status.contributors.map(|people| ("contributors", people.to_string())));
    rows.extend([
        ("answers per item", status.answers_per_item.to_string()),
        (
            "submissions",
            format!(
                "{} with {} answers, {} delivered to every node",
                status.submissions, status.answers, status.delivered
            ),
        ),
    ]);
    if status.attempt > 0 {
        rows.push(("attempt", status.attempt.to_string()));
    }
    rows.extend(status.phase.map(|phase| ("phase", phase.to_string())));
    rows.extend(status.reason.as_ref().map(|reason| ("reason", one_line(reason))));
    for waiting in &status.waiting_on {
        let help = if waiting.needs_operator { "; its operator has to act" } else { "" };
        rows.push((
            "waiting on",
            format!("{}: {}{help}", one_line(&waiting.node), one_line(&waiting.reason)),
        ));
    }
    rows.iter().map(|(name, value)| format!("{name:<17}{value}\n")).collect()
}

/// A time as people of all places read it.
pub(crate) fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| format!("{seconds} in Unix time"), |time| time.to_string())
}

/// A table of jobs.
pub(crate) fn jobs(jobs: &[JobStatus]) -> String {
    if jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let known = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let row = |job: &JobStatus| {
        vec![
            job.id.to_string(),
            one_line(&job.name),
            job.state.name().to_owned(),
            time(job.created_at),
            job.items.to_string(),
            known(job.complete_items),
            known(job.contributors),
            job.submissions.to_string(),
            job.answers.to_string(),
        ]
    };
    let header = [
        "job",
        "name",
        "state",
        "opened",
        "items",
        "complete",
        "contributors",
        "submissions",
        "answers",
    ];
    table(&header, jobs.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> JobStatus {
        let text = r#"{"id":"j","name":"n","digest":"0000000000000000000000000000000000000000000000000000000000000000","state":"published",
            "created_at":1800000000,"closed_at":1800000060,"published_at":1800000061,"items":3,"complete_items":2,"contributors":4,
            "answers_per_item":2,"submissions":5,"answers":6,"delivered":5,"attempt":1,"waiting_on":[]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_status_has_its_times_its_complete_items_and_its_contributors() {
        let text = status(&published());
        for line in [
            "opened           2027-01-15T08:00:00Z",
            "closed           2027-01-15T08:01:00Z",
            "published        2027-01-15T08:01:01Z",
            "items            3",
            "complete items   2",
            "contributors     4",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
        assert!(jobs(&[published()]).contains("2027-01-15T08:00:00Z"));
        assert!(status_line(&published()).ends_with("5 delivered, 2 of 3 items complete"));
    }

    #[test]
    fn what_is_for_the_buyer_or_has_not_happened_is_left_out() {
        let open = JobStatus {
            closed_at: None,
            published_at: None,
            complete_items: None,
            contributors: None,
            created_at: u64::MAX,
            ..published()
        };
        let text = status(&open);
        for name in ["closed", "complete items", "contributors"] {
            assert!(!text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
        }
        assert!(text.contains("opened           18446744073709551615 in Unix time"), "{text}");
    }
}
