//! `tacit web`: serves the page from this program, to this machine or to whoever a proxy brings.

use std::path::Path;

use anyhow::{Context, Result};
use axum::body::Bytes;
use serde_json::json;
use tacit_client::files;
use tacit_program::error_line;
use tacit_protocol::cluster::Cluster;
use tokio::net::TcpListener;

use crate::args;
use crate::interruption::Interruptions;
use crate::output::Format;

/// Serves until it is told to stop.
pub(crate) async fn run(args: &args::Web, format: Format) -> Result<()> {
    let mut interruptions = Interruptions::listen()?;
    let cluster = args.cluster.as_deref().map(checked).transpose()?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on TCP {}", args.listen))?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    format.print(&json!({ "ready": url }), &format!("ready {url}\n"))?;
    if !address.ip().is_loopback() {
        error_line(
            "tacit",
            &format_args!(
                "browsers let the page keep keys only over HTTPS: put a proxy with a certificate before {address}, and give people the \
                 proxy's address"
            ),
        );
    }
    let router = tacit_page::router(cluster, args.behind_https);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            interruptions.next().await;
        })
        .await
        .context("the server of the page has failed")
}

/// The bytes of a cluster file that can be used: a wrong one is found here, and not by everybody who opens the page.
fn checked(path: &Path) -> Result<Bytes> {
    let bytes = files::read(path)?;
    Cluster::parse(&bytes).with_context(|| path.display().to_string())?;
    Ok(bytes.into())
}
