//! Drops the sealed envelopes of jobs that have ended. Nobody needs them any more, and what is not there cannot be stolen. Headers,
//! receipts and outcomes stay.

use tacit_program::LastReason;
use tacit_protocol::job::JobId;
use tokio::time::sleep;

use crate::app::Shared;
use crate::store::{RETRY_PAUSE, StoreError};

/// Drops the envelopes of a job that has ended. Retries until the store has done it.
pub(crate) async fn drop_envelopes(app: &Shared, id: &JobId) {
    let mut last_reason: LastReason<StoreError> = LastReason::default();
    loop {
        match app.store.drop_envelopes(id).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                if last_reason.is_new(&error) {
                    tracing::warn!(job = %id, %error, "the envelopes of a job that has ended are not dropped yet");
                }
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Drops the envelopes that were left when the process ended before.
pub(crate) async fn drop_leftover_envelopes(app: Shared) {
    match app.store.ended_jobs_with_envelopes().await {
        Ok(jobs) => {
            for job in jobs {
                drop_envelopes(&app, &job).await;
            }
        }
        Err(error) => tracing::warn!(%error, "envelopes of jobs that have ended may be left until the next start"),
    }
}
