//! `tacit web`: serves the page from this program, to this machine or to whoever a proxy brings.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Bytes;
use serde_json::json;
use tacit_client::files;
use tacit_http_server::{Server, listen};
use tacit_page::Limits;
use tacit_program::error_line;
use tacit_protocol::cluster::Cluster;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::args;
use crate::interruption::Interruptions;
use crate::output::Format;

/// How long responses may take to end after the signal.
const END: Duration = Duration::from_secs(5);

/// Serves until it is told to stop.
pub(crate) async fn run(args: &args::Web, format: Format) -> Result<()> {
    let mut interruptions = Interruptions::listen()?;
    let cluster = args.cluster.as_deref().map(checked).transpose()?;
    let limits = Limits {
        proxies: args.proxies.clone(),
        ..Limits::default()
    };
    let stop = CancellationToken::new();
    let server = Server {
        listener: listen(args.listen).context("--listen")?,
        router: tacit_page::router(cluster, args.behind_https),
        // Nobody reads metrics of this command.
        doors: limits.doors(None, Arc::new(|_| {})),
        shutdown: stop.clone(),
    };
    let address = server.address().context("cannot serve the page")?;
    let url = format!("http://{address}/");
    format.print(&json!({ "ready": url }), &format!("ready {url}\n"))?;
    if !address.ip().is_loopback() && !args.behind_https {
        error_line(
            "tacit",
            &format_args!(
                "browsers let the page keep keys only over HTTPS: put a proxy with a certificate before {address}, and give people the \
                 proxy's address"
            ),
        );
    }
    let mut serving = pin!(server.run());
    tokio::select! {
        served = &mut serving => return served.context("the server of the page has failed"),
        _ = interruptions.next() => stop.cancel(),
    }
    // A browser that does not read its response is not waited for.
    timeout(END, serving)
        .await
        .unwrap_or(Ok(()))
        .context("the server of the page has failed")
}

/// The bytes of a cluster file that can be used: a wrong one is found here, and not by everybody who opens the page.
fn checked(path: &Path) -> Result<Bytes> {
    let bytes = files::read(path)?;
    Cluster::parse(&bytes).with_context(|| path.display().to_string())?;
    Ok(bytes.into())
}
