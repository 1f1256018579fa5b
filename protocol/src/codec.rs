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

/// Decodes exactly one value from all of `bytes`. Memory used is bounded by the length of `bytes`
/// (for what nodes release, by that of the longest message).
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

/// Lists of byte strings, each written and read as a whole: the bytes are those of a `Vec<Vec<u8>>`, which serde
/// would take byte by byte.
pub(crate) mod byte_strings {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    pub fn serialize<S: Serializer>(strings: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(strings.iter().map(|bytes| Bytes::new(bytes)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<ByteBuf>::deserialize(deserializer)?
            .into_iter()
            .map(ByteBuf::into_vec)
            .collect())
    }
}

/// Byte strings with a digest each, as [`byte_strings`].
pub(crate) mod named_byte_strings {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    use tacit_mpc_core::digest::Digest;

    pub fn serialize<S: Serializer>(strings: &[(Digest, Vec<u8>)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(strings.iter().map(|(digest, bytes)| (digest, Bytes::new(bytes))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Digest, Vec<u8>)>, D::Error> {
        let named = Vec::<(Digest, ByteBuf)>::deserialize(deserializer)?;
        Ok(named.into_iter().map(|(digest, bytes)| (digest, bytes.into_vec())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_mpc_core::digest::Digest;

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

    #[test]
    fn byte_strings_are_written_as_lists_of_bytes() {
        #[derive(Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Fast {
            #[serde(with = "serde_bytes")]
            one: Vec<u8>,
            #[serde(with = "byte_strings")]
            many: Vec<Vec<u8>>,
            #[serde(with = "named_byte_strings")]
            named: Vec<(Digest, Vec<u8>)>,
        }
        let named = vec![(Digest::of("d", &[]), vec![4; 70]), (Digest::of("e", &[]), vec![])];
        let plain = (vec![1u8, 2], vec![vec![3u8; 300], vec![]], named);
        let (one, many, named) = plain.clone();
        let fast = Fast { one, many, named };
        let bytes = encode(&plain);
        assert_eq!(encode(&fast), bytes);
        assert_eq!(decode::<Fast>(&bytes, "bytes").unwrap(), fast);
        // A length that lies, of a string or of the list.
        for at in [0, 10, 18] {
            let mut lying = bytes.clone();
            lying[at + 6] = 0xff;
            assert!(decode::<Fast>(&lying, "bytes").is_err(), "{at}");
        }
    }
}
