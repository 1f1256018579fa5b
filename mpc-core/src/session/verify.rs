//! The only way from a session to outputs.
//!
//! The order is enforced by types: [`Outputs`] cannot be read; [`Session::verify`] consumes the session and gives
//! [`Unrecorded`] outputs; and only after every participant has recorded what it is about to release, [`VerifiedOutputs`] can
//! be read. [`Verified`] and [`Recorded`] are the same for a result that is opened in the middle of a session.

use std::fmt;

use super::error::SessionError;
use super::state::Session;
use crate::digest::Digest;
use crate::field::{Field, Fp61};
use crate::network::{Network, Phase, Traffic};
use crate::opening::Opening;
use crate::sharing::{Component, Party, Shared};

/// Shared results of a program, each under a name `K`, not yet verified. They can be neither opened nor read.
#[derive(Debug)]
pub struct Outputs<K>(Vec<(K, Held)>);

/// An output at one node.
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
    /// Adds a shared result under its name. Names may repeat.
    pub fn push(&mut self, name: K, values: Shared<Fp61>) {
        self.0.push((name, Held::Shared(values)));
    }

    /// Adds a result that all participants have opened, or what follows from it.
    pub fn push_opened(&mut self, name: K, Opened(values): Opened<Vec<Fp61>>) {
        self.0.push((name, Held::Opened(values)));
    }
}

/// Verified results at a node that has not yet recorded for which inputs it is about to release them. They cannot be read
/// either.
pub struct Unrecorded<N: Network, K> {
    session: Session<N>,
    outputs: Outputs<K>,
}

/// Verified results of which every participant has recorded for which inputs it releases them: the only results that can be
/// read.
#[derive(Debug)]
pub struct VerifiedOutputs<K> {
    party: Party,
    session: Digest,
    traffic: Traffic,
    outputs: Outputs<K>,
}

/// A verified output at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<'a> {
    /// The elements of each component that this node holds, in ascending order of components.
    Components(Vec<(Component, &'a [Fp61])>),
    /// The elements, which were opened in the session.
    Opened(&'a [Fp61]),
}

/// A shared result in the middle of a session. Every claim that was made before the call of [`Session::verify_claims`] was
/// verified, so every product the result was computed from is correct.
#[derive(Debug)]
pub struct Verified<T>(T);

/// A verified result of which every participant has recorded for which inputs it is opened.
#[derive(Debug)]
pub struct Recorded<T>(pub(crate) T);

/// A result that all participants have opened in a session: see [`Recorded::open`]. Only the engine makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<T>(T);

impl<T> Opened<T> {
    /// What follows from the result alone: a function, so that nothing else can enter.
    pub fn map<U>(&self, derive: fn(&T) -> U) -> Opened<U> {
        Opened(derive(&self.0))
    }

    /// The result, which is public from here on.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Opened<Vec<T>> {
    /// Results that were opened together, one by one.
    pub fn into_each(self) -> impl Iterator<Item = Opened<T>> {
        self.0.into_iter().map(Opened)
    }
}

/// A result that can be opened within a session once it is verified and recorded.
pub trait Openable {
    /// The field it is shared in.
    type Field: Field;
    /// The result in the clear.
    type Value;

    /// All elements of the result as one vector.
    fn to_open(&self, party: &Party) -> ToOpen<Self::Field>;

    /// Interprets the opened elements, which have the order of [`Self::to_open`].
    fn read_opened(self, elements: &[Self::Field]) -> Self::Value;
}

/// The shares of an [`Openable`] result. Only the engine reads them, so that code which has only the result cannot open it in
/// another way than [`Recorded::open`].
#[derive(Debug)]
pub struct ToOpen<F: Field>(Shared<F>);

impl<F: Field> From<Shared<F>> for ToOpen<F> {
    fn from(shares: Shared<F>) -> Self {
        Self(shares)
    }
}

impl<T> Recorded<T> {
    /// The result, still shared.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The result, still shared. What is computed from it has to be verified and recorded again.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<A, B> Recorded<(A, B)> {
    /// Splits two results that were verified and recorded together.
    pub fn split(self) -> (Recorded<A>, Recorded<B>) {
        (Recorded(self.0.0), Recorded(self.0.1))
    }
}

impl<T: Openable> Recorded<T> {
    /// Opens the result to all participants: see [`Openable`]. One round, in which a node receives the values of each
    /// component it does not hold.
    ///
    /// # Errors
    /// The round failed, or two holders of a component sent different values.
    pub fn open<N: Network>(self, session: &mut Session<N>) -> Result<Opened<T::Value>, SessionError> {
        let ToOpen(shares) = self.0.to_open(session.party());
        let opened = session.open(&shares, Opening::Result)?;
        Ok(Opened(self.0.read_opened(&opened)))
    }
}

impl<N: Network> Session<N> {
    /// Verifies every claim made so far; the session goes on. A result that was computed until now can then be opened before
    /// the session ends: see [`Session::recorded`].
    ///
    /// Rounds: two, three more for each level of folding, and one for each field with claims; none if there are no claims.
    ///
    /// # Errors
    /// A product is wrong, or a round failed: nothing may be released.
    pub fn verify_claims<T>(&mut self, result: T) -> Result<Verified<T>, SessionError> {
        self.enter(Phase::VERIFY);
        let claims = std::mem::take(&mut self.claims);
        self.check_claims(claims)?;
        // Every product left a claim, and no claim is left.
        self.traffic.verified = self.traffic.products;
        self.network.report_traffic(&self.traffic);
        Ok(Verified(result))
    }

    /// Tells the participants that this node has durably recorded for which inputs it opens the result, and waits until all
    /// of them have said the same. Opening a result within a session releases it, so this is required as in
    /// [`Unrecorded::recorded`]. One round.
    ///
    /// # Errors
    /// The round failed: a participant may not have recorded it, so nothing may be released.
    pub fn recorded<T>(&mut self, Verified(result): Verified<T>) -> Result<Recorded<T>, SessionError> {
        self.enter(Phase::RELEASE);
        self.settle()?;
        Ok(Recorded(result))
    }

    /// Verifies every remaining claim and ends the session. Rounds as [`Session::verify_claims`].
    ///
    /// # Errors
    /// A product is wrong, or a round failed: nothing may be released.
    pub fn verify<K>(mut self, outputs: Outputs<K>) -> Result<Unrecorded<N, K>, SessionError> {
        let Verified(outputs) = self.verify_claims(outputs)?;
        Ok(Unrecorded { session: self, outputs })
    }
}

impl<N: Network, K> Unrecorded<N, K> {
    /// Tells the participants that this node has durably recorded for which inputs it releases the outputs, waits until all of
    /// them have said the same, and returns the outputs. One round.
    ///
    /// So before anyone releases anything, every honest participant refuses to compute the same outputs of other inputs, and
    /// any two computations have an honest participant in common
    /// ([`AccessStructure::quorum`](crate::sharing::AccessStructure::quorum)).
    ///
    /// # Errors
    /// The round failed: a participant may not have recorded it, so nothing may be released.
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
    /// Every output with its name, in the order in which they were added.
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

    /// The id of the session that computed the outputs.
    pub fn session(&self) -> Digest {
        self.session
    }

    /// Rounds, bytes and products of the whole session.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }
}
