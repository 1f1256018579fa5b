//! The session of the scoring program, and the outputs it has computed so far.

use std::collections::BTreeMap;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Openable, Opened, Outputs, Recorded, Session, ToOpen};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::release::OutputName;

use crate::error::ScoringError;
use crate::noise::Recorder;

/// Outputs that are opened in one round.
struct Together(Vec<Shared<Fp61>>);

impl Openable for Together {
    type Field = Fp61;
    /// The elements of each output.
    type Value = Vec<Vec<Fp61>>;

    fn to_open(&self, party: &Party) -> ToOpen<Fp61> {
        Shared::concat(party, &self.0).into()
    }

    fn read_opened(self, mut elements: &[Fp61]) -> Vec<Vec<Fp61>> {
        let mut next = |output: &Shared<Fp61>| {
            let (values, rest) = elements.split_at(output.len().min(elements.len()));
            elements = rest;
            values.to_vec()
        };
        self.0.iter().map(&mut next).collect()
    }
}

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

    /// Opens the outputs about single contributors, of which every participant certifies what follows for pay. Once, for all of them:
    /// one round, and those of [`Self::record`].
    fn open_those_about_contributors(&mut self) -> Result<(), ScoringError> {
        let (names, values): (Vec<OutputName>, Vec<Shared<Fp61>>) = {
            let of_contributors = |name: &OutputName, _: &mut Shared<Fp61>| name.is_about_contributors();
            self.shared.extract_if(.., of_contributors).unzip()
        };
        if names.is_empty() {
            return Ok(());
        }
        let recorded = self.record(Together(values))?;
        let opened = recorded.open(self.session)?;
        self.opened.extend(names.into_iter().zip(opened.into_each()));
        Ok(())
    }

    /// The outputs of these names, in their order, with noise where the job has it: then its keys are recorded first.
    ///
    /// # Errors
    /// No statistic has made one of them. With noise also as [`Self::record`].
    pub(crate) fn into_outputs(mut self, wanted: Vec<OutputName>) -> Result<Outputs<OutputName>, ScoringError> {
        let mut outputs = Outputs::default();
        self.open_those_about_contributors()?;
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
