//! Sends what is stored, piece by piece: compressed where the client takes zstd or gzip, and nothing where the client has it already.
//!
//! A limited number of texts is sent at once, in all and to one address, and none more slowly than at a minimum rate.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::Stream;
use futures::stream::try_unfold;
use tokio::time::Instant;

use super::asked::{Coding, TextRequest};
use super::problem::{Problem, ProblemKind};
use crate::app::{App, Shared};
use crate::store::{Store, StoredAt};
use tacit_http_server::Place;

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

/// How a text is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Byte for byte.
    Plain,
    /// As one zstd frame.
    Compressed,
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
    let tag = match asked.coding.name() {
        Some(coding) => format!("\"{digest}-{coding}\""),
        None => format!("\"{digest}\""),
    };
    let mut response = if asked.knows(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let busy = |_| Problem::new(ProblemKind::Busy, "too many downloads are running: ask again in a second");
        let place = app.texts.take(asked.origin).map_err(busy)?;
        let convert = Convert::new(form, asked.coding).map_err(|error| failed(&error))?;
        let length = matches!(convert, Convert::Not).then_some(at.bytes);
        let mut response = Body::from_stream(pieces(app, at, convert, place)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(coding) = asked.coding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
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
    headers.insert(
        header::VARY,
        HeaderValue::from_static("accept-encoding, authorization, tacit-credential"),
    );
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

/// How what is stored becomes what is sent, step by step: each step has a part of the text in memory and no more.
enum Convert {
    Not,
    Pack(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Unpack(zstd::stream::write::Decoder<'static, Vec<u8>>),
    Gzip(GzEncoder<Vec<u8>>),
    /// From zstd to gzip.
    Repack(Box<zstd::stream::write::Decoder<'static, GzEncoder<Vec<u8>>>>),
    Ended,
}

impl Convert {
    fn new(form: Form, coding: Coding) -> io::Result<Self> {
        let gzip = || GzEncoder::new(Vec::new(), Compression::fast());
        match (form, coding) {
            (Form::Plain, Coding::Plain) | (Form::Compressed, Coding::Zstd) => Ok(Self::Not),
            (Form::Plain, Coding::Zstd) => zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map(Self::Pack),
            (Form::Compressed, Coding::Plain) => zstd::stream::write::Decoder::new(Vec::new()).map(Self::Unpack),
            (Form::Plain, Coding::Gzip) => Ok(Self::Gzip(gzip())),
            (Form::Compressed, Coding::Gzip) => zstd::stream::write::Decoder::new(gzip()).map(|decoder| Self::Repack(Box::new(decoder))),
        }
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
            Self::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                std::mem::take(encoder.get_mut())
            }
            Self::Repack(decoder) => {
                decoder.write_all(bytes)?;
                std::mem::take(decoder.get_mut().get_mut())
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
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Repack(mut decoder) => {
                decoder.flush()?;
                decoder.into_inner().finish()?
            }
        };
        Ok(left.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn texts_are_packed_and_unpacked_step_by_step() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let convert = |mut convert: Convert, text: &[u8]| {
            let mut out: Vec<u8> = text.chunks(STEP).flat_map(|step| convert.step(step).unwrap()).collect();
            out.extend(convert.end().unwrap());
            out
        };
        let new = |form, coding| Convert::new(form, coding).unwrap();
        let packed = convert(new(Form::Plain, Coding::Zstd), &text);
        assert!(packed.len() < text.len() / 2, "{}", packed.len());
        assert!(convert(new(Form::Compressed, Coding::Plain), &packed) == text);
        assert!(convert(new(Form::Compressed, Coding::Zstd), &packed) == packed);
        assert!(convert(new(Form::Plain, Coding::Zstd), b"").len() > 4, "an empty frame");
        for (form, stored) in [(Form::Plain, &text), (Form::Compressed, &packed)] {
            let zipped = convert(new(form, Coding::Gzip), stored);
            assert!(zipped.len() < text.len() / 2, "{}", zipped.len());
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(zipped.as_slice()).read_to_end(&mut plain).unwrap();
            assert!(plain == text, "{form:?}");
        }
    }
}
