//! A job's server-sent events as they arrive from the coordinator.

use reqwest::Response;
use tacit_protocol::api::JobStatus;

use crate::event_stream::EventStream;

/// The largest event in bytes; a status in which every node has a complaint is far smaller.
const MAX_EVENT: usize = 1 << 20;

/// A stream of server-sent events, each a [`JobStatus`].
pub(crate) struct Events {
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

    /// The next status; `None` when the stream has ended or broken, or when an event is too long or no status.
    pub(crate) async fn next(&mut self) -> Option<JobStatus> {
        loop {
            if let Some(data) = self.stream.next_event() {
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
