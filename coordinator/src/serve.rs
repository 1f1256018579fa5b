//! `tacit-coordinator run`: checks the configuration, then serves until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use tacit_link::{Link, LinkError};
use tacit_program::{CLOSE_TIMEOUT, LogError, Logging, SHUTDOWN_TIMEOUT, ShutdownError, allocator, finish_within, shutdown_requested};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::check::{Listeners, listen};
use crate::config::{ConfigError, Loaded, load};
use crate::store::{Store, StoreError};
use crate::{admin, api, jobs};

/// Why the coordinator cannot run.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// The config file, or something it names, cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine has no socket from which the nodes can be reached.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Logs cannot be set up.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Signals cannot be received.
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
    /// The operating system refuses something that every program needs.
    #[error("{what}: {reason}")]
    System {
        /// What cannot be done.
        what: &'static str,
        /// The system's message.
        reason: String,
    },
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> RunError {
    move |e| RunError::System {
        what,
        reason: e.to_string(),
    }
}

/// Runs the coordinator until it is told to stop.
///
/// # Errors
/// It cannot start. Once it serves, it ends without an error.
pub(crate) fn run(path: &Path, logging: &Logging, stop_with_stdin: bool) -> Result<(), RunError> {
    let loaded = load(path).map_err(first)?;
    let _logs = logging.start("tacit-coordinator", env!("CARGO_PKG_VERSION"), loaded.config.log.as_deref())?;
    let overridden = allocator::overridden_settings();
    if !overridden.is_empty() {
        tracing::info!(?overridden, "the allocator has other settings than those built in");
    }
    let runtime = tokio::runtime::Runtime::new().map_err(system("cannot start the runtime"))?;
    let outcome = runtime.block_on(serve(path, loaded, stop_with_stdin));
    // Do not wait longer for a call that blocks on a stuck disk.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    outcome
}

async fn serve(path: &Path, loaded: Loaded, stop_with_stdin: bool) -> Result<(), RunError> {
    let listeners = Listeners {
        api: listen(loaded.config.listen, "listen", path)?,
        admin: listen(loaded.config.admin, "admin", path)?,
    };
    let metrics = api::metrics(&loaded).map_err(|e| RunError::System {
        what: "cannot register the metrics",
        reason: e.to_string(),
    })?;
    let store = Store::open(&loaded.config.data, loaded.cluster.nodes().len(), metrics.store.clone())?;
    let link = Link::bind_anywhere(&loaded.key, Arc::clone(&loaded.cluster))?;
    let cluster = loaded.cluster.digest();
    let app = App::new(loaded, store, metrics);
    jobs::start(&app, Arc::new(link.clone())).await?;
    // Signals must count before "ready" is printed: whoever reads it may stop the coordinator at once.
    let stop_requested = shutdown_requested(stop_with_stdin)?;

    let servers = TaskTracker::new();
    let api = start(&servers, &app.shutdown, listeners.api, api::router(Arc::clone(&app)))?;
    let admin = start(&servers, &app.shutdown, listeners.admin, admin::router(Arc::clone(&app)))?;
    // The program that started the coordinator may have closed the pipe.
    let _ = writeln!(std::io::stdout(), "ready api=http://{api} admin=http://{admin} cluster={cluster}");
    tracing::info!(%api, %admin, %cluster, "serving");

    stop_requested.await;
    tracing::info!("stopping");
    app.shutdown.cancel();
    servers.close();
    app.tasks.close();
    let ended = async {
        servers.wait().await;
        app.tasks.wait().await;
        // Nodes that are connected are told at once. For others the transport would wait several seconds.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, link.close()).await;
    };
    // Whatever has not ended by then ends with the process.
    let _ = finish_within(SHUTDOWN_TIMEOUT, ended).await;
    Ok(())
}

/// The first finding; `check-config` shows the others. The list is never empty.
fn first(findings: Vec<ConfigError>) -> RunError {
    let none = RunError::System {
        what: "the config file cannot be used",
        reason: "run check-config".to_owned(),
    };
    findings.into_iter().next().map_or(none, RunError::Config)
}

fn start(
    servers: &TaskTracker,
    shutdown: &CancellationToken,
    listener: std::net::TcpListener,
    router: Router,
) -> Result<SocketAddr, RunError> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(system("cannot serve on a port"))?;
    let address = listener.local_addr().map_err(system("cannot serve on a port"))?;
    let shutdown = shutdown.clone();
    servers.spawn(async move {
        if let Err(error) = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
        {
            tracing::error!(%error, %address, "the server has ended");
        }
    });
    Ok(address)
}
