//! The hello: the first message in each direction on every connection between members.
//!
//! The first 16 bytes have the same layout in every release, so that members of different releases can tell each other which
//! versions they speak: eight constant bytes, then the oldest and the newest version, four bytes each, little-endian. The rest
//! is read only if there is a common version; later versions may add fields at its end and never change the existing ones.

use thiserror::Error;

use crate::versions::{PROTOCOL_VERSIONS, Versions};
use tacit_mpc_core::digest::Digest;

/// The first bytes of every hello.
const MAGIC: [u8; 8] = *b"tacit hi";
/// Bytes after the versions: the cluster's digest, the clock, and whether it is a probe.
const REST: usize = Digest::LEN + 8 + 1;

/// The longest hello that is read; longer than today's, for what later versions add.
pub const MAX_HELLO_BYTES: usize = 256;

/// What a member says of itself at the start of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The protocol versions it speaks.
    pub versions: Versions,
    /// The digest of its cluster file.
    pub cluster: Digest,
    /// Its clock: milliseconds since 1970.
    pub clock: u64,
    /// Whether the connection only tests that a connection can be made. It replaces no other connection and carries nothing
    /// more.
    pub probe: bool,
}

/// Why a hello is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HelloError {
    /// The bytes are not a hello.
    #[error("what it sent is not a hello: another program runs there")]
    Foreign,
    /// The two members have no version in common.
    #[error("it speaks protocol {0}, this program {PROTOCOL_VERSIONS}")]
    Versions(Versions),
    /// The hello has a known version but does not follow its layout.
    #[error("its hello of {0} bytes is malformed")]
    Malformed(usize),
}

impl Hello {
    /// The encoded hello.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Versions { min, max } = self.versions;
        [
            MAGIC.as_slice(),
            &min.to_le_bytes(),
            &max.to_le_bytes(),
            self.cluster.as_bytes(),
            &self.clock.to_le_bytes(),
            &[u8::from(self.probe)],
        ]
        .concat()
    }

    /// Reads the hello of a member.
    ///
    /// # Errors
    /// It is not a hello, shares no version with this program, or is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HelloError> {
        let (magic, after) = bytes.split_first_chunk().ok_or(HelloError::Foreign)?;
        if *magic != MAGIC {
            return Err(HelloError::Foreign);
        }
        let malformed = HelloError::Malformed(bytes.len());
        let (min, after) = after.split_first_chunk().ok_or(malformed)?;
        let (max, rest) = after.split_first_chunk().ok_or(malformed)?;
        let versions = Versions {
            min: u32::from_le_bytes(*min),
            max: u32::from_le_bytes(*max),
        };
        if PROTOCOL_VERSIONS.common(versions).is_none() {
            return Err(HelloError::Versions(versions));
        }
        // A newer release may have added something.
        if rest.len() > REST && versions.max <= PROTOCOL_VERSIONS.max {
            return Err(malformed);
        }
        let (cluster, rest) = rest.split_first_chunk().ok_or(malformed)?;
        let (clock, rest) = rest.split_first_chunk().ok_or(malformed)?;
        let probe = match rest.first() {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(malformed),
        };
        Ok(Self {
            versions,
            cluster: Digest::from_bytes(*cluster),
            clock: u64::from_le_bytes(*clock),
            probe,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(min: u32, max: u32) -> Hello {
        Hello {
            versions: Versions { min, max },
            cluster: Digest::of("test", &[]),
            clock: 1_790_000_000_000,
            probe: true,
        }
    }

    #[test]
    fn golden_bytes() {
        let bytes = hello(1, 2).to_bytes();
        assert_eq!(bytes[..16], *b"tacit hi\x01\0\0\0\x02\0\0\0");
        assert_eq!(bytes[16..48], *hello(1, 2).cluster.as_bytes());
        assert_eq!(bytes[48..], [0, 0x6c, 0x50, 0xc4, 0xa0, 0x01, 0, 0, 1]);
        assert_eq!(Hello::from_bytes(&bytes), Ok(hello(1, 2)));
    }

    #[test]
    fn versions_are_read_whatever_follows() {
        let newer = [&hello(7, 9).to_bytes()[..16], b"unlike anything of today"].concat();
        assert_eq!(Hello::from_bytes(&newer), Err(HelloError::Versions(Versions { min: 7, max: 9 })));
        let older = hello(0, 0).to_bytes();
        assert_eq!(
            Hello::from_bytes(&older[..16]),
            Err(HelloError::Versions(Versions { min: 0, max: 0 }))
        );
        // What a newer release adds at the end is left to it; ours adds nothing.
        let added = |max| [hello(1, max).to_bytes().as_slice(), b"more"].concat();
        assert_eq!(Hello::from_bytes(&added(2)), Ok(hello(1, 2)));
        assert_eq!(Hello::from_bytes(&added(1)), Err(HelloError::Malformed(61)));
    }

    #[test]
    fn anything_cut_short_or_foreign_is_refused() {
        let bytes = hello(1, 1).to_bytes();
        for len in 0..bytes.len() {
            let expected = if len < 8 { HelloError::Foreign } else { HelloError::Malformed(len) };
            assert_eq!(Hello::from_bytes(&bytes[..len]), Err(expected));
        }
        let mut odd = bytes;
        odd[56] = 2;
        assert_eq!(Hello::from_bytes(&odd), Err(HelloError::Malformed(57)));
        odd[0] ^= 1;
        assert_eq!(Hello::from_bytes(&odd), Err(HelloError::Foreign));
    }
}
