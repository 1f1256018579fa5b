//! What a node records before anything about answers opens: the accepted set, and the keys of the noise where the job has any.

use std::cell::OnceCell;
use std::fmt;

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Recorded, Session, Verified};
use tacit_mpc_core::sharing::Shared;
use tacit_mpc_core::stored_keys::{KeyNames, StoredKeys};
use tacit_protocol::release::OutputName;

use super::Noise;
use super::add::with_noise;
use crate::error::ScoringError;
use crate::submissions::Submissions;

/// What errors call the keys that a session agrees on, and what they are for.
const NAMES: KeyNames = KeyNames {
    keys: "the keys of the noise of this job",
    inputs: "the accepted set that outputs of this job were released for",
};

/// Records for which accepted set a computation opens what it opens.
pub struct Recorder<'a> {
    submissions: &'a dyn Submissions,
    accepted: Digest,
    noise: Noise,
    /// The keys of the noise, once all participants have stored them.
    keys: OnceCell<StoredKeys>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(submissions: &'a dyn Submissions, accepted: Digest, noise: Noise) -> Self {
        Self {
            submissions,
            accepted,
            noise,
            keys: OnceCell::new(),
        }
    }

    /// Records the accepted set durably and waits until all participants have done so. Before the first record of a job with noise
    /// they agree on its keys: those that any of them has recorded before, else fresh ones; and each stores its own.
    ///
    /// One round; with noise up to three more the first time.
    ///
    /// # Errors
    /// The record of another set or of other keys stands against it, a store failed, a node deviated, or a round failed. Then nothing
    /// opens.
    pub(crate) fn record<N: Network, T>(&self, session: &mut Session<N>, verified: Verified<T>) -> Result<Recorded<T>, ScoringError> {
        if !self.noise.is_none() && self.keys.get().is_none() {
            let own = self.submissions.noise_keys(session.party())?;
            let keys = session.agree_on_stored_keys(self.accepted, own.as_ref(), NAMES)?;
            if !self.submissions.store_noise_keys(&keys) {
                return Err(ScoringError::NotRecorded);
            }
            session.confirm_stored_keys(&keys, NAMES)?;
            self.keys.get_or_init(|| keys);
        }
        self.record_set()?;
        Ok(session.recorded(verified)?)
    }

    /// Records the accepted set durably.
    ///
    /// # Errors
    /// Another set was recorded, or the store failed.
    pub(crate) fn record_set(&self) -> Result<(), ScoringError> {
        self.submissions
            .record_release(&self.accepted)
            .then_some(())
            .ok_or(ScoringError::NotRecorded)
    }

    /// Whether any output gets noise.
    pub(crate) fn has_noise(&self) -> bool {
        !self.noise.is_none()
    }

    /// The elements of an output with its noise, or as they are if it has none. The keys must have been recorded.
    ///
    /// # Errors
    /// They were not: a defect of the program, which must not open the number without noise.
    pub(crate) fn with_noise<N: Network>(
        &self,
        session: &Session<N>,
        name: OutputName,
        values: Shared<Fp61>,
    ) -> Result<Shared<Fp61>, ScoringError> {
        let Some(units) = self.noise.units(name) else { return Ok(values) };
        let keys = self.keys.get().ok_or(ScoringError::NotComputed(name))?;
        Ok(with_noise(session.party(), keys, name, units, &values))
    }
}

impl fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({})", self.accepted)
    }
}
