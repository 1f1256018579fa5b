//! Request bodies, read as they arrive: at most so many bytes, and not more slowly than at a minimum rate.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::problem::{Problem, ProblemKind};

/// The fewest bytes a second, so that slow clients do not hold places and memory.
const RATE: u64 = 16 << 10;
/// A buffer grows by a quarter, and by at least this much. Memory is taken for bytes that have come, not for bytes that are announced.
const STEP: usize = 16 << 10;
/// How far a client may be behind the rate.
const GRACE: Duration = Duration::from_secs(5);

/// A body that is being read.
pub(super) struct PacedBody {
    stream: BodyDataStream,
    began: Instant,
    received: usize,
    announced: Option<usize>,
    limit: usize,
    grace: Duration,
    /// How long the whole body may take, if that is bounded.
    longest: Option<Duration>,
}

impl PacedBody {
    /// The body of a request with these headers.
    ///
    /// # Errors
    /// More than `limit` bytes are announced.
    pub(super) fn new(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Problem> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
            .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let body = Self {
            stream: body.into_data_stream(),
            began: Instant::now(),
            received: 0,
            announced,
            limit,
            grace: GRACE,
            longest: None,
        };
        if body.at_most() > limit && announced.is_some() {
            return Err(body.too_large());
        }
        Ok(body)
    }

    /// The same body, all of which has to arrive within this time.
    pub(super) fn within(self, longest: Duration) -> Self {
        Self {
            longest: Some(longest),
            ..self
        }
    }

    /// How many bytes it has at most: as many as are announced, or else the limit.
    pub(super) fn at_most(&self) -> usize {
        self.announced.unwrap_or(self.limit)
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The body is too large or too slow, or breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let by_rate = self.grace + Duration::from_secs_f64(self.received as f64 / RATE as f64);
        let due = self.longest.map_or(by_rate, |longest| by_rate.min(longest));
        match timeout_at(self.began + due, self.stream.next()).await {
            Ok(Some(Ok(bytes))) => {
                self.received = self.received.saturating_add(bytes.len());
                if self.received > self.at_most() {
                    return Err(self.too_large());
                }
                Ok(Some(bytes))
            }
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(Problem::new(
                ProblemKind::InvalidRequest,
                format!("the body breaks off after {} bytes: {error}", self.received),
            )),
            Err(_) if self.longest == Some(due) => Err(Problem::new(
                ProblemKind::TooSlow,
                format!(
                    "{} bytes have arrived in {} seconds, the most that the body may take",
                    self.received,
                    due.as_secs()
                ),
            )),
            Err(_) => Err(Problem::new(
                ProblemKind::TooSlow,
                format!(
                    "{} bytes have arrived in {} seconds: {} kB a second are the least",
                    self.received,
                    self.began.elapsed().as_secs(),
                    RATE >> 10
                ),
            )),
        }
    }

    /// Appends the rest of the body to `before`. Calls `hold` with the new capacity before the buffer grows; an error of it ends the reading.
    ///
    /// # Errors
    /// As for [`Self::next`], and of `hold`.
    pub(super) async fn rest(
        &mut self,
        mut before: Vec<u8>,
        mut hold: impl FnMut(usize) -> Result<(), Problem>,
    ) -> Result<Vec<u8>, Problem> {
        while let Some(bytes) = self.next().await? {
            let due = before.len() + bytes.len();
            if due > before.capacity() {
                let step = STEP.max(before.len() / 4);
                let capacity = (before.len() + step).min(self.at_most()).max(due);
                hold(capacity)?;
                before.reserve_exact(capacity - before.len());
            }
            before.extend_from_slice(&bytes);
        }
        Ok(before)
    }

    fn too_large(&self) -> Problem {
        Problem::new(ProblemKind::TooLarge, format!("the body may have at most {} bytes", self.limit))
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// The body is larger or too slow, or breaks off.
pub(super) async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    PacedBody::new(headers, body, limit)?.rest(Vec::new(), |_| Ok(())).await
}

/// What the JSON of a body holds. `what` names it in the problem that it holds something else: `an enrolment`.
///
/// # Errors
/// The body holds something else.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(ProblemKind::InvalidRequest, format!("the body is not {what}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::io;

