//! The noise itself: a sum of fair bits for each component, added by its holders to their component of the shared number.

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::kept_keys::KeptKeys;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::job::Terms;
use tacit_protocol::release::{NOISE_BITS, OutputName, noise_units};

/// Which elements get noise, in which units.
pub(crate) struct Noise(Vec<(OutputName, Vec<u64>)>);

impl Noise {
    /// The noise of the job's outputs; none in a job that is not sensitive.
    pub(crate) fn of_job(terms: &Terms, facts: &PublicFacts) -> Self {
        let noisy = OutputName::of_job(terms).into_iter().filter(|name| name.has_noise(terms));
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
pub(super) fn with_noise(party: &Party, keys: &KeptKeys, name: OutputName, units: &[u64], values: &Shared<Fp61>) -> Shared<Fp61> {
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
