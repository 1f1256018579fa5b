//! Request bodies, read as they arrive: at most so many bytes, and not more slowly than at a minimum rate.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::problem::{Problem, ProblemKind};

/// The fewest bytes a second, so that slow clients do not hold places and memory.
const RATE: u64 = 16 << 10;
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
        };
        if body.at_most() > limit && announced.is_some() {
            return Err(body.too_large());
        }
        Ok(body)
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
        let due = self.began + self.grace + Duration::from_secs_f64(self.received as f64 / RATE as f64);
        match timeout_at(due, self.stream.next()).await {
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

    /// Reads to the end, after what was read before.
    ///
    /// # Errors
    /// As for [`Self::next`].
    pub(super) async fn rest(&mut self, mut before: Vec<u8>) -> Result<Vec<u8>, Problem> {
        if self.announced.is_some() {
            before.reserve_exact(self.at_most().saturating_sub(before.len()));
        }
        while let Some(bytes) = self.next().await? {
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
    let mut body = PacedBody::new(headers, body, limit)?;
    let mut whole = Vec::new();
    // Not reserved: what is announced is not there yet.
    while let Some(bytes) = body.next().await? {
        whole.extend_from_slice(&bytes);
    }
    Ok(whole)
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
    async fn drops_of_bytes_are_not_waited_for() {
        let drops = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((io::Result::Ok(Bytes::from_static(&[1])), ()))
        });
        let mut body = PacedBody::new(&announced(1 << 20), Body::from_stream(drops), 1 << 20).unwrap();
        body.grace = Duration::from_millis(100);
        let error = body.rest(Vec::new()).await.unwrap_err();
        assert!(kind(&error).ends_with(":too_slow"), "{error:?}");
        assert!(body.received < 1000, "{}", body.received);
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
        assert_eq!(body.rest(Vec::new()).await.unwrap().len(), 20 << 10);
        assert!(body.began.elapsed() > body.grace);
    }
}
