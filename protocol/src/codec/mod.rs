//! The binary encoding of everything that the parties of a cluster sign, hash, seal, send and store, and its only implementation.
//!
//! # The encoding
//!
//! There are no field names, no type tags and no padding: both sides know the type.
//!
//! | value | bytes |
//! |---|---|
//! | `bool` | one byte, 0 or 1; others are refused |
//! | `u8`, `u16`, `u32`, `u64` | 1, 2, 4, 8 bytes, little-endian |
//! | text | its length in bytes as `u64`, then UTF-8 |
//! | byte string, `Vec<u8>` | its length as `u64`, then the bytes |
//! | list, `Vec<T>` | the number of elements as `u64`, then each element |
//! | map, `BTreeMap<K, V>` | the number of entries as `u64`, then key and value of each, keys strictly ascending |
//! | `Option` | 0 for none, or 1 and the value; other first bytes are refused |
//! | tuple, struct | the fields in the order of their declaration |
//! | enum | the variant's position in the declaration, from 0, as `u32`, then its fields; unknown positions are refused |
//! | `Box<T>`, newtype | what is inside |
//! | [`Digest`](tacit_mpc_core::digest::Digest), key, signature, id | the 16, 32 or 64 bytes as they are, without a length |
//! | [`NodeSet`](tacit_mpc_core::sharing::NodeSet) | one byte, bit `i` for node `i` |
//!
//! `protocol/vectors/encoding.json` holds a value of every kind that is signed or sent, with its bytes.
//!
//! # What a type may contain
//!
//! The shapes in the table, and nothing else. In particular:
//!
//! - no floating-point numbers (`NaN` has many encodings), no `char`, no `usize` (its range depends on the machine);
//! - no lists of elements that take no bytes, such as `Vec<()>`: their memory would not be bounded by the length of the bytes;
//! - no maps that are decoded with serde's own reader, which takes keys in any order and twice: read them as the `release`
//!   module does, so that a value has one encoding;
//! - no `#[serde(untagged)]`, `flatten`, `tag` or `default`, which need a format that names its fields;
//! - `#[serde(skip_serializing_if)]` only in types that are encoded to be hashed and never decoded. A job's items are the one such type:
//!   an item without text is its id alone;
//! - new variants of an enum, and new fields, at the end only, and with a new protocol version.
//!
//! # Decoding
//!
//! [`decode`] takes all of the bytes or fails: it never panics, leaves no bytes over, and allocates in proportion to the bytes that are
//! there, whatever lengths they claim.
//!
//! # Leaving bincode
//!
//! The encoding is that of the crate bincode 1.3 with fixed-width integers. The crate is no longer maintained
//! ([RUSTSEC-2025-0141](https://rustsec.org/advisories/RUSTSEC-2025-0141.html)). It stays, in the exact version 1.3.3, because its bytes are
//! what is signed, because it has no known defect, and because it is small: it has no dependency but serde.
//!
//! It is named in this module and nowhere else, so the way out is short. Write a `serde::Serializer` and a `serde::Deserializer` for the
//! table above, about 400 lines, in this module. Nothing else changes, and no version of the protocol: `protocol/vectors/encoding.json`,
//! the tests beside this file and the fuzz targets' corpora tell whether every byte is the same. Do it as soon as a defect is found that
//! [`decode`] does not already exclude, or a compiler no longer accepts the crate.

use bincode::{ErrorKind, Options};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub(crate) mod byte_strings;
#[cfg(test)]
mod tests;

/// Bytes that are not the encoding of the expected value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{len} bytes are not {what}: {problem}")]
pub struct CodecError {
    what: &'static str,
    len: usize,
    problem: CodecProblem,
}

/// What is wrong with the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecProblem {
    /// They end in the middle of the value, or a length in them is larger than what follows.
    #[error("they end too early. They were cut on the way, or damaged: send or fetch them again")]
    TooShort,
    /// The value ends before they do.
    #[error("more bytes follow its end. They were damaged, or the sender runs another release: compare versions")]
    Trailing,
    /// A text is not UTF-8.
    #[error("a text in them is not UTF-8. They were damaged: send or fetch them again")]
    Text,
    /// A `bool` or the first byte of an `Option` is neither 0 nor 1.
    #[error("a byte that must be 0 or 1 is {0}. They were damaged, or the sender runs another release: compare versions")]
    Flag(usize),
    /// The type refuses a part: an enum has no such variant, or a number is out of range.
    #[error("{0}. They were damaged, or the sender runs another release: compare versions")]
    Value(String),
}

impl CodecError {
    /// What is wrong with the bytes.
    pub fn problem(&self) -> &CodecProblem {
        &self.problem
    }
}

/// The options that give the encoding of the module's table.
fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes()
}

/// Encodes a value. Equal values have equal bytes.
///
/// # Panics
/// If the type has a shape that the module's documentation does not allow, such as a list of unknown length.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "writing to memory cannot fail, and types of the allowed shapes have no failing Serialize"
    )]
    options().serialize(value).expect("a type of the shapes that the codec allows")
}

/// Decodes one value from all of `bytes`. `what` names it in errors, with its article: "a submission".
///
/// Memory used is bounded by a small multiple of the length of `bytes`.
///
/// # Errors
/// The bytes are not the encoding of a `T`, or something is left over.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, CodecError> {
    let read = options().with_limit(bytes.len() as u64).deserialize(bytes);
    read.map_err(|error| CodecError {
        what,
        len: bytes.len(),
        problem: problem(*error),
    })
}

/// Decodes one value from the beginning of `bytes`; what follows it is not looked at. Returns the value and how many bytes it has.
///
/// # Errors
/// The bytes do not begin with the encoding of a `T`. If it may be that only the end is missing, the problem is
/// [`CodecProblem::TooShort`].
pub fn decode_first<T: Serialize + DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<(T, usize), CodecError> {
    let failed = |error: Box<ErrorKind>| CodecError {
        what,
        len: bytes.len(),
        problem: problem(*error),
    };
    let options = bincode::DefaultOptions::new().with_fixint_encoding().allow_trailing_bytes();
    let value: T = options.with_limit(bytes.len() as u64).deserialize(bytes).map_err(failed)?;
    // A value has one encoding, so this is what was read.
    let length = options.serialized_size(&value).map_err(failed)?;
    Ok((value, usize::try_from(length).unwrap_or(usize::MAX)))
}

/// What bincode says of bytes that something is left of. Its error has no kind of its own.
const TRAILING: &str = "Slice had bytes remaining after deserialization";

fn problem(error: ErrorKind) -> CodecProblem {
    match error {
        ErrorKind::Io(_) | ErrorKind::SizeLimit => CodecProblem::TooShort,
        ErrorKind::InvalidUtf8Encoding(_) => CodecProblem::Text,
        ErrorKind::InvalidBoolEncoding(byte) => CodecProblem::Flag(byte.into()),
        ErrorKind::InvalidTagEncoding(byte) => CodecProblem::Flag(byte),
        ErrorKind::Custom(text) if text == TRAILING => CodecProblem::Trailing,
        ErrorKind::Custom(text) => CodecProblem::Value(text),
        other => CodecProblem::Value(other.to_string()),
    }
}
