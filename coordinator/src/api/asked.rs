//! What a request says of the form in which it takes an answer: compressed or not, and whether it has the text already.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use crate::app::Shared;
use tacit_http_server::Origin;

/// How a text is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Plain,
    /// As one gzip member, which every browser takes.
    Gzip,
    /// As one zstd frame, as texts are stored.
    Zstd,
}

impl Coding {
    /// The name in `Accept-Encoding` and `Content-Encoding`; `None` for a text as it is.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// The headers of a request that say how its answer is sent, and where it comes from.
pub(super) struct TextRequest {
    /// The best coding that the client takes.
    pub coding: Coding,
    known: Vec<String>,
    /// Where the request comes from.
    pub origin: Origin,
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
        let takes = listed(headers, &header::ACCEPT_ENCODING);
        let best = [Coding::Zstd, Coding::Gzip].into_iter();
        let coding = best.into_iter().find(|coding| takes.iter().any(|one| is_taken(one, *coding)));
        Self {
            coding: coding.unwrap_or(Coding::Plain),
            known: listed(headers, &header::IF_NONE_MATCH),
            origin,
        }
    }

    /// Whether the client has the text of this tag.
    pub(super) fn knows(&self, tag: &str) -> bool {
        knows(&self.known, tag)
    }
}

/// Whether a client that sends these headers has the text of this tag.
pub(super) fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    knows(&listed(headers, &header::IF_NONE_MATCH), tag)
}

/// Weak and strong tags are compared alike, as RFC 9110 says of `If-None-Match`.
fn knows(known: &[String], tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    known.iter().any(|known| known == "*" || opaque(known) == opaque(tag))
}

/// The entries of all headers of a name, which are lists.
fn listed(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|one| one.trim().to_owned()).collect()
}

/// Whether one entry of `Accept-Encoding` is this coding, and not with a weight of zero.
fn is_taken(entry: &str, coding: Coding) -> bool {
    let mut parts = entry.split(';').map(str::trim);
    let named = parts
        .next()
        .zip(coding.name())
        .is_some_and(|(named, name)| named.eq_ignore_ascii_case(name));
    let refused = parts.any(|part| {
        let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
        weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
    });
    named && !refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn clients_say_which_coding_they_take_and_what_they_have() {
        for (accepts, coding) in [
            ("", Coding::Plain),
            ("zstd", Coding::Zstd),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, ZSTD;q=0.5", Coding::Zstd),
            ("gzip, zstd;q=0", Coding::Gzip),
            ("GZIP", Coding::Gzip),
            ("zstd; q=0.000", Coding::Plain),
            ("gzip;q=0, deflate", Coding::Plain),
            ("*", Coding::Plain),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts))]);
            assert_eq!(TextRequest::new(&headers, Origin::Loopback).coding, coding, "{accepts}");
        }
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"a\", W/\"b\""))]);
        let asked = TextRequest::new(&headers, Origin::Loopback);
        assert!(asked.knows("\"a\"") && asked.knows("\"b\"") && asked.knows("W/\"a\"") && !asked.knows("\"c\""));
        assert!(has_already(&headers, "W/\"b\"") && !has_already(&headers, "W/\"c\""));
    }
}
