//! Sends what is stored, piece by piece: compressed where the client takes zstd, and nothing where the client has it already.
//!
//! A limited number of texts is sent at once, in all and to one address, and none more slowly than at a minimum rate.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use futures::stream::try_unfold;
use tokio::time::Instant;

use super::problem::{Problem, ProblemKind};
use crate::app::{App, Shared};
use crate::http::{Origin, Place};
use crate::store::{Store, StoredAt};

/// The fewest bytes a second that a client must take.
const RATE: u64 = 16 << 10;
/// How far a client may be behind the rate.
const GRACE: Duration = Duration::from_secs(30);
/// How much is compressed or unpacked at once: what comes of it is in memory.
const STEP: usize = 16 << 10;
/// How much is handed to the connection at once. It takes the next bytes when these are sent, so a client that is too slow is noticed after
/// so many bytes.
const SENT_AT_ONCE: usize = 64 << 10;
/// The level of compression for what is stored as it is.
const LEVEL: i32 = 1;
const ZSTD: &str = "zstd";

/// How a text is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Byte for byte.
    Plain,
    /// As one zstd frame.
    Compressed,
}

/// The headers of a request that say how its answer is sent, and where it comes from.
pub(super) struct TextRequest {
    zstd: bool,
    known: Vec<String>,
    origin: Origin,
}

impl FromRequestParts<Shared> for TextRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        let origin = Origin::from_request_parts(parts, app).await?;
        Ok(Self::new(&parts.headers, origin))
    }
}