    fn announced(length: usize) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, length.into())])
    }

    fn kind(problem: &Problem) -> String {
        problem.document().kind
    }

    #[tokio::test]
    async fn more_than_the_limit_is_not_read() {
        let error = PacedBody::new(&announced(11), Body::empty(), 10).err().unwrap();
        assert!(kind(&error).ends_with(":too_large"));
        let endless = || Body::from_stream(stream::repeat_with(|| io::Result::Ok(Bytes::from_static(&[1; 4]))));
        let error = read_body(&HeaderMap::new(), endless(), 10).await.unwrap_err();
        assert!(kind(&error).ends_with(":too_large"));
        assert_eq!(read_body(&announced(3), Body::from("abc"), 10).await.unwrap(), b"abc");
    }

    #[tokio::test]
    async fn memory_is_held_for_what_has_arrived_and_not_for_what_is_announced() {
        let pieces = || Body::from_stream(stream::iter((0..64).map(|_| io::Result::Ok(Bytes::from_static(&[1; 4096])))));
        let mut most = 0;
        let hold = |bytes: usize| {
            most = bytes;
            Ok(())
        };
        let mut body = PacedBody::new(&announced(8 << 20), pieces(), 8 << 20).unwrap();
        let whole = body.rest(vec![1; 100], hold).await.unwrap();
        assert_eq!((whole.len(), whole.capacity()), ((256 << 10) + 100, most));
        assert!(most < 400 << 10, "{most}");
        let mut body = PacedBody::new(&HeaderMap::new(), pieces(), 8 << 20).unwrap();
        let refused = body.rest(Vec::new(), |bytes| {
            if bytes > 100_000 {
                return Err(Problem::new(ProblemKind::Busy, "no more"));
            }
            Ok(())
        });
        assert!(kind(&refused.await.unwrap_err()).ends_with(":busy"));
    }

    #[tokio::test]
    async fn drops_of_bytes_are_not_waited_for() {
        let drops = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((io::Result::Ok(Bytes::from_static(&[1])), ()))
        });
        let mut body = PacedBody::new(&announced(1 << 20), Body::from_stream(drops), 1 << 20).unwrap();
        body.grace = Duration::from_millis(100);
        let error = body.rest(Vec::new(), |_| Ok(())).await.unwrap_err();
        assert!(kind(&error).ends_with(":too_slow"), "{error:?}");
        assert!(body.received < 1000, "{}", body.received);
    }

    #[tokio::test]
    async fn a_body_with_a_deadline_is_not_waited_for_longer() {
        let pieces = stream::repeat_with(|| io::Result::Ok(Bytes::from_static(&[1; 100]))).then(|piece| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            piece
        });
        let body = PacedBody::new(&announced(1 << 20), Body::from_stream(pieces), 1 << 20).unwrap();
        // Well above the rate, and too slow all the same.
        let read = body.within(Duration::from_millis(100)).rest(Vec::new(), |_| Ok(())).await;
        let error = read.unwrap_err();
        assert!(
            kind(&error).ends_with(":too_slow") && error.document().detail.contains("the most"),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn who_is_fast_enough_is_waited_for_longer_than_the_grace() {
        // 20 kB in 40 pieces within a second, which is allowed for 16.
        let pieces = stream::unfold(40, |left| async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            (left > 0).then(|| (io::Result::Ok(Bytes::from_static(&[1; 512])), left - 1))
        });
        let mut body = PacedBody::new(&announced(20 << 10), Body::from_stream(pieces), 1 << 20).unwrap();
        body.grace = Duration::from_millis(60);
        assert_eq!(body.rest(Vec::new(), |_| Ok(())).await.unwrap().len(), 20 << 10);
        assert!(body.began.elapsed() > body.grace);
    }
}
