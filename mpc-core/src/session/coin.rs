//! Public coins.

use super::{Session, SessionError};
use crate::digest::Digest;
use crate::field::{Fp61, encode_vector};
use crate::network::Network;

/// What every coin is where a test lets coins be foreseen.
#[cfg(test)]
pub(crate) const FORESEEN: [u8; 32] = [1; 32];

impl<N: Network> Session<N> {
    /// A public random seed that nobody could foresee or choose: an opened random sharing. Two rounds.
    ///
    /// A node leaves a round when its own messages are in, others may still wait for theirs. So all
    /// nodes first tell each other that they have everything: no node opens its part of a coin while
    /// another could still choose a message by it. Five elements carry more than 256 bits.
    pub(crate) fn coin(&mut self) -> Result<[u8; 32], SessionError> {
        self.settle()?;

        let random = self.random::<Fp61>(5)?;
        let opened = self.open(&random, "a coin")?;
        #[cfg(test)]
        if !self.makes(crate::checks::Check::Coins) {
            return Ok(FORESEEN);
        }
        Ok(*Digest::of("tacit/v1 coin", &[self.id.as_bytes(), &encode_vector(&opened)]).as_bytes())
    }
}
