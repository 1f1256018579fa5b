//! From a session to outputs: only through here.

use std::fmt;

use super::{Session, SessionError, Traffic};
use crate::digest::Digest;
use crate::field::Fp61;
use crate::network::{Network, Phase};
use crate::release::{OutputComponents, OutputName};
use crate::sharing::{Party, Shared};

/// Shared results of a program, not yet verified. There is no way to open or to read them.
#[derive(Debug, Default)]
pub struct Outputs(Vec<(OutputName, Shared<Fp61>)>);

impl Outputs {
    /// Adds a result under its name.
    pub fn push(&mut self, name: OutputName, values: Shared<Fp61>) {
        self.0.push((name, values));
    }
}

/// Results whose every product was verified, at a node that has yet to record which accepted set it is
/// about to release. They cannot be read either.
pub struct Unrecorded<N: Network> {
    session: Session<N>,
    outputs: Outputs,
}

/// Results whose every product was verified and whose accepted set every participant has recorded: the
/// only thing that can be released.
#[derive(Debug)]
pub struct VerifiedOutputs {
    party: Party,
    session: Digest,
    traffic: Traffic,
    outputs: Outputs,
}

/// A shared result in the middle of a session, with every claim verified that was made before it was
/// handed to [`Session::verify_claims`]: so every product it comes from was right.
#[derive(Debug)]
pub struct Verified<T>(T);

/// A verified result of which every participant has recorded for which accepted set it is opened.
#[derive(Debug)]
pub struct Recorded<T>(pub(crate) T);

impl<N: Network> Session<N> {
    /// Verifies every claim so far, and goes on. What was computed until now can then be opened before
    /// the session ends, see [`Session::recorded`].
    ///
    /// # Errors
    /// A node deviated; nothing may be released.
    pub fn verify_claims<T>(&mut self, result: T) -> Result<Verified<T>, SessionError> {
        self.enter(Phase::Verify);
        let claims = std::mem::take(&mut self.claims);
        self.check_claims(claims)?;
        // Every product left a claim, and none is left.
        self.traffic.verified = self.traffic.products;
        self.network.hear(&self.traffic);
        Ok(Verified(result))
    }

    /// Tells the participants that this node has durably recorded the accepted set, and hears the same of
    /// all of them, as [`Unrecorded::recorded`] does: what is opened within a session is released, too.
    ///
    /// # Errors
    /// A participant did not record it; nothing may be released.
    pub fn recorded<T>(&mut self, Verified(result): Verified<T>) -> Result<Recorded<T>, SessionError> {
        self.enter(Phase::Release);
        self.settle()?;
        Ok(Recorded(result))
    }

    /// Verifies every claim, for the last time.
    ///
    /// # Errors
    /// A node deviated; nothing may be released.
    pub fn verify(mut self, outputs: Outputs) -> Result<Unrecorded<N>, SessionError> {
        let Verified(outputs) = self.verify_claims(outputs)?;
        Ok(Unrecorded { session: self, outputs })
    }
}

impl<N: Network> Unrecorded<N> {
    /// Tells the participants that this node has durably recorded the accepted set, hears the same of
    /// all of them, and gives the outputs free. One round.
    ///
    /// So before anyone releases anything, every honest participant refuses any other set; and any two
    /// computations have an honest participant in common ([`crate::sharing::AccessStructure::quorum`]).
    ///
    /// # Errors
    /// A participant did not record it; nothing may be released.
    pub fn recorded(mut self) -> Result<VerifiedOutputs, SessionError> {
        self.session.enter(Phase::Release);
        self.session.settle()?;
        let Session { party, id, traffic, .. } = self.session;
        Ok(VerifiedOutputs {
            party,
            session: id,
            traffic,
            outputs: self.outputs,
        })
    }
}

impl<N: Network> fmt::Debug for Unrecorded<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unrecorded(..)")
    }
}

impl VerifiedOutputs {
    /// This node's components of every output.
    pub fn components(&self) -> Vec<OutputComponents> {
        let of = |values: &Shared<Fp61>| {
            self.party
                .held()
                .iter()
                .map(|c| *c as u8)
                .zip(values.components().iter().cloned())
                .collect()
        };
        self.outputs
            .0
            .iter()
            .map(|(name, values)| OutputComponents {
                name: *name,
                components: of(values),
            })
            .collect()
    }

    /// The session they come from.
    pub fn session(&self) -> Digest {
        self.session
    }

    /// What the session sent and received.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }
}
