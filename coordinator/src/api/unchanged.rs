//! JSON that everybody gets alike and that seldom changes: with a tag, and not sent again to who has it.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tacit_mpc_core::digest::Digest;

use super::asked::has_already;

/// A text of JSON with its tag.
#[derive(Debug, Clone)]
pub(super) struct Tagged {
    text: Bytes,
    tag: String,
}

impl Tagged {
    /// A text.
    pub(super) fn new(text: Vec<u8>) -> Self {
        // The tag is weak, as the text may be compressed on its way: the same text in other bytes.
        let tag = format!("W/\"{}\"", Digest::of("tacit/v1 answer", &[text.as_slice()]));
        Self { text: text.into(), tag }
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = if has_already(headers, &self.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, "application/json")], self.text.clone()).into_response()
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::try_from(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}