impl TextRequest {
    /// What the headers of a request from this origin say.
    fn new(headers: &HeaderMap, origin: Origin) -> Self {
        let listed = |name| {
            let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
            values
                .flat_map(|value| value.split(','))
                .map(|one| one.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let zstd = listed(header::ACCEPT_ENCODING).iter().any(|coding| takes_zstd(coding));
        Self {
            zstd,
            known: listed(header::IF_NONE_MATCH),
            origin,
        }
    }

    /// Whether the client has the text of this tag.
    fn knows(&self, tag: &str) -> bool {
        self.known.iter().any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    }
}

/// Whether one entry of `Accept-Encoding` is zstd, and not with a weight of zero.
fn takes_zstd(coding: &str) -> bool {
    let mut parts = coding.split(';').map(str::trim);
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(ZSTD));
    let refused = parts.any(|part| {
        let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
        weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
    });
    named && !refused
}

/// The response with a stored text.
///
/// # Errors
/// Too much is being sent, or the store fails.
pub(super) async fn send(
    app: &Shared,
    asked: &TextRequest,
    at: StoredAt,
    form: Form,
    media_type: &'static str,
) -> Result<Response, Problem> {
    let digest = at.digest;
    // Another encoding is another text to whoever compares bytes.
    let tag = if asked.zstd {
        format!("\"{digest}-{ZSTD}\"")
    } else {
        format!("\"{digest}\"")
    };
    let mut response = if asked.knows(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let busy = |_| Problem::new(ProblemKind::Busy, "too many downloads are running: ask again in a second");
        let place = app.texts.take(asked.origin).map_err(busy)?;
        let convert = match (form, asked.zstd) {
            (Form::Plain, false) | (Form::Compressed, true) => Convert::Not,
            (Form::Plain, true) => Convert::pack().map_err(|error| failed(&error))?,
            (Form::Compressed, false) => Convert::unpack().map_err(|error| failed(&error))?,
        };
        let length = matches!(convert, Convert::Not).then_some(at.bytes);
        let mut response = Body::from_stream(pieces(app, at, convert, place)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if asked.zstd {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(ZSTD));
        }
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(
        header::ETAG,
        HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, authorization"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

fn failed(error: &io::Error) -> Problem {
    tracing::error!(%error, "a text cannot be compressed or unpacked");
    Problem::new(
        ProblemKind::StoreFailed,
        format!("a text cannot be compressed or unpacked: {error}"),
    )
}

/// A text that is being sent.
struct Sending {
    store: Store,
    at: StoredAt,
    read: u64,
    /// What was read and not converted yet.
    piece: Bytes,
    convert: Convert,
    /// What was converted and not handed to the connection yet.
    converted: Bytes,
    sent: u64,
    began: Instant,
    _place: Place,
}

fn pieces(app: &App, at: StoredAt, convert: Convert, place: Place) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let sending = Sending {
        store: app.store.clone(),
        at,
        read: 0,
        piece: Bytes::new(),
        convert,
        converted: Bytes::new(),
        sent: 0,
        began: Instant::now(),
        _place: place,
    };
    try_unfold(sending, |mut sending| async move {
        let next = sending.next().await?;
        Ok(next.map(|bytes| (bytes, sending)))
    })
}

impl Sending {
    /// The next bytes to send; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.began.elapsed() > GRACE + Duration::from_secs(self.sent / RATE) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        while self.converted.is_empty() {
            if self.piece.is_empty() {
                if self.read == self.at.bytes {
                    self.converted = self.convert.end()?;
                    break;
                }
                let piece = self.store.piece(self.at, self.read).await.map_err(io::Error::other)?;
                self.read += piece.len() as u64;
                self.piece = piece.into();
            }
            self.converted = match &mut self.convert {
                Convert::Not => std::mem::take(&mut self.piece),
                convert => {
                    let step = self.piece.split_to(STEP.min(self.piece.len()));
                    convert.step(&step)?
                }
            };
        }
        let bytes = self.converted.split_to(SENT_AT_ONCE.min(self.converted.len()));
        self.sent += bytes.len() as u64;
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

/// How what is stored becomes what is sent.
enum Convert {
    Not,
    Pack(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Unpack(zstd::stream::write::Decoder<'static, Vec<u8>>),
    Ended,
}

impl Convert {
    fn pack() -> io::Result<Self> {
        zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map(Self::Pack)
    }

    fn unpack() -> io::Result<Self> {
        zstd::stream::write::Decoder::new(Vec::new()).map(Self::Unpack)
    }

    fn step(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        let done = match self {
            Self::Not | Self::Ended => bytes.to_vec(),
            Self::Pack(encoder) => {
                encoder.write_all(bytes)?;
                std::mem::take(encoder.get_mut())
            }
            Self::Unpack(decoder) => {
                decoder.write_all(bytes)?;
                std::mem::take(decoder.get_mut())
            }
        };
        Ok(done.into())
    }

    /// The bytes that are left at the end of the text.
    fn end(&mut self) -> io::Result<Bytes> {
        let left = match std::mem::replace(self, Self::Ended) {
            Self::Not | Self::Ended => Vec::new(),
            Self::Pack(encoder) => encoder.finish()?,
            Self::Unpack(mut decoder) => {
                decoder.flush()?;
                std::mem::take(decoder.get_mut())
            }
        };
        Ok(left.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_say_whether_they_take_zstd_and_what_they_have() {
        for (accepts, zstd) in [
            ("", false),
            ("zstd", true),
            ("gzip, ZSTD;q=0.5", true),
            ("gzip, zstd;q=0", false),
            ("zstd; q=0.000", false),
            ("*", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts))]);
            assert_eq!(TextRequest::new(&headers, Origin::Loopback).zstd, zstd, "{accepts}");
        }
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"a\", W/\"b\""))]);
        let asked = TextRequest::new(&headers, Origin::Loopback);
        assert!(asked.knows("\"a\"") && asked.knows("\"b\"") && !asked.knows("\"c\""));
    }

    #[test]
    fn texts_are_packed_and_unpacked_step_by_step() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let convert = |mut convert: Convert, text: &[u8]| {
            let mut out: Vec<u8> = text.chunks(STEP).flat_map(|step| convert.step(step).unwrap()).collect();
            out.extend(convert.end().unwrap());
            out
        };
        let packed = convert(Convert::pack().unwrap(), &text);
        assert!(packed.len() < text.len() / 2, "{}", packed.len());
        assert!(convert(Convert::unpack().unwrap(), &packed) == text);
        assert!(convert(Convert::pack().unwrap(), b"").len() > 4, "an empty frame");
    }
}
