//! `tacit receipt`: shows a contributor's stored receipts and the outcome of its answers.

use anyhow::{Context, Result};
use tacit_client::outcome::{Outcome, Sent, fetch};
use tacit_client::state::State;
use tacit_client::{keys, resending};

use crate::args::Receipt;
use crate::commands::connect::connect;
use crate::output;

/// Runs the command.
pub(crate) async fn run(args: &Receipt) -> Result<()> {
    let key = keys::load(&args.key)?;
    let stored = State::stored(&args.key, &args.job)?;
    let (state, plan) = stored.with_context(|| {
        let key = args.key.display();
        format!(
            "{key}: nothing was sent to job {} with this key: `tacit answer` does that",
            args.job
        )
    })?;
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = cluster.context("give --cluster cluster.toml (or TACIT_CLUSTER): it has the key that receipts are signed with")?;
    output::report_lost(&resending::send_lost(&api, &cluster, &key, &state, plan.submissions()).await?);
    let (mut rows, mut total, mut pending) = (Vec::new(), Outcome::default(), 0);
    for index in 0..plan.submissions() {
        let (Some(submission), Some(receipt)) = (state.submission(index)?, state.receipt(index)?) else {
            pending += 1;
            continue;
        };
        let sent = Sent {
            header: submission.header.value,
            receipt,
        };
        let outcome = fetch(&api, &cluster, &sent).await?;
        let (accepted, rejected) = match &outcome {
            Some(outcome) => (outcome.accepted.to_string(), outcome.rejections().to_string()),
            None => ("not yet known".to_owned(), "not yet known".to_owned()),
        };
        let signed = &sent.receipt.value;
        rows.push(vec![
            signed.submission.to_string(),
            signed.sequence.to_string(),
            signed.answers.to_string(),
            accepted,
            rejected,
        ]);
        outcome.into_iter().for_each(|outcome| total.add(outcome));
    }
    let mut text = output::table(&["submission", "place", "answers", "count", "rejected"], rows);
    if pending > 0 {
        text += &format!(
            "{pending} of {} submissions have no receipt yet: run `tacit answer` again\n",
            plan.submissions()
        );
    }
    text += &output::rejected(&total, usize::MAX);
    output::print(&text)
}
