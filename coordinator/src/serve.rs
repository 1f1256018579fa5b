//! `tacit-coordinator run`: checks, then serves until it is told to stop.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tacit_link::{Link, LinkError};
use tacit_program::{LogError, Logging};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::check::{Listeners, listen};
use crate::config::{ConfigError, Loaded, load};
use crate::store::{Store, StoreError};
use crate::{admin, api};

/// How long requests and tasks may take to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long nodes may take to learn that the connection ends.
const GOODBYE: Duration = Duration::from_millis(250);

/// Why the coordinator does not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The config file, or something it names, cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The nodes cannot be dialled from this machine.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// There can be no logs.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The operating system refuses something that is always there.
    #[error("{what}: {reason}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> RunError {
    move |e| RunError::System {
        what,
        reason: e.to_string(),
    }
}

/// Runs the coordinator.
///
/// # Errors
/// It cannot begin. Once it serves, it ends well.
pub fn run(path: &Path, logging: &Logging, stop_with_stdin: bool) -> Result<(), RunError> {
    let loaded = load(path).map_err(first)?;
    let _logs = logging.start("tacit-coordinator", env!("CARGO_PKG_VERSION"), loaded.config.log.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().map_err(system("cannot start the runtime"))?;
    let outcome = runtime.block_on(serve(path, loaded, stop_with_stdin));
    // A blocking call to a stuck disk must not keep the process alive.
    runtime.shutdown_timeout(FAREWELL);
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
    app.start(Arc::new(link.clone())).await?;
    stop_on_signal(&app.shutdown)?;
    if stop_with_stdin {
        stop_on_end_of_input(app.shutdown.clone());
    }

    let servers = TaskTracker::new();
    let api = start(&servers, &app.shutdown, listeners.api, api::router(Arc::clone(&app)))?;
    let admin = start(&servers, &app.shutdown, listeners.admin, admin::router(Arc::clone(&app)))?;
    // Nobody may be listening any more; that is no reason not to serve.
    let _ = writeln!(std::io::stdout(), "ready api=http://{api} admin=http://{admin} cluster={cluster}");
    tracing::info!(%api, %admin, %cluster, "serving");

    app.shutdown.cancelled().await;
    tracing::info!("stopping");
    servers.close();
    app.tasks.close();
    let ended = async {
        servers.wait().await;
        app.tasks.wait().await;
        // Nodes that are there are told at once; for those that are not, the transport would wait seconds.
        let _ = tokio::time::timeout(GOODBYE, link.close()).await;
    };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    Ok(())
}

/// A list of findings is never empty; `check-config` shows the others.
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

fn stop_on_signal(shutdown: &CancellationToken) -> Result<(), RunError> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signal = signal(kind).map_err(system("cannot wait for signals"))?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            signal.recv().await;
            shutdown.cancel();
        });
    }
    Ok(())
}

/// A thread of its own: a read of standard input cannot be given up, and must not hold the runtime.
fn stop_on_end_of_input(shutdown: CancellationToken) {
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut bytes = [0; 256];
        while matches!(input.read(&mut bytes), Ok(read) if read > 0) {}
        shutdown.cancel();
    });
}
