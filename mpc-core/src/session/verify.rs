//! From a session to outputs: only through here.

use std::fmt;

use super::{Opening, Session, SessionError};
use crate::digest::Digest;
use crate::field::{Field, Fp61};
use crate::network::{Network, Phase, Traffic};
use crate::sharing::{Component, Party, Shared};

/// Shared results of a program, each under a name `K`, not yet verified. There is no way to open or to read them.
#[derive(Debug)]
pub struct Outputs<K>(Vec<(K, Held)>);

/// What a node holds of an output.
#[derive(Debug)]
enum Held {
    Shared(Shared<Fp61>),
    Opened(Vec<Fp61>),
}

impl<K> Default for Outputs<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K> Outputs<K> {
    /// Adds a shared result under its name.
    pub fn push(&mut self, name: K, values: Shared<Fp61>) {
        self.0.push((name, Held::Shared(values)));
    }

    /// Adds a result that all participants have opened in this session, by [`Recorded::open`].
    pub fn push_opened(&mut self, name: K, values: Vec<Fp61>) {
        self.0.push((name, Held::Opened(values)));
    }
}

/// Results whose every product was verified, at a node that has yet to record which accepted set it is
/// about to release. They cannot be read either.
pub struct Unrecorded<N: Network, K> {
    session: Session<N>,
    outputs: Outputs<K>,
}

/// Results whose every product was verified and whose accepted set every participant has recorded: the
/// only thing that can be released.
#[derive(Debug)]
pub struct VerifiedOutputs<K> {
    party: Party,
    session: Digest,
    traffic: Traffic,
    outputs: Outputs<K>,
}

/// What a node has of a verified output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<'a> {
    /// Each component it holds, with its elements.
    Components(Vec<(Component, &'a [Fp61])>),
    /// The elements, opened in the session.
    Opened(&'a [Fp61]),
}

/// A shared result in the middle of a session, with every claim verified that was made before it was
/// handed to [`Session::verify_claims`]: so every product it comes from was right.
#[derive(Debug)]
pub struct Verified<T>(T);

/// A verified result of which every participant has recorded for which accepted set it is opened.
#[derive(Debug)]
pub struct Recorded<T>(pub(crate) T);

/// A result that can be opened within a session once it is verified and recorded.
pub trait Openable {
    /// The field it is shared in.
    type Field: Field;
    /// What the opened elements mean.
    type Opened;

    /// All its elements, one after the other.
    fn shares(&self, party: &Party) -> Shared<Self::Field>;

    /// The meaning of the opened elements, which come in the order of [`Self::shares`].
    fn read_opened(self, elements: &[Self::Field]) -> Self::Opened;
}

impl<T> Recorded<T> {
    /// The result, still shared.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The result, which is still shared: what is computed from it is verified and recorded again.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<A, B> Recorded<(A, B)> {
    /// Two results that were verified and recorded together.
    pub fn split(self) -> (Recorded<A>, Recorded<B>) {
        (Recorded(self.0.0), Recorded(self.0.1))
    }
}

impl<T: Openable> Recorded<T> {
    /// Opens the result to all participants. One round.
    ///
    /// # Errors
    /// The round failed, or two holders of a component sent different values.
    pub fn open<N: Network>(self, session: &mut Session<N>) -> Result<T::Opened, SessionError> {
        let shares = self.0.shares(session.party());
        let opened = session.open(&shares, Opening::Result)?;
        Ok(self.0.read_opened(&opened))
    }
}

impl<N: Network> Session<N> {
    /// Verifies every claim so far, and goes on. What was computed until now can then be opened before
    /// the session ends, see [`Session::recorded`].
    ///
    /// # Errors
    /// A node deviated; nothing may be released.
    pub fn verify_claims<T>(&mut self, result: T) -> Result<Verified<T>, SessionError> {
        self.enter(Phase::VERIFY);
        let claims = std::mem::take(&mut self.claims);
        self.check_claims(claims)?;
        // Every product left a claim, and none is left.
        self.traffic.verified = self.traffic.products;
        self.network.report_traffic(&self.traffic);
        Ok(Verified(result))
    }

    /// Tells the participants that this node has durably recorded the accepted set, and hears the same of
    /// all of them, as [`Unrecorded::recorded`] does: what is opened within a session is released, too.
    ///
    /// # Errors
    /// A participant did not record it; nothing may be released.
    pub fn recorded<T>(&mut self, Verified(result): Verified<T>) -> Result<Recorded<T>, SessionError> {
        self.enter(Phase::RELEASE);
        self.settle()?;
        Ok(Recorded(result))
    }

    /// Verifies every claim, for the last time.
    ///
    /// # Errors
    /// A node deviated; nothing may be released.
    pub fn verify<K>(mut self, outputs: Outputs<K>) -> Result<Unrecorded<N, K>, SessionError> {
        let Verified(outputs) = self.verify_claims(outputs)?;
        Ok(Unrecorded { session: self, outputs })
    }
}

impl<N: Network, K> Unrecorded<N, K> {
    /// Tells the participants that this node has durably recorded the accepted set, hears the same of
    /// all of them, and gives the outputs free. One round.
    ///
    /// So before anyone releases anything, every honest participant refuses any other set; and any two
    /// computations have an honest participant in common ([`crate::sharing::AccessStructure::quorum`]).
    ///
    /// # Errors
    /// A participant did not record it; nothing may be released.
    pub fn recorded(mut self) -> Result<VerifiedOutputs<K>, SessionError> {
        self.session.enter(Phase::RELEASE);
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

impl<N: Network, K> fmt::Debug for Unrecorded<N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unrecorded(..)")
    }
}

impl<K> VerifiedOutputs<K> {
    /// What this node has of every output, with its name.
    pub fn outputs(&self) -> impl Iterator<Item = (&K, Output<'_>)> {
        self.outputs.0.iter().map(|(name, held)| {
            let output = match held {
                Held::Opened(values) => Output::Opened(values),
                Held::Shared(values) => {
                    let components = values.components().iter().map(Vec::as_slice);
                    Output::Components(self.party.held().iter().copied().zip(components).collect())
                }
            };
            (name, output)
        })
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
