//! The public random values that the check of products derives from a coin.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::field::Field;

/// What a coin is used for. Each use has its own stream, so that one coin can serve several.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    /// The weights of the claims of a field.
    Weights,
    /// The weights of words whose bits were multiplied.
    BitWeights,
    /// The point at which polynomials are evaluated.
    Point,
}

/// The stream of public random words for one use of a coin: ChaCha20 with the coin as key.
pub(super) fn stream(coin: &[u8; 32], purpose: Use) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(*coin);
    rng.set_stream(match purpose {
        Use::Weights => 0,
        Use::BitWeights => 1,
        Use::Point => 2,
    });
    rng
}

/// A public random point that is none of the first `taken` points of the field.
pub(super) fn point_outside<F: Field>(coin: &[u8; 32], taken: u64) -> F {
    let mut rng = stream(coin, Use::Point);
    loop {
        let r = F::random(&mut rng);
        if (0..taken).all(|index| F::point(index) != r) {
            return r;
        }
    }
}
