//! What is kept of a job that has ended: everything but the sealed envelopes. Nobody needs those any
//! more, and what is not there cannot be stolen.

use tacit_protocol::job::JobId;
use tokio::time::sleep;

use crate::app::{STORE_RETRY, Shared};
use crate::store::StoreError;

/// Drops the envelopes of a job that has ended, however long the store takes.
pub async fn tidy(app: &Shared, id: &JobId) {
    let mut said: Option<StoreError> = None;
    loop {
        match app.store.drop_envelopes(id).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                if said.as_ref() != Some(&error) {
                    tracing::warn!(job = %id, %error, "the envelopes of a job that has ended are not dropped yet");
                    said = Some(error);
                }
                sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Drops what was left when the process ended.
pub async fn left_over(app: Shared) {
    match app.store.to_tidy().await {
        Ok(jobs) => {
            for job in jobs {
                tidy(&app, &job).await;
            }
        }
        Err(error) => tracing::warn!(%error, "envelopes of jobs that have ended may be left until the next start"),
    }
}
