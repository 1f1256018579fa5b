//! Drops the sealed envelopes and the items of jobs that have ended. Nobody needs them any more, and what is not there cannot be stolen.
//! Headers, receipts, outcomes and results stay for as long as the config file says.

use std::time::Duration;

use tacit_program::LastReason;
use tacit_protocol::job::JobId;
use tokio::time::sleep;

use crate::app::Shared;
use crate::store::{RETRY_PAUSE, StoreError};

/// How often jobs are looked for whose time is over.
const LOOK_FOR_OLD_JOBS: Duration = Duration::from_secs(3600);

/// Drops the envelopes and the items of a job that has ended. Retries until the store has done it.
pub(crate) async fn drop_envelopes(app: &Shared, id: &JobId) {
    let mut last_reason: LastReason<StoreError> = LastReason::default();
    loop {
        match app.store.drop_envelopes(id).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                if last_reason.is_new(&error) {
                    tracing::warn!(job = %id, %error, "the envelopes of a job that has ended are not dropped yet");
                }
                sleep(RETRY_PAUSE).await;
                continue;
            }
        }
        return empty_log(app, id).await;
    }
}

/// Empties the log of recent changes, so that what was erased of a job is in no file any more. Retries until the store has done it.
async fn empty_log(app: &Shared, id: &JobId) {
    let mut last_reason: LastReason<StoreError> = LastReason::default();
    while let Err(error) = app.store.empty_log().await {
        if last_reason.is_new(&error) {
            tracing::warn!(job = %id, %error, "what was erased of a job is still in the log of the store");
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// Empties the store's log, in which the envelopes still are. If that fails now, it is tried again later.
pub(crate) async fn erase_from_log(app: &Shared, id: &JobId) {
    if let Err(error) = app.store.empty_log().await {
        tracing::warn!(job = %id, %error, "a withdrawn submission is still in the log of the store");
        let (later, id) = (Shared::clone(app), id.clone());
        app.spawn(async move { empty_log(&later, &id).await });
    }
}

/// Purges the jobs that have ended longer ago than the config file says, at the start and then every hour.
pub(crate) async fn purge_old_jobs(app: Shared) {
    let Some(seconds) = app.keep_results_seconds else { return };
    loop {
        let purging = async {
            for job in app.store.to_purge(seconds).await? {
                app.store.purge(&job).await?;
                tracing::info!(%job, "what was stored of a job is purged, as its time is over");
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = purging.await {
            tracing::warn!(%error, "jobs whose time is over are not purged yet");
        }
        sleep(LOOK_FOR_OLD_JOBS).await;
    }
}

/// Drops the envelopes that were left when the process ended before.
pub(crate) async fn drop_leftover_envelopes(app: Shared) {
    match app.store.ended_jobs_with_leftovers().await {
        Ok(jobs) => {
            for job in jobs {
                drop_envelopes(&app, &job).await;
            }
        }
        Err(error) => tracing::warn!(%error, "envelopes of jobs that have ended may be left until the next start"),
    }
}
