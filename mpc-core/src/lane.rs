//! What one node sends another on a session's lane: first, in a frame, which computation the lane
//! belongs to; then one message for each round, behind a header with its step and length.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::network::NetworkError;
use crate::sharing::NodeSet;

/// The largest first frame of a lane.
pub const MAX_ID_BYTES: usize = 256;

/// Which computation a lane belongs to: the first frame of every lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LaneId {
    /// The job's digest.
    pub job: Digest,
    /// Which try.
    pub attempt: u32,
    /// Who takes part.
    pub participants: NodeSet,
    /// Which lane.
    pub lane: u16,
}

/// What stands before a message: step and length, each four bytes, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHeader {
    /// The round.
    pub step: u32,
    /// The length of the message in bytes.
    pub len: u32,
}

impl MessageHeader {
    /// Length of the header in bytes.
    pub const BYTES: usize = 8;

    /// The header as it travels.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.step.to_le_bytes());
        bytes[4..].copy_from_slice(&self.len.to_le_bytes());
        bytes
    }

    /// Reads a header; any bytes are one.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [s0, s1, s2, s3, l0, l1, l2, l3] = bytes;
        Self {
            step: u32::from_le_bytes([s0, s1, s2, s3]),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
        }
    }

    /// Checks that the header of `peer` is what the round expects, before anything is allocated for the
    /// message.
    ///
    /// # Errors
    /// The peer is at another step, or its message has another length.
    pub fn check(self, peer: usize, step: u32, len: usize) -> Result<(), NetworkError> {
        if self.step != step {
            return Err(NetworkError::WrongStep {
                peer,
                expected: step,
                got: self.step,
            });
        }
        if self.len as usize != len {
            return Err(NetworkError::WrongLength {
                peer,
                expected: len,
                got: self.len as usize,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_little_endian_and_checked() {
        let header = MessageHeader { step: 1, len: 0x0203 };
        assert_eq!(header.to_bytes(), [1, 0, 0, 0, 3, 2, 0, 0]);
        assert_eq!(MessageHeader::from_bytes(header.to_bytes()), header);
        assert_eq!(header.check(2, 1, 0x0203), Ok(()));
        assert!(matches!(
            header.check(2, 0, 0x0203),
            Err(NetworkError::WrongStep {
                peer: 2,
                expected: 0,
                got: 1
            })
        ));
        assert!(matches!(header.check(2, 1, 8), Err(NetworkError::WrongLength { expected: 8, .. })));
    }

    #[test]
    fn ids_fit_their_frame() {
        let id = LaneId {
            job: Digest::of("job", &[]),
            attempt: 1,
            participants: NodeSet::all(3),
            lane: 0,
        };
        assert!(crate::codec::encode(&id).len() <= MAX_ID_BYTES);
    }
}
