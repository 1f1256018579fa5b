//! Following a job: the coordinator's server-sent events, connected again when they break.

use std::time::Duration;

use reqwest::Response;
use tacit_core::api::JobStatus;
use tacit_core::job::JobId;

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
    parser: Parser,
}

impl Events {
    pub(crate) fn new(response: Response) -> Self {
        Self {
            response,
            parser: Parser::default(),
        }
    }

    /// The next status; `None` when the stream has ended, broke, or is not one.
    async fn next(&mut self) -> Option<JobStatus> {
        loop {
            if let Some(data) = self.parser.next() {
                return serde_json::from_slice(&data).ok();
            }
            if self.parser.pending() > MAX_EVENT {
                return None;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.parser.push(&chunk);
        }
    }
}

/// Takes server-sent events apart (WHATWG HTML, "Interpreting an event stream"); only data matters here.
#[derive(Default)]
struct Parser {
    bytes: Vec<u8>,
    data: Vec<u8>,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn pending(&self) -> usize {
        self.bytes.len() + self.data.len()
    }

    /// The data of the next complete event.
    fn next(&mut self) -> Option<Vec<u8>> {
        while let Some(end) = self.bytes.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
                self.data.push(b'\n');
            } else if line.is_empty() && !self.data.is_empty() {
                return Some(std::mem::take(&mut self.data));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        let stream = b": keep-alive\n\nevent: status\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nid: 4\n\ndata:2\n\ndata: unfinished";
        for size in 1..stream.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for chunk in stream.chunks(size) {
                parser.push(chunk);
                events.extend(std::iter::from_fn(|| parser.next()));
            }
            assert_eq!(events, [b"{\"a\":\n1}\n".to_vec(), b"2\n".to_vec()]);
        }
    }
}
