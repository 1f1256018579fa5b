//! `tacit-coordinator run`: checks the configuration, then serves until it is told to stop.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use tacit_http_server::{
    AddressRange, Certificate, Doors, PerOrigin, Places, Priority, Server, Timeouts, raise_open_files, reload_at_hangups,
};
use tacit_link::{Link, LinkError};
use tacit_program::{CLOSE_TIMEOUT, LogError, Logging, SHUTDOWN_TIMEOUT, ShutdownError, allocator, finish_within, shutdown_requested};
use thiserror::Error;
use tokio_util::task::TaskTracker;

use crate::app::{App, Shared};
use crate::check::{Listeners, listen};
use crate::config::{ConfigError, Loaded, load};
use crate::limits::Limits;
use crate::metrics::{ADMIN_PORT, API_PORT};
use crate::store::{Store, StoreError};
use crate::{admin, api, jobs};

/// Connections to the admin port: a few programs watch it.
const ADMIN_CONNECTIONS: usize = 64;

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

async fn serve(path: &Path, mut loaded: Loaded, stop_with_stdin: bool) -> Result<(), RunError> {
    let listeners = Listeners {
        api: listen(loaded.config.listen, "listen", path)?,
        admin: listen(loaded.config.admin, "admin", path)?,
    };
    fit_to_open_files(&mut loaded.config.limits);
    let metrics = api::metrics(&loaded).map_err(|e| RunError::System {
        what: "cannot register the metrics",
        reason: e.to_string(),
    })?;
    let store = Store::open(&loaded.config.data, loaded.cluster.nodes().len(), metrics.store.clone())?;
    let link = Link::bind_anywhere(&loaded.key, Arc::clone(&loaded.cluster))?;
    let cluster = loaded.cluster.digest();
    let certificate = loaded.certificate.clone();
    let proxies = loaded.config.limits.proxies.clone();
    let app = App::new(loaded, store, metrics);
    jobs::start(&app, Arc::new(link.clone())).await?;
    // Signals must count before "ready" is printed: whoever reads it may stop the coordinator at once.
    let stop_requested = shutdown_requested(stop_with_stdin)?;
    if let Some(certificate) = &certificate {
        app.spawn(reload_at_hangups(Arc::clone(certificate)).map_err(system("cannot wait for SIGHUP"))?);
    }

    let servers = TaskTracker::new();
    let (scheme, api) = serve_api(&servers, &app, listeners.api, certificate, proxies)?;
    let admin = serve_admin(&servers, &app, listeners.admin)?;
    // The program that started the coordinator may have closed the pipe.
    let _ = writeln!(
        std::io::stdout(),
        "ready api={scheme}://{api} admin=http://{admin} cluster={cluster}"
    );
    tracing::info!(%api, scheme, %admin, %cluster, "serving");

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

/// Keeps the number of connections below the limit of open files, so that the store and the nodes always find one.
fn fit_to_open_files(limits: &mut Limits) {
    let files = raise_open_files(limits.files());
    let fitting = limits.connections_within(files);
    if fitting < limits.connections {
        tracing::warn!(
            files,
            connections = fitting,
            "fewer connections are accepted than `limits.connections` says: raise the limit of open files (LimitNOFILE of systemd, ulimit -n)"
        );
        limits.connections = fitting;
    }
}

/// Starts the API's server. Returns its scheme and address.
fn serve_api(
    servers: &TaskTracker,
    app: &Shared,
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    proxies: Vec<AddressRange>,
) -> Result<(&'static str, SocketAddr), RunError> {
    let router = api::router(Arc::clone(app)).map_err(|e| RunError::System {
        what: "cannot write the description of the API",
        reason: e.to_string(),
    })?;
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let server = Server {
        listener,
        router,
        doors: Doors {
            places: app.connections.clone(),
            proxies,
            timeouts: Timeouts::default(),
            certificate,
            on_refusal: app.metrics.refusals(API_PORT),
        },
        shutdown: app.shutdown.clone(),
    };
    let address = server.address().map_err(system("cannot serve the API"))?;
    if scheme == "http" && !address.ip().is_loopback() {
        tracing::warn!(%address, "the API is served without TLS: nothing but a proxy that adds TLS may reach it (config table `tls`)");
    }
    servers.spawn(async move {
        if let Err(error) = server.run().await {
            tracing::error!(%error, %address, "the API is not served any more");
        }
    });
    Ok((scheme, address))
}

/// Starts the admin port's server, on a thread of its own: however much the API has to do, health and metrics are answered.
fn serve_admin(servers: &TaskTracker, app: &Shared, listener: TcpListener) -> Result<SocketAddr, RunError> {
    let per_origin = PerOrigin {
        loopback: ADMIN_CONNECTIONS,
        other: ADMIN_CONNECTIONS / 2,
    };
    let server = Server {
        listener,
        router: admin::router(Arc::clone(app)),
        doors: Doors {
            places: Places::new(ADMIN_CONNECTIONS, per_origin),
            proxies: Vec::new(),
            timeouts: Timeouts::default(),
            certificate: None,
            on_refusal: app.metrics.refusals(ADMIN_PORT),
        },
        shutdown: app.shutdown.clone(),
    };
    let address = server.address().map_err(system("cannot serve the admin port"))?;
    let serving = server
        .run_on_thread("admin", Priority::Usual)
        .map_err(system("cannot start the thread of the admin port"))?;
    servers.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, %address, "the admin port is not served any more");
        }
    });
    Ok(address)
}

/// The first finding; `check-config` shows the others. The list is never empty.
fn first(findings: Vec<ConfigError>) -> RunError {
    let none = RunError::System {
        what: "the config file cannot be used",
        reason: "run check-config".to_owned(),
    };
    findings.into_iter().next().map_or(none, RunError::Config)
}
