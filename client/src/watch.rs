//! Following a job: the coordinator's server-sent events, connected again when they break.

use std::time::Duration;

use tacit_protocol::api::JobStatus;
use tacit_protocol::job::JobId;

use crate::events::Events;
use crate::http::{Api, ApiError};

/// How long to wait before the stream is opened again after it broke.
const PAUSE: Duration = Duration::from_millis(500);

/// The changes of one job until nothing more will happen.
pub struct Watch<'a> {
    api: &'a Api,
    id: &'a JobId,
    events: Option<Events>,
    ended: bool,
}

impl<'a> Watch<'a> {
    /// Follows job `id`.
    pub fn new(api: &'a Api, id: &'a JobId) -> Self {
        Self {
            api,
            id,
            events: None,
            ended: false,
        }
    }

    /// The next change; `None` after a final state. The future may be dropped and the method called again.
    pub async fn next(&mut self) -> Result<Option<JobStatus>, ApiError> {
        if self.ended {
            return Ok(None);
        }
        let events = match &mut self.events {
            Some(events) => events,
            None => self.events.insert(self.api.events(self.id).await?),
        };
        let status = match events.next().await {
            Some(status) => status,
            None => {
                // The stream ended or broke: ask, and connect again next time.
                self.events = None;
                tokio::time::sleep(PAUSE).await;
                self.api.status(self.id).await?
            }
        };
        self.ended = status.state.is_final();
        Ok(Some(status))
    }
}
