//! The bytes that one node sends another during a computation, on a QUIC stream of its own, the lane. First comes a frame that
//! names the computation, then one message for each round, behind a header with its step and length.

use serde::{Deserialize, Serialize};

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

/// The largest first frame of a lane, in bytes.
pub const MAX_ID_BYTES: usize = 256;

/// The first frame of a lane: the computation that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LaneId {
    /// The job's digest.
    pub job: Digest,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The nodes that take part.
    pub participants: NodeSet,
}

/// The header of a message: step and length, four bytes each, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHeader {
    /// The number of the round.
    pub step: u32,
    /// The length of the message in bytes.
    pub len: u32,
}

impl MessageHeader {
    /// Length of the header in bytes.
    pub const BYTES: usize = 8;

    /// The encoded header.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.step.to_le_bytes());
        bytes[4..].copy_from_slice(&self.len.to_le_bytes());
        bytes
    }

    /// Reads a header; every eight bytes are a header.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [s0, s1, s2, s3, l0, l1, l2, l3] = bytes;
        Self {
            step: u32::from_le_bytes([s0, s1, s2, s3]),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_little_endian() {
        let header = MessageHeader { step: 1, len: 0x0203 };
        assert_eq!(header.to_bytes(), [1, 0, 0, 0, 3, 2, 0, 0]);
        assert_eq!(MessageHeader::from_bytes(header.to_bytes()), header);
    }

    #[test]
    fn ids_fit_their_frame() {
        let id = LaneId {
            job: Digest::of("job", &[]),
            attempt: 1,
            participants: NodeSet::all(3),
        };
        assert!(crate::codec::encode(&id).len() <= MAX_ID_BYTES);
    }
}
