//! `tacit probe`.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::args::Probe;
use crate::output;

/// How long an admin port may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of an answer is shown.
const SHOWN: usize = 1000;

/// Asks an admin port; an error unless it answers that all is well.
pub async fn run(args: &Probe) -> Result<()> {
    let url = &args.url;
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().tls_certs_only([]).build();
    let response = client.context("cannot make an HTTP client")?.get(url).send().await;
    let mut response = response.with_context(|| format!("{url} cannot be reached: start the program, or correct the port"))?;
    let status = response.status();
    let said = response
        .chunk()
        .await
        .with_context(|| format!("{url} breaks off"))?
        .unwrap_or_default();
    let said = String::from_utf8_lossy(&said[..said.len().min(SHOWN)]);
    if !status.is_success() {
        bail!("{url} answers {status}: {}", output::cell(&said));
    }
    output::print(&said)
}
