//! `tacit withdraw`: takes a contributor's submissions back, before the job closes. It can be run again until every node has answered.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tacit_client::keys;
use tacit_client::state::State;
use tacit_client::withdrawals::withdraw;

use crate::args::Withdraw;
use crate::commands::connect::connect;
use crate::output;

/// Runs the command.
pub(crate) async fn run(args: &Withdraw) -> Result<()> {
    let key = keys::load(&args.key)?;
    let stored = State::stored(&args.key, &args.job)?;
    let (state, plan) = stored.with_context(|| format!("{}: nothing was sent to job {} with this key", args.key.display(), args.job))?;
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = cluster.context("give --cluster cluster.toml (or TACIT_CLUSTER): it has the keys that receipts are signed with")?;
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for index in 0..plan.submissions() {
        let Some(submission) = state.submission(index)? else { continue };
        let header = submission.header.value;
        if args.submission.is_some_and(|wanted| wanted != header.statement.id) {
            continue;
        }
        if state.receipt(index)?.is_none() {
            bail!(
                "submission {} of {} may not have arrived: run `tacit answer` again first, or it could be sent later",
                index + 1,
                plan.submissions()
            );
        }
        let known = state.erasures(index)?.unwrap_or_default();
        let patience = Duration::from_secs(args.wait_seconds);
        let erased = withdraw(&api, &cluster, &key, &header, known, patience).await?;
        state.store_erasures(index, &erased.receipts)?;
        let (receipts, without) = (erased.receipts.len().to_string(), erased.missing.join(", "));
        rows.push(vec![header.statement.id.to_string(), receipts, without]);
        missing.extend(erased.missing);
    }
    ensure!(!rows.is_empty(), "no such submission was sent to job {} with this key", args.job);
    output::print(&output::table(&["submission", "erased by", "not answered"], rows))?;
    missing.sort_unstable();
    missing.dedup();
    ensure!(
        missing.is_empty(),
        "the coordinator has withdrawn everything, but {} did not sign yet that it is erased: run this again",
        missing.join(", ")
    );
    Ok(())
}
