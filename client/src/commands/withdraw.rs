//! `tacit withdraw`: takes a contributor's submissions back, before the job closes. It can be run again until every node has answered.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tacit_client::keys;
use tacit_client::resending::{self, Author};
use tacit_client::withdrawals::{Outcome, withdraw};

use crate::args::Withdraw;
use crate::commands::connect::{connect, need_cluster};
use crate::commands::elsewhere;
use crate::commands::sent::{made_here, nothing_was_sent};
use crate::exit::Cause;
use crate::output::{self, Format};

/// Runs the command.
pub(crate) async fn run(args: &Withdraw, format: Format) -> Result<()> {
    let key = keys::load(&args.key)?;
    let state = made_here(&args.key, &args.job)?;
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = need_cluster(cluster, "it has the keys that receipts are signed with")?;
    let mut outcomes = Vec::new();
    if let Some(state) = &state {
        // A coordinator that has lost a submission cannot tell the nodes to erase it: it needs the submission first.
        let lost = resending::send_lost(&api, &cluster, &key, state, Author::Contributor).await?;
        output::report_resent(&lost);
        let patience = Duration::from_secs(args.wait_seconds);
        outcomes = withdraw(&api, &cluster, &key, state, args.submission, patience).await?;
    }
    let from_elsewhere = elsewhere::withdraw(args, (&api, &cluster, &key), state.as_ref()).await?;
    let said = elsewhere::said_of_withdrawn(&from_elsewhere, &args.key);
    outcomes.extend(from_elsewhere);
    if outcomes.is_empty() && state.is_none() {
        return Err(nothing_was_sent(&args.key, &args.job));
    }
    if outcomes.is_empty() {
        return Err(Cause::NotFound.error(format!("no such submission was sent to job {} with this key", args.job)));
    }
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    let (mut missing, mut lost, mut failed) = (Vec::new(), Vec::new(), None);
    for (id, outcome) in outcomes {
        let id = id.to_string();
        documents.push(document(&id, &outcome));
        rows.push(match outcome {
            Outcome::Erased(erased) => {
                let row = vec![id, erased.receipts.len().to_string(), erased.missing.join(", ")];
                missing.extend(erased.missing);
                row
            }
            Outcome::NeverArrived => vec![id, "never arrived".to_owned(), String::new()],
            Outcome::Lost => {
                let row = vec![id.clone(), "lost".to_owned(), String::new()];
                lost.push(id);
                row
            }
            Outcome::Failed(error) => {
                let row = vec![id.clone(), "not withdrawn".to_owned(), String::new()];
                failed.get_or_insert((id, error));
                row
            }
        });
    }
    format.print(
        &json!({ "job": args.job, "submissions": documents }),
        &(output::table(&["submission", "erased by", "not answered"], rows) + &said),
    )?;
    if let Some((id, error)) = failed {
        return Err(error).with_context(|| format!("submission {id} is not withdrawn"));
    }
    ensure!(
        lost.is_empty(),
        "the coordinator has lost {}, as it says: what is in no list counts nowhere, and it is not sent again, but no node has signed that it \
         is erased; nodes that have their part of it keep it, sealed, until the job ends. Once the job is published, `tacit receipt` says if it \
         is certified all the same",
        lost.join(", ")
    );
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Cause::Unavailable.error(format!(
        "the coordinator has withdrawn everything, but {} did not sign yet that it is erased: run this again",
        missing.join(", ")
    )))
}

/// What became of one submission, for programs.
fn document(id: &str, outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Erased(erased) => {
            json!({ "submission": id, "outcome": "withdrawn", "erased_by": erased.receipts.len(), "not_answered": erased.missing })
        }
        Outcome::NeverArrived => json!({ "submission": id, "outcome": "never_arrived" }),
        Outcome::Lost => json!({ "submission": id, "outcome": "lost" }),
        Outcome::Failed(error) => json!({ "submission": id, "outcome": "not_withdrawn", "error": error.to_string() }),
    }
}
