//! The noise itself: a sum of fair bits for each component, added by its holders to their component of the shared number.

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_mpc_core::stored_keys::StoredKeys;
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::job::Terms;
use tacit_protocol::release::{NOISE_BITS, OutputName, noise_units};

/// Which elements get noise, in which units.
pub(crate) struct Noise(Vec<(OutputName, Vec<u64>)>);

impl Noise {
    /// The noise of the job's outputs; none in a job that is not sensitive.
    pub(crate) fn of_job(terms: &Terms, facts: &PublicFacts) -> Self {
        let noisy = OutputName::of_job(terms, facts).into_iter().filter(|name| name.has_noise(terms));
        Self(noisy.map(|name| (name, noise_units(name, terms, facts))).collect())
    }

    /// Whether no output has any.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The unit of each element of an output; `None` if the output has no noise.
    pub(crate) fn units(&self, name: OutputName) -> Option<&[u64]> {
        self.0.iter().find(|(noisy, _)| *noisy == name).map(|(_, units)| units.as_slice())
    }
}

/// The elements of an output with noise, each in its unit. Every holder of a component adds the same.
pub(super) fn with_noise(party: &Party, keys: &StoredKeys, name: OutputName, units: &[u64], values: &Shared<Fp61>) -> Shared<Fp61> {
    let purpose = name.to_string();
    let noise = Shared::generate(party, |position| {
        let words = keys.words(position, &purpose, units.len());
        let scaled = |(word, unit): (&u64, &u64)| of_word(*word) * Fp61::reduce(*unit);
        words.iter().zip(units).map(scaled).collect()
    });
    values.add(&noise)
}

/// The noise that a word stands for, in units: how many of its bits are one, minus how many are one on average.
fn of_word(word: u64) -> Fp61 {
    Fp61::from_i64(i64::from(word.count_ones()) - i64::from(NOISE_BITS / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_mpc_core::digest::Digest;
    use tacit_mpc_core::sharing::{AccessStructure, NodeSet};

    /// The keys of node 0 of three: the first one is that of `mpc-core/vectors/stored_keys.json`.
    fn keys(access: &AccessStructure) -> StoredKeys {
        let held = access.held_by(0);
        let key = |component: usize| if component == held[0] { [0x22; 32] } else { [0x77; 32] };
        let digest = |component: usize| Digest::of("tacit/v1 kept key digest", &[&key(component), &[component as u8]]);
        let mut bytes = Digest::of("accepted", &[]).as_bytes().to_vec();
        (0..access.components()).for_each(|component| bytes.extend_from_slice(digest(component).as_bytes()));
        held.iter().for_each(|component| bytes.extend(key(*component)));
        StoredKeys::from_bytes(access, 0, &bytes).unwrap()
    }

    #[test]
    fn the_noise_of_a_key_stays_the_same() {
        let access = AccessStructure::new(3, 1).unwrap();
        let party = Party::new(&access, NodeSet::all(3), 0).unwrap();
        let units = [1, 1, 1, 1, 10];
        let values = Shared::zeros(&party, units.len());
        let noisy = with_noise(&party, &keys(&access), OutputName::ClassTotals, &units, &values);
        // The one bits of the words in the vectors, minus 32, in units.
        let due = [8, 7, -5, 0, 80].map(Fp61::from_i64);
        assert_eq!(noisy.components()[0], due);
        let other = with_noise(&party, &keys(&access), OutputName::Agreement, &units, &values);
        assert_ne!(other.components()[0], due, "each output has its own noise");
    }

    #[test]
    fn noise_is_a_sum_of_64_fair_bits_without_its_mean() {
        let access = AccessStructure::new(3, 1).unwrap();
        let words = keys(&access).words(0, "agreement", 20_000);
        let noise: Vec<f64> = words.iter().map(|word| f64::from(word.count_ones()) - 32.0).collect();
        let mean = noise.iter().sum::<f64>() / noise.len() as f64;
        let variance = noise.iter().map(|one| one * one).sum::<f64>() / noise.len() as f64;
        // Five standard errors of each: 4/141, and 16·√2/141.
        assert!(
            mean.abs() < 0.15 && (variance - 16.0).abs() < 0.8,
            "mean {mean}, variance {variance}"
        );
        assert_eq!(of_word(0), Fp61::from_i64(-32));
        assert_eq!(of_word(u64::MAX), Fp61::from_i64(32));
    }
}
