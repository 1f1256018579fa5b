//! The session of the scoring program, and the outputs it has computed so far.

use std::collections::BTreeMap;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Opened, Outputs, Recorded, Session};
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::release::OutputName;

use crate::error::ScoringError;
use crate::noise::Recorder;

/// The session of the program, and the outputs it has computed so far.
pub(crate) struct Progress<'s, N: Network> {
    /// The session in which all products are computed.
    pub session: &'s mut Session<N>,
    recorder: &'s Recorder<'s>,
    shared: BTreeMap<OutputName, Shared<Fp61>>,
    opened: BTreeMap<OutputName, Opened<Vec<Fp61>>>,
}

impl<'s, N: Network> Progress<'s, N> {
    /// Before anything is computed.
    pub(crate) fn new(session: &'s mut Session<N>, recorder: &'s Recorder<'s>) -> Self {
        Self {
            session,
            recorder,
            shared: BTreeMap::new(),
            opened: BTreeMap::new(),
        }
    }

    /// Takes the shares of an output.
    pub(crate) fn output(&mut self, name: OutputName, values: Shared<Fp61>) {
        self.shared.insert(name, values);
    }

    /// Takes an output that was opened in the session.
    pub(crate) fn opened_output(&mut self, name: OutputName, values: Opened<Vec<Fp61>>) {
        self.opened.insert(name, values);
    }

    /// Verifies all products so far, records the accepted set durably, and waits until all participants have done so. What is
    /// opened afterwards is opened for this accepted set only.
    ///
    /// # Errors
    /// A node deviated, or an accepted set, or the keys of the noise, were not recorded.
    pub(crate) fn record<T>(&mut self, result: T) -> Result<Recorded<T>, ScoringError> {
        let phase = self.session.phase();
        let verified = self.session.verify_claims(result)?;
        let recorded = self.recorder.record(self.session, verified)?;
        self.session.enter(phase);
        Ok(recorded)
    }

    /// The outputs of these names, in their order, with noise where the job has it: then its keys are recorded first.
    ///
    /// # Errors
    /// No statistic has made one of them. With noise also as [`Self::record`].
    pub(crate) fn into_outputs(mut self, wanted: Vec<OutputName>) -> Result<Outputs<OutputName>, ScoringError> {
        let mut outputs = Outputs::default();
        if self.recorder.has_noise() {
            self.record(())?;
        }
        for name in wanted {
            if let Some(values) = self.opened.remove(&name) {
                outputs.push_opened(name, values);
            } else {
                let values = self.shared.remove(&name).ok_or(ScoringError::NotComputed(name))?;
                outputs.push(name, self.recorder.with_noise(self.session, name, values)?);
            }
        }
        Ok(outputs)
    }
}
