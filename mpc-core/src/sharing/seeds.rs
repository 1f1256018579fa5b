//! How the owner of a secret, who is not a node, shares it: a fresh seed for each component but one, and that one in full.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::access::Component;
use crate::field::{Field, uniform};

/// A component of a shared vector as it is sent to its holders: a seed or the elements.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub enum CompressedComponent<F: Field> {
    /// The component is the expansion of this seed.
    Seed([u8; 32]),
    /// The component in full: the secret minus all other components.
    Explicit(Vec<F>),
}

impl<F: Field> fmt::Debug for CompressedComponent<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(_) => f.write_str("Seed(..)"),
            Self::Explicit(values) => write!(f, "Explicit({} elements)", values.len()),
        }
    }
}

/// Fills `out` with the expansion of a seed: [`uniform::fill`] with stream number 0.
///
/// The stream number can be fixed because a seed is drawn for one vector only.
pub fn expand_into<F: Field>(seed: &[u8; 32], out: &mut [F]) {
    uniform::fill(seed, 0, out);
}

/// Shares `secret`. Returns `components` components in order, of which the one at `explicit` is sent in full.
///
/// # Panics
/// `explicit` is not below `components`.
pub fn compress<F: Field, R: CryptoRng + ?Sized>(
    secret: &[F],
    components: usize,
    explicit: Component,
    rng: &mut R,
) -> Vec<CompressedComponent<F>> {
    let mut rest = secret.to_vec();
    let mut mask = vec![F::ZERO; secret.len()];
    let mut shares: Vec<_> = (0..components)
        .map(|component| {
            if component == explicit {
                return CompressedComponent::Explicit(Vec::new());
            }
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            expand_into(&seed, &mut mask);
            F::sub_vector(&mut rest, &mask);
            CompressedComponent::Seed(seed)
        })
        .collect();
    mask.as_mut_slice().zeroize();
    shares[explicit] = CompressedComponent::Explicit(rest);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fp61;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn expand(seed: &[u8; 32], len: usize) -> Vec<Fp61> {
        let mut out = vec![Fp61::ZERO; len];
        expand_into(seed, &mut out);
        out
    }

    proptest! {
        #[test]
        fn components_add_up_to_the_secret(
            secret in proptest::collection::vec(any::<u64>().prop_map(Fp61::reduce), 0..50),
            components in 2usize..=35,
            explicit: prop::sample::Index,
            seed: [u8; 32],
        ) {
            let mut rng = ChaCha20Rng::from_seed(seed);
            let explicit = explicit.index(components);
            let shares = compress(&secret, components, explicit, &mut rng);
            let mut sum = vec![Fp61::ZERO; secret.len()];
            for (component, share) in shares.iter().enumerate() {
                let values = match share {
                    CompressedComponent::Seed(seed) => expand(seed, secret.len()),
                    CompressedComponent::Explicit(values) => values.clone(),
                };
                prop_assert_eq!(matches!(share, CompressedComponent::Explicit(_)), component == explicit);
                sum.iter_mut().zip(values).for_each(|(total, value)| *total += value);
            }
            prop_assert_eq!(sum, secret);
        }
    }

    #[test]
    fn expansion_is_fixed_across_versions() {
        // ChaCha20 with key 0 (RFC 8439, appendix A.1, test vector 1): keystream words, masked to 61 bits.
        let expanded: Vec<u64> = expand(&[0; 32], 2).into_iter().map(Fp61::to_u64).collect();
        let keystream = [0x903d_f1a0_ade0_b876_u64, 0x28bd_8653_e56a_5d40];
        assert_eq!(expanded, keystream.map(|word| word & crate::field::MODULUS));
    }
}
