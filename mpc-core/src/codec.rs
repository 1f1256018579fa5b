//! The one way bytes become values and back: bincode 1.3 with fixed-size integers, a limit, and no
//! trailing bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use bincode::Options;

/// Bytes that are not an encoding of the expected value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{len} bytes do not encode {what}: {reason}")]
pub struct CodecError {
    what: &'static str,
    len: usize,
    reason: String,
}

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes()
}

/// Encodes a value of this crate; the same value always gives the same bytes.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "writing plain data structures to memory cannot fail: they have no maps with unknown length and no failing Serialize"
    )]
    options().serialize(value).expect("plain data encodes")
}

/// Decodes exactly one value from all of `bytes`. Memory used is bounded by the length of `bytes`.
///
/// # Errors
/// The bytes are not the canonical encoding of a `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, CodecError> {
    let error = |reason: String| CodecError {
        what,
        len: bytes.len(),
        reason,
    };
    options()
        .with_limit(bytes.len() as u64)
        .deserialize(bytes)
        .map_err(|e| error(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        assert_eq!(
            encode(&(1u8, 2u32, "ab", vec![3u16])),
            [1, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', 1, 0, 0, 0, 0, 0, 0, 0, 3, 0]
        );
    }

    #[test]
    fn trailing_missing_and_lying_lengths_are_refused() {
        let bytes = encode(&vec![1u64, 2, 3]);
        assert_eq!(decode::<Vec<u64>>(&bytes, "numbers").unwrap(), [1, 2, 3]);
        assert!(decode::<Vec<u64>>(&bytes[..bytes.len() - 1], "numbers").is_err());
        assert!(decode::<Vec<u64>>(&[bytes.as_slice(), &[0]].concat(), "numbers").is_err());
        let huge = u64::MAX.to_le_bytes();
        assert!(decode::<Vec<u64>>(&huge, "numbers").is_err());
        assert!(decode::<Vec<u8>>(&huge, "numbers").is_err());
        assert!(decode::<String>(&huge, "text").is_err());
    }
}
