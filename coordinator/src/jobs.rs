//! Starting the work: on the jobs that have not ended, and on every job that is opened later.

use std::sync::Arc;

use tacit_protocol::api::JobState;
use tacit_protocol::codec::decode;
use tacit_protocol::identity::Signed;
use tacit_protocol::job::{Job, SignedSpec};
use tacit_protocol::submission::Header;

use crate::active_jobs::ActiveJob;
use crate::app::Shared;
use crate::connection::maintain_connection;
use crate::delivery::deliver_loop;
use crate::driver::drive;
use crate::drop_envelopes::{drop_leftover_envelopes, purge_old_jobs};
use crate::nodes::Dial;
use crate::sealing_keys::{self, follow_sealing_key};
use crate::store::{JobRow, StoreError};

/// Resumes every job that has not ended, then starts to connect to the nodes and to deliver to them.
///
/// # Errors
/// The store fails, or it holds unfinished jobs of another cluster.
pub(crate) async fn start(app: &Shared, dial: Arc<dyn Dial>) -> Result<(), StoreError> {
    app.store.check_cluster(app.cluster.digest()).await?;
    for row in app.store.jobs().await? {
        if !row.state.is_final() {
            resume(app, row).await?;
        }
    }
    sealing_keys::restore(app).await?;
    app.spawn(drop_leftover_envelopes(Arc::clone(app)));
    app.spawn(purge_old_jobs(Arc::clone(app)));
    for node in 0..app.cluster.nodes().len() {
        app.spawn(maintain_connection(Arc::clone(app), Arc::clone(&dial), node));
        app.spawn(deliver_loop(Arc::clone(app), node));
        app.spawn(follow_sealing_key(Arc::clone(app), node));
    }
    Ok(())
}

/// Makes a job active and drives it to its end.
pub(crate) fn take_up(app: &Shared, active: ActiveJob) {
    let active = Arc::new(active);
    app.active_jobs.add(Arc::clone(&active));
    app.spawn(drive(Arc::clone(app), active));
    app.nodes.wake();
}

async fn resume(app: &Shared, row: JobRow) -> Result<(), StoreError> {
    let spec = app.store.spec(&row.id).await?.unwrap_or_default();
    let id = row.id.clone();
    let cluster = app.cluster.digest();
    let parsed = tokio::task::spawn_blocking(move || SignedSpec::from_json(&spec).and_then(|spec| Job::open(&cluster, id, spec))).await;
    let job = match parsed {
        Ok(Ok(job)) if job.digest() == row.digest => job,
        Ok(_) => {
            // This release may check specs differently, or the file was altered. Other jobs can still run.
            let reason = "its stored spec is not the job it was opened as: open it again under another id".to_owned();
            app.store.fail_job(&row.id, reason).await?;
            return Ok(());
        }
        Err(_) => return Err(StoreError::ShuttingDown),
    };
    let active = ActiveJob::new(
        job,
        (app.quorum(), app.cluster.access().threshold()),
        app.store.deliveries(&row.id).await?,
    );
    // The complete items of a verified job are stored.
    if row.state != JobState::Verified {
        for (sequence, header) in app.store.headers(&row.id).await? {
            if let Ok(header) = decode::<Signed<Header>>(&header, "a submission's header") {
                active.receive(sequence, &header.value.statement);
            }
        }
        active.restore_refused(&app.store.refused(&row.id).await?);
    }
    if row.attempt > 0 {
        active.computed_before();
    }
    active.set_received(row.submissions);
    take_up(app, active);
    Ok(())
}
