//! Digests and other byte strings of fixed length.

use crate::field::Field;

/// Defines a newtype over `[u8; N]` that is serialised as lower-case hexadecimal in text formats and as raw bytes in binary
/// formats.
#[macro_export]
macro_rules! byte_string {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The byte string with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            /// Parses lower-case hexadecimal of exactly twice the length in bytes.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                const WRONG: &str = concat!("expected ", stringify!($len), " bytes in lower-case hexadecimal");
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| WRONG)?;
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(WRONG);
                }
                Ok(Self(bytes))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    ::serde::Serialize::serialize(&$crate::digest::Raw(self.0), serializer)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    <$crate::digest::Raw<$len> as serde::Deserialize>::deserialize(deserializer).map(|raw| Self(raw.0))
                }
            }
        }
    };
}

byte_string!(
    /// A BLAKE3 digest.
    Digest,
    32
);

impl Digest {
    /// The digest of a list of byte strings: BLAKE3 in its mode of key derivation, with `purpose` as context string. Each part is
    /// preceded by its length, 8 bytes in little-endian order, so that different lists never hash the same bytes.
    pub fn of(purpose: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The digest of the encoding of a vector: equals `of(purpose, &[&encode_vector(values)])`, without holding the whole encoding
    /// in memory.
    pub fn of_vector<F: Field>(purpose: &str, values: &[F]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&((values.len() * F::BYTES) as u64).to_le_bytes());
        let mut bytes = Vec::with_capacity(HASHED_ELEMENTS.min(values.len()) * F::BYTES);
        for chunk in values.chunks(HASHED_ELEMENTS) {
            bytes.clear();
            chunk.iter().for_each(|value| value.write(&mut bytes));
            hasher.update(&bytes);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

/// Number of elements that are encoded at a time: enough for BLAKE3 to hash many of its own chunks in parallel.
const HASHED_ELEMENTS: usize = 1 << 13;

/// A byte array of any length, serialised as a tuple; serde itself supports lengths up to 32.
#[doc(hidden)]
pub struct Raw<const N: usize>(pub [u8; N]);

impl<const N: usize> serde::Serialize for Raw<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let mut tuple = serializer.serialize_tuple(N)?;
        for byte in self.0 {
            tuple.serialize_element(&byte)?;
        }
        tuple.end()
    }
}

impl<'de, const N: usize> serde::Deserialize<'de> for Raw<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes<const N: usize>;
        impl<'de, const N: usize> serde::de::Visitor<'de> for Bytes<N> {
            type Value = Raw<N>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Raw<N>, A::Error> {
                let mut bytes = [0; N];
                for (i, byte) in bytes.iter_mut().enumerate() {
                    *byte = seq.next_element()?.ok_or_else(|| serde::de::Error::invalid_length(i, &self))?;
                }
                Ok(Raw(bytes))
            }
        }
        deserializer.deserialize_tuple(N, Bytes::<N>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Fp61, encode_vector};

    #[test]
    fn parts_are_not_ambiguous() {
        assert_ne!(Digest::of("p", &[b"ab", b"c"]), Digest::of("p", &[b"a", b"bc"]));
        assert_ne!(Digest::of("p", &[b"ab"]), Digest::of("q", &[b"ab"]));
    }

    #[test]
    fn vectors_are_hashed_as_they_are_encoded() {
        for len in [0, 1, HASHED_ELEMENTS - 1, HASHED_ELEMENTS, 2 * HASHED_ELEMENTS + 3] {
            let values: Vec<Fp61> = (0..len as u64)
                .map(|i| Fp61::reduce(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
                .collect();
            assert_eq!(Digest::of_vector("p", &values), Digest::of("p", &[&encode_vector(&values)]));
        }
    }

    #[test]
    fn text_is_lower_case_hexadecimal_only() {
        let digest = Digest::of("p", &[]);
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        assert!("ab".parse::<Digest>().is_err());
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }
}
