//! Public coins.

use super::error::SessionError;
use super::state::Session;
use crate::digest::Digest;
use crate::field::{Fp61, encode_vector};
use crate::network::Network;
use crate::opening::Opening;
use crate::probe::Probe;

/// Elements that are opened for a coin: five carry more than 256 bits of entropy.
const COIN_ELEMENTS: usize = 5;

impl<N: Network> Session<N> {
    /// A public random seed that nobody could foresee or choose: the digest of an opened random sharing. Two rounds.
    ///
    /// A node leaves a round as soon as its own messages have arrived, while others may still wait for theirs. So all nodes
    /// first tell each other that they have received everything: no node opens its part of a coin while another could
    /// still choose a message that depends on it.
    ///
    /// # Errors
    /// A round failed, or two holders of a component sent different values.
    pub fn coin(&mut self) -> Result<[u8; 32], SessionError> {
        self.settle()?;

        let random = self.random::<Fp61>(COIN_ELEMENTS)?;
        let opened = self.open(&random, Opening::Coin)?;
        let coin = *Digest::of("tacit/v1 coin", &[self.id.as_bytes(), &encode_vector(&opened)]).as_bytes();
        Ok(self.network.probe().foreseen_coin().unwrap_or(coin))
    }
}
