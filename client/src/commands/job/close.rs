//! `tacit job close`: says what the job will publish, and asks first where the result would say nothing.

use anyhow::{Context, Result};
use serde::Serialize;
use tacit_client::authenticity::AuthenticityError;
use tacit_client::http::Api;
use tacit_protocol::api::{JobState, JobStatus};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{Job, JobId, MIN_ANSWERS, MIN_CONTRIBUTORS, Terms};
use tacit_protocol::question::Release;

use super::{status, without_result};
use crate::confirm::Question;
use crate::output::{self, Format, money};

/// A job that is closed now.
#[derive(Serialize)]
struct Closed<'a> {
    #[serde(flatten)]
    status: &'a JobStatus,
    /// What it will publish; missing if it was closed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    publishes: Option<Vec<&'static str>>,
}

/// Closes a job. `yes` is the answer to the question whether to close one whose result would say nothing.
pub(super) async fn close(api: &Api, cluster: Option<&Cluster>, id: &JobId, yes: bool, format: Format) -> Result<()> {
    // Closing a job of other terms would certify them.
    let before = status(api, cluster, id).await?;
    if let Some(error) = without_result(&before) {
        return Err(error);
    }
    let mut publishes = None;
    if before.state == JobState::Open {
        let terms = terms(api, cluster, &before).await?;
        format.print_before(&summary(&before, &terms))?;
        publishes = Some(released(&terms).map(Release::name).collect());
        if let Some(doubt) = doubt(&before).filter(|_| !yes) {
            let question = Question {
                question: &format!("{doubt}. Close it all the same?"),
                declined: &format!("job {id} is still open: nothing was done"),
                option: "--yes",
            };
            question.ask()?;
        }
    }
    let status = api.close(id).await?;
    let closed = Closed {
        status: &status,
        publishes,
    };
    format.print(&closed, &format!("{}\n", output::status_line(&status)))
}

/// The terms of a job as its buyer has signed them.
async fn terms(api: &Api, cluster: Option<&Cluster>, status: &JobStatus) -> Result<Terms> {
    let cluster = match cluster {
        Some(cluster) => cluster.digest(),
        // Whoever closes a job without the cluster file trusts the coordinator's.
        None => api.cluster().await?.digest,
    };
    let id = &status.id;
    let job = Job::open(&cluster, id.clone(), api.spec(id).await?).map_err(|error| AuthenticityError::Job { id: id.clone(), error })?;
    if job.digest() == status.digest {
        Ok(job.terms().clone())
    } else {
        Err(AuthenticityError::OtherSpec { id: id.clone() }).context("the job was not closed")
    }
}

/// Why the result of a job would say nothing if it were closed now.
fn doubt(status: &JobStatus) -> Option<String> {
    let id = &status.id;
    if status.contributors.unwrap_or(status.answers) == 0 {
        Some(format!("nobody has answered job {id}: its result will have no numbers"))
    } else if status.comparable == Some(false) {
        Some(format!(
            "no item of job {id} has answers of two people: its result will say nothing about agreement, and a label will be what one \
             person has answered"
        ))
    } else {
        None
    }
}

/// What a job publishes, in the order in which people read it.
fn released(terms: &Terms) -> impl Iterator<Item = Release> + '_ {
    let all = [
        Release::Agreement,
        Release::ClassTotals,
        Release::Labels,
        Release::Scores,
        Release::Payouts,
    ];
    // Agreement of a sensitive job is read from its class totals.
    let with_agreement = |release| release == Release::ClassTotals && terms.sensitive && terms.releases(Release::Agreement);
    all.into_iter()
        .filter(move |release| terms.releases(*release) || with_agreement(*release))
}

/// How far an open job has come, and what it will publish.
fn summary(status: &JobStatus, terms: &Terms) -> String {
    let mut text = format!(
        "job {}: {} submissions with {} answers",
        status.id, status.submissions, status.answers
    );
    if let Some(contributors) = status.contributors {
        text += &format!(" of {contributors} contributors");
    }
    if let Some(complete) = status.complete_items {
        text += &format!("; {complete} of {} items have all their answers", status.items);
    }
    let readers = if terms.public { "everybody" } else { "its buyer" };
    text += &format!("\nthe result, for {readers}, will have by its signed terms:\n");
    for release in released(terms) {
        let what = match release {
            Release::Agreement if terms.sensitive => "how far people agree, with noise".to_owned(),
            Release::Agreement => "how far people agree".to_owned(),
            Release::ClassTotals if terms.sensitive => "how often each class was answered, with noise".to_owned(),
            Release::ClassTotals => "how often each class was answered".to_owned(),
            Release::Labels => "the label of each item".to_owned(),
            Release::Scores => "each contributor's agreement with the others".to_owned(),
            Release::Payouts => terms.payout().map_or_else(String::new, |payout| {
                format!("each contributor's pay, {} in all at most", money(payout.budget, &payout.currency))
            }),
        };
        text += &format!("  {:<14}{what}\n", release.name());
    }
    text += "  and always    the names and keys of the contributors, and how many answers of each count\n";
    if terms.sensitive {
        text += &format!(
            "the job is sensitive: nothing about answers is published unless {MIN_ANSWERS} answers of {MIN_CONTRIBUTORS} contributors count\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_protocol::fixtures::job;
    use tacit_protocol::job::PayRule;

    fn open(contributors: Option<u64>, comparable: Option<bool>) -> JobStatus {
        let text = r#"{"id":"j","name":"n","digest":"0000000000000000000000000000000000000000000000000000000000000000","state":"open",
            "created_at":0,"items":2,"answers_per_item":2,"submissions":1,"answers":2,"delivered":0,"attempt":0,"waiting_on":[]}"#;
        let status: JobStatus = serde_json::from_str(text).unwrap();
        JobStatus {
            contributors,
            comparable,
            complete_items: Some(1),
            ..status
        }
    }

    #[test]
    fn only_a_result_that_says_nothing_is_doubted() {
        assert!(doubt(&open(Some(0), Some(false))).unwrap().contains("nobody has answered job j"));
        assert!(
            doubt(&open(Some(2), Some(false)))
                .unwrap()
                .contains("no item of job j has answers of two people")
        );
        assert_eq!(doubt(&open(Some(2), Some(true))), None);
        assert_eq!(doubt(&open(None, None)), None);
        let unanswered = JobStatus {
            answers: 0,
            ..open(None, None)
        };
        assert!(doubt(&unanswered).is_some());
    }

    #[test]
    fn the_summary_names_what_the_terms_release_and_nothing_else() {
        let job = job(2, 2, 2, PayRule::Flat);
        let mut terms = job.terms().clone();
        let text = summary(&open(Some(1), Some(false)), &terms);
        assert!(
            text.starts_with("job j: 1 submissions with 2 answers of 1 contributors; 1 of 2 items have all their answers\n"),
            "{text}"
        );
        for release in released(&terms) {
            assert!(text.contains(&format!("  {} ", release.name())), "{text}");
        }
        terms.release = [Release::Labels].into();
        terms.public = true;
        let text = summary(&open(Some(1), Some(false)), &terms);
        assert!(text.contains("for everybody") && text.contains("the label of each item"), "{text}");
        assert!(!text.contains("pay") && !text.contains("agree"), "{text}");
        terms.release = [Release::Agreement].into();
        terms.sensitive = true;
        let text = summary(&open(Some(1), Some(false)), &terms);
        assert!(
            text.contains("class_totals") && text.contains("with noise") && text.contains("unless 100 answers of 10 contributors count"),
            "{text}"
        );
    }
}
