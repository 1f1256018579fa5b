//! Lists of byte strings that serde writes and reads whole. The bytes are those of a `Vec<Vec<u8>>`, which serde would take one byte at
//! a time: a submission of a megabyte is decoded many times faster this way.

use serde::{Deserialize, Deserializer, Serializer};
use serde_bytes::{ByteBuf, Bytes};

/// For `#[serde(with)]` on a field of type `Vec<Vec<u8>>`.
pub(crate) fn serialize<S: Serializer>(strings: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(strings.iter().map(|bytes| Bytes::new(bytes)))
}

/// For `#[serde(with)]` on a field of type `Vec<Vec<u8>>`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let strings = Vec::<ByteBuf>::deserialize(deserializer)?;
    Ok(strings.into_iter().map(ByteBuf::into_vec).collect())
}

/// For `#[serde(with)]` on a field of type `Vec<(Digest, Vec<u8>)>`.
pub(crate) mod with_digest {
    use super::{ByteBuf, Bytes, Deserialize, Deserializer, Serializer};

    use tacit_mpc_core::digest::Digest;

    pub(crate) fn serialize<S: Serializer>(strings: &[(Digest, Vec<u8>)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(strings.iter().map(|(digest, bytes)| (digest, Bytes::new(bytes))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Digest, Vec<u8>)>, D::Error> {
        let strings = Vec::<(Digest, ByteBuf)>::deserialize(deserializer)?;
        Ok(strings.into_iter().map(|(digest, bytes)| (digest, bytes.into_vec())).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::codec::{decode, encode};
    use tacit_mpc_core::digest::Digest;

    #[test]
    fn byte_strings_are_written_as_lists_of_bytes() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Whole {
            #[serde(with = "serde_bytes")]
            one: Vec<u8>,
            #[serde(with = "crate::codec::byte_strings")]
            many: Vec<Vec<u8>>,
            #[serde(with = "crate::codec::byte_strings::with_digest")]
            named: Vec<(Digest, Vec<u8>)>,
        }
        let named = vec![(Digest::of("d", &[]), vec![4; 70]), (Digest::of("e", &[]), vec![])];
        let plain = (vec![1u8, 2], vec![vec![3u8; 300], vec![]], named);
        let (one, many, named) = plain.clone();
        let whole = Whole { one, many, named };
        let bytes = encode(&plain);
        assert_eq!(encode(&whole), bytes);
        assert_eq!(decode::<Whole>(&bytes, "byte strings").unwrap(), whole);
        // Lengths that are too large, of a string and of the list.
        for at in [0, 10, 18] {
            let mut too_long = bytes.clone();
            too_long[at + 6] = 0xff;
            assert!(decode::<Whole>(&too_long, "byte strings").is_err(), "{at}");
        }
    }
}
