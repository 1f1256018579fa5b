//! `tacit probe`: asks an admin port whether its program is alive or ready.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tacit_client::text::one_line;

use crate::args::Probe;
use crate::output::Format;

/// The time-out of the request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes of a response are shown.
const SHOWN: usize = 1000;

/// Asks an admin port. Fails unless the response is a success.
pub(crate) async fn run(args: &Probe, format: Format) -> Result<()> {
    let url = &args.url;
    let client = reqwest::Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .no_proxy()
        .tls_certs_only([])
        .build();
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
        bail!("{url} answers {status}: {}", one_line(&said));
    }
    format.print(&json!({ "url": url, "status": status.as_u16(), "body": said }), &said)
}
