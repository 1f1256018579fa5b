//! `run`: connects the parts and waits for a signal.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use tacit_link::Link;
use tacit_program::{CLOSE_TIMEOUT, SHUTDOWN_TIMEOUT, allocator, finish_within, shutdown_requested};
use tacit_protocol::credential::CheckedCredentials;
use tacit_protocol::sealing::RecordKey;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::admin::{Admin, router};
use crate::args::Run;
use crate::check::own_index;
use crate::config::Config;
use crate::intake::Intake;
use crate::keys;
use crate::lanes::Lanes;
use crate::memory;
use crate::mesh::Mesh;
use crate::metrics::Metrics;
use crate::quiet_repair::quiet_repair;
use crate::sealing_keys::SealingKeys;
use crate::serve::Service;
use crate::store::Store;
use crate::supply::Supplier;
use crate::web::Page;

/// Runs the node until it is told to stop.
pub(crate) fn run(args: &Run) -> Result<()> {
    let _logs = args.logging.start("tacit-node", env!("CARGO_PKG_VERSION"), None)?;
    let config = Config::load(&args.config)?;
    let overridden = allocator::overridden_settings();
    if !overridden.is_empty() {
        info!(?overridden, "the allocator has other settings than those built in");
    }
    memory::reserve(config.reserve_memory_mb)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(serve(&config, args.stop_with_stdin));
    // The thread of a session ends at its next round. Do not wait longer than this for it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

async fn serve(config: &Config, stop_with_stdin: bool) -> Result<()> {
    let (cluster, cluster_bytes) = config.load_cluster_and_bytes()?;
    let cluster = Arc::new(cluster);
    let key = keys::read_identity(&config.identity_key)?;
    let me = own_index(config, &cluster, &key)?;
    let metrics = Metrics::new(&cluster, me)?;
    let link = Link::bind(config.listen, &key, Arc::clone(&cluster))?;
    let admin_listener = TcpListener::bind(config.admin)
        .await
        .with_context(|| format!("cannot listen on TCP {}", config.admin))?;

    let stop = CancellationToken::new();
    let web = config.web.as_ref();
    let page = web.map(|web| Page::open(web, cluster_bytes, &metrics, stop.clone())).transpose()?;

    let store = Arc::new(Store::open(&config.data, metrics.store.clone(), RecordKey::of(&key))?);
    let sealing = Arc::new(SealingKeys::open(&config.data, config.lifetime(), cluster.digest(), key.clone())?);

    // Signals must count before "ready" is printed: whoever reads it may stop the node at once.
    let stop_requested = shutdown_requested(stop_with_stdin)?;
    let lanes = Arc::new(Lanes::default());
    let intake = Arc::new(Intake {
        cluster: Arc::clone(&cluster),
        me,
        keys: Arc::clone(&sealing),
        store: Arc::clone(&store),
        room: config.room,
        metrics: metrics.clone(),
        policy: config.policy.clone(),
        credentials: CheckedCredentials::default(),
    });
    let supplier = Arc::new(Supplier::new(Arc::clone(&intake)));
    let mesh = Arc::new(Mesh::new(
        link.clone(),
        Arc::clone(&cluster),
        me,
        (Arc::clone(&lanes), supplier),
        metrics.clone(),
    ));
    let ages = metrics.keys(config)?;
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(sealing.keep(move |epoch| ages.sealing_key(epoch))),
    );
    let (quiet, noted) = quiet_repair();
    let repairing = noted.repair_all(Arc::clone(&intake), Arc::clone(&mesh), stop.clone());
    tokio::spawn(stop.clone().run_until_cancelled_owned(repairing));
    let limits = (config.round_timeout(), config.max_sessions);
    let service = Arc::new(Service::new(intake, key, Arc::clone(&mesh), lanes, quiet, limits, stop.clone()));

    tokio::spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&service).erase_old_jobs()));

    let admin = Admin {
        store,
        mesh: Arc::clone(&mesh),
        needed: cluster.access().quorum() - 1,
        service: Arc::clone(&service),
        metrics,
        page: page.as_ref().map(Page::connections),
    };
    let page_url = page.as_ref().map(|page| format!(" page={}", page.url)).unwrap_or_default();
    let page = page.map(Page::serve).transpose()?;
    let quic = link.local_address().unwrap_or(config.listen);
    // The program that started the node may have closed the pipe.
    let _ = writeln!(
        std::io::stdout(),
        "ready quic={quic} admin=http://{} cluster={}{page_url}",
        admin_listener.local_addr()?,
        cluster.digest()
    );
    info!(node = %cluster.node_name(me), cluster = %cluster.digest(), policy = %config.policy.digest(), %quic, "running");

    let connected = {
        let stop = stop.clone();
        move |connection| {
            tokio::spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&service).serve(connection)));
        }
    };
    let meshed = tokio::spawn(mesh.run(stop.clone(), connected));
    let serving = axum::serve(admin_listener, router(admin)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let serving = tokio::spawn(async move { serving.await });

    stop_requested.await;
    info!("stopping");
    stop.cancel();
    let ended = async {
        meshed.await.context("the task of the peers' connections has failed")?;
        // A peer that is away does not acknowledge it.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, link.close()).await;
        if let Some(page) = page {
            page.await.context("the task of the page has failed")?;
        }
        // A client of the admin port may not finish its request.
        serving
            .await
            .context("the task of the admin port has failed")?
            .context("the admin port cannot be served any more")
    };
    finish_within(SHUTDOWN_TIMEOUT, ended).await.unwrap_or(Ok(()))
}
