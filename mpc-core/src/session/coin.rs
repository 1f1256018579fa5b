//! Public coins.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::{Opening, Session, SessionError};
use crate::digest::Digest;
use crate::field::{Field, Fp61, encode_vector};
use crate::network::Network;
use crate::probe::Probe;

/// What a coin decides; each by a stream of its own, so that one coin can decide several.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decides {
    /// What the claims of a field weigh.
    Weights,
    /// What the words weigh whose bits were multiplied.
    Words,
    /// At which point a claim goes on.
    Point,
}

/// The stream of public random words by which a coin decides.
pub(super) fn stream(coin: &[u8; 32], decides: Decides) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(*coin);
    rng.set_stream(match decides {
        Decides::Weights => 0,
        Decides::Words => 1,
        Decides::Point => 2,
    });
    rng
}

/// A public random point that is none of the first `taken` ones.
pub(super) fn point_outside<F: Field>(coin: &[u8; 32], taken: u64) -> F {
    let mut rng = stream(coin, Decides::Point);
    loop {
        let r = F::random(&mut rng);
        if (0..taken).all(|index| F::point(index) != r) {
            return r;
        }
    }
}

impl<N: Network> Session<N> {
    /// A public random seed that nobody could foresee or choose: an opened random sharing. Two rounds.
    ///
    /// A node leaves a round when its own messages are in, others may still wait for theirs. So all
    /// nodes first tell each other that they have everything: no node opens its part of a coin while
    /// another could still choose a message by it. Five elements carry more than 256 bits.
    pub fn coin(&mut self) -> Result<[u8; 32], SessionError> {
        self.settle()?;

        let random = self.random::<Fp61>(5)?;
        let opened = self.open(&random, Opening::Coin)?;
        let coin = *Digest::of("tacit/v1 coin", &[self.id.as_bytes(), &encode_vector(&opened)]).as_bytes();
        Ok(self.network.probe().foreseen_coin().unwrap_or(coin))
    }
}
