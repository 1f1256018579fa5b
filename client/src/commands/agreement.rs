//! What a contributor is told before the first answer, and the record of what it agrees to.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use tacit_client::state::State;
use tacit_program::unix_time;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::consent::ConsentRecord;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;

use crate::commands::published;
use crate::exit::Cause;
use crate::output::{Format, PUBLIC_ANSWERS};

/// Says what is published, and asks before the first answer to a job that is not sensitive, unless agreement is `given`.
///
/// # Errors
/// The person does not agree, or nobody can be asked.
pub(super) fn ask(given: bool, job: &Job, name: &str, format: Format) -> Result<()> {
    let terms = job.terms();
    let asks = !terms.sensitive && !given;
    if asks && !std::io::stdin().is_terminal() {
        return Err(Cause::NotConfirmed.error(format!(
            "{}: {PUBLIC_ANSWERS}; nothing was sent. If you agree, give --public-answers",
            job.id()
        )));
    }
    format.print_before(&(published::about_you(terms, Some(name)) + &published::vouched(terms)))?;
    if !asks {
        return Ok(());
    }
    write!(
        std::io::stderr(),
        "tacit: {}: {PUBLIC_ANSWERS}. Send your answers? [y/N] ",
        job.id()
    )
    .context("cannot ask for your decision")?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said).context("cannot read your decision")?;
    if matches!(said.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Cause::NotConfirmed.error(format!("{}: nothing was sent", job.id())))
    }
}

/// The record of an earlier sitting, or a new one, which is stored before anything is sent.
pub(super) fn record(state: &State, cluster: &Cluster, job: &Job, key: &SecretKey) -> Result<ConsentRecord> {
    if let Some(before) = state.consent()? {
        return Ok(before);
    }
    let agreed = ConsentRecord::new(cluster, job.terms(), key, unix_time(), &mut rand::rng());
    state.store_consent(&agreed)?;
    Ok(agreed)
}
