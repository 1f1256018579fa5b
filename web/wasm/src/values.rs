//! How values cross the border: plain objects by way of JSON, times and digests as numbers and texts.

use js_sys::JSON;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::JobId;
use wasm_bindgen::JsValue;

use crate::error::{Code, Failure, as_code};

/// The greatest whole number up to which a JavaScript number has every whole number.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// A plain object.
pub(crate) fn to_object<T: Serialize>(value: &T) -> Result<JsValue, Failure> {
    let text = serde_json::to_string(value).map_err(as_code(Code::Syntax))?;
    parse_text(&text)
}

/// The object of a JSON text that was made here.
pub(crate) fn parse_text(text: &str) -> Result<JsValue, Failure> {
    JSON::parse(text).map_err(|_| Failure::new(Code::Syntax, "the browser cannot read what was made here"))
}

/// JSON as bytes.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(as_code(Code::Syntax))
}

/// Reads JSON; `what` names it in the message.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure::new(Code::Syntax, format_args!("{what} cannot be read: {error}")))
}

/// A time in Unix seconds.
pub(crate) fn time(seconds: f64) -> Result<u64, Failure> {
    whole(seconds).ok_or_else(|| Failure::new(Code::Time, "a time must be a whole number of seconds of Unix time"))
}

/// A number that is whole and not negative.
pub(crate) fn whole(number: f64) -> Option<u64> {
    ((0.0..=MAX_SAFE).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// The id of a job.
pub(crate) fn job_id(text: &str) -> Result<JobId, Failure> {
    text.parse().map_err(as_code(Code::JobId))
}

/// A digest.
pub(crate) fn digest(text: &str) -> Result<Digest, Failure> {
    text.parse()
        .map_err(|_| Failure::new(Code::Syntax, "a digest has 64 hexadecimal digits: copy it again, whole"))
}
