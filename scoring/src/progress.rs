//! How far the scoring program is: the session, and the outputs so far.

use std::collections::BTreeMap;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Outputs, Recorded, Session};
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::release::OutputName;

use crate::error::ScoringError;

/// The session of a program, and the outputs it has come to so far.
pub(crate) struct Progress<'s, N: Network> {
    /// The session.
    pub session: &'s mut Session<N>,
    record: &'s dyn Fn() -> bool,
    shared: BTreeMap<OutputName, Shared<Fp61>>,
    opened: BTreeMap<OutputName, Vec<Fp61>>,
}

impl<'s, N: Network> Progress<'s, N> {
    /// Before anything is computed. `record` durably records the accepted set; false if another one was before, or if it cannot.
    pub(crate) fn new(session: &'s mut Session<N>, record: &'s dyn Fn() -> bool) -> Self {
        Self {
            session,
            record,
            shared: BTreeMap::new(),
            opened: BTreeMap::new(),
        }
    }

    /// Takes the shares of an output.
    pub(crate) fn output(&mut self, name: OutputName, values: Shared<Fp61>) {
        self.shared.insert(name, values);
    }

    /// Takes an output that was opened in the session.
    pub(crate) fn opened_output(&mut self, name: OutputName, values: Vec<Fp61>) {
        self.opened.insert(name, values);
    }

    /// Verifies all products so far, records the accepted set durably, and waits until all participants have: what a result
    /// then tells is told of this accepted set only.
    ///
    /// # Errors
    /// A node deviated, or an accepted set was not recorded.
    pub(crate) fn record<T>(&mut self, result: T) -> Result<Recorded<T>, ScoringError> {
        let verified = self.session.verify_claims(result)?;
        if !(self.record)() {
            return Err(ScoringError::NotRecorded);
        }
        Ok(self.session.recorded(verified)?)
    }

    /// The outputs of these names, in their order.
    pub(crate) fn into_outputs(mut self, wanted: Vec<OutputName>) -> Outputs<OutputName> {
        let mut outputs = Outputs::default();
        for name in wanted {
            match (self.opened.remove(&name), self.shared.remove(&name)) {
                (Some(values), _) => outputs.push_opened(name, values),
                // An output that no statistic has made is empty, which its length gives away.
                (None, values) => outputs.push(name, values.unwrap_or_else(|| Shared::zeros(self.session.party(), 0))),
            }
        }
        outputs
    }
}
