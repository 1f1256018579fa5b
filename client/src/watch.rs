//! Following a job: the coordinator's server-sent events, connected again when they break.

use std::time::Duration;

use reqwest::Response;
use tacit_protocol::api::JobStatus;
use tacit_protocol::job::JobId;

use crate::event_stream::EventStream;
use crate::http::{Api, ApiError};

const PAUSE: Duration = Duration::from_millis(500);
/// The largest event; a status with every node's complaint is far below.
const MAX_EVENT: usize = 1 << 20;

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

    /// The next change; `None` after a final state. Can be given up and called again.
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

/// A stream of server-sent events, each a [`JobStatus`].
pub struct Events {
    response: Response,
    stream: EventStream,
}

impl Events {
    pub(crate) fn new(response: Response) -> Self {
        Self {
            response,
            stream: EventStream::default(),
        }
    }

    /// The next status; `None` when the stream has ended, broke, or is not one.
    async fn next(&mut self) -> Option<JobStatus> {
        loop {
            if let Some(data) = self.stream.next() {
                return serde_json::from_slice(&data).ok();
            }
            if self.stream.pending() > MAX_EVENT {
                return None;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.stream.push(&chunk);
        }
    }
}
