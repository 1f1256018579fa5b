//! The check of all claims of a session, in all fields at once.
//!
//! A malicious node can add an error of its choice to a product and nothing more, because its messages are masked by shared
//! randomness. All claims `z = <x, y>` of a field are combined into one by random weights, the one is folded until it is short,
//! and the short one is opened behind a random pair: see [`super::proof`]. All fields use the same rounds and the same coins.
//!
//! Coins are drawn interactively, never derived from a transcript: in a field of 61 bits a prover could try hash challenges
//! offline until one suits it.

use super::bit_proof::BitProof;
use super::claims::{BitClaim, Claims};
use super::error::SessionError;
use super::proof::{Proof, Prover};
use super::reshare::Resharing;
use super::state::Session;
use crate::field::{Field, Gf64};
use crate::network::{Network, Step};
use crate::opening::Opening;
use crate::probe::Check;
use crate::sharing::{Party, Shared};
use zeroize::Zeroizing;

/// The proof over GF(2^64), which the claims about products of bits join once they have become one claim.
struct ProofWithBits {
    party: Party,
    bits: BitStage,
    proof: Proof<Gf64>,
}

/// The state of the claims about products of bits.
enum BitStage {
    /// They have no weights: wait for a coin.
    Claimed(Vec<BitClaim>),
    /// The values of `h` at further points are being reshared.
    Resharing(BitProof),
    /// These values are fixed: wait for a coin.
    Fixed(BitProof, Shared<Gf64>),
    /// There were none, or they have become a claim of the proof.
    Done,
}

impl ProofWithBits {
    fn of(party: &Party, bits: Vec<BitClaim>, proof: Proof<Gf64>) -> Self {
        let any = bits.iter().any(|claim| !claim.z.is_empty());
        Self {
            party: party.clone(),
            bits: if any { BitStage::Claimed(bits) } else { BitStage::Done },
            proof,
        }
    }
}

impl Prover<Gf64> for ProofWithBits {
    fn is_ready(&self) -> bool {
        matches!(self.bits, BitStage::Done) && self.proof.is_ready()
    }

    fn challenge<N: Network>(&mut self, session: &mut Session<N>, coin: &[u8; 32]) -> Result<Vec<Gf64>, SessionError> {
        match std::mem::replace(&mut self.bits, BitStage::Done) {
            BitStage::Claimed(claims) => {
                let proof = BitProof::new(claims, coin);
                let own = proof.own_further_values(&self.party);
                self.bits = BitStage::Resharing(proof);
                return Ok(own);
            }
            BitStage::Fixed(proof, further) => self.proof.add(proof.claim(&self.party, &further, BitProof::point(coin))),
            stage => self.bits = stage,
        }
        self.proof.challenge(session, coin)
    }

    fn answer(&mut self, computed: Shared<Gf64>) {
        match std::mem::replace(&mut self.bits, BitStage::Done) {
            BitStage::Resharing(proof) => self.bits = BitStage::Fixed(proof, computed),
            stage => {
                self.bits = stage;
                self.proof.answer(computed);
            }
        }
    }

    fn ends(self) -> Option<Shared<Gf64>> {
        self.proof.ends()
    }
}

/// The check of one field, whichever it is.
trait FieldCheck<N: Network> {
    fn is_ready(&self) -> bool;

    /// Continues with a coin, and computes what is to be reshared.
    fn challenge(&mut self, session: &mut Session<N>, coin: &[u8; 32]) -> Result<(), SessionError>;

    /// This node's correction in round `step`; may be empty.
    fn begin(&mut self, session: &mut Session<N>, step: Step) -> Result<Zeroizing<Vec<u8>>, SessionError>;

    /// Takes the corrections of other nodes in round `step`.
    fn end(&mut self, session: &mut Session<N>, step: Step, received: &[(usize, &[u8])]) -> Result<(), SessionError>;

    /// Opens the ends of the proof and compares them.
    fn open_ends(self: Box<Self>, session: &mut Session<N>) -> Result<(), SessionError>;
}

struct InField<F: Field, P> {
    prover: P,
    own: Vec<F>,
    resharing: Option<Resharing<F>>,
}

impl<F: Field, P> InField<F, P> {
    fn boxed(prover: P) -> Box<Self> {
        Box::new(Self {
            prover,
            own: Vec::new(),
            resharing: None,
        })
    }
}

impl<F: Field, N: Network, P: Prover<F>> FieldCheck<N> for InField<F, P> {
    fn is_ready(&self) -> bool {
        self.prover.is_ready()
    }

    fn challenge(&mut self, session: &mut Session<N>, coin: &[u8; 32]) -> Result<(), SessionError> {
        self.own = self.prover.challenge(session, coin)?;
        Ok(())
    }

    fn begin(&mut self, session: &mut Session<N>, step: Step) -> Result<Zeroizing<Vec<u8>>, SessionError> {
        let resharing = Resharing::begin(session, step, std::mem::take(&mut self.own))?;
        let correction = Zeroizing::new(resharing.correction().to_vec());
        self.resharing = Some(resharing);
        Ok(correction)
    }

    fn end(&mut self, session: &mut Session<N>, step: Step, received: &[(usize, &[u8])]) -> Result<(), SessionError> {
        if let Some(resharing) = self.resharing.take() {
            let computed = resharing.end(session, step, received)?;
            self.prover.answer(computed);
        }
        Ok(())
    }

    fn open_ends(self: Box<Self>, session: &mut Session<N>) -> Result<(), SessionError> {
        let Some(ends) = self.prover.ends() else { return Ok(()) };
        match session.open(&ends, Opening::ProductCheck)?.as_slice() {
            [f, g, h] if *f * *g == *h || !session.performs(Check::Products) => Ok(()),
            _ => Err(SessionError::WrongProduct {
                phase: session.phase,
                suspects: session.party.present().without(session.party.me()),
            }),
        }
    }
}

impl Claims {
    /// The check of each field, in the order in which all nodes perform them.
    fn into_checks<N: Network>(self, party: &Party) -> Vec<Box<dyn FieldCheck<N>>> {
        vec![
            InField::boxed(Proof::of(self.fp61)),
            InField::boxed(ProofWithBits::of(party, self.bits, Proof::of(self.gf64))),
        ]
    }
}

impl<N: Network> Session<N> {
    /// Verifies all claims. A wrong one survives in its field with a probability below
    /// `(1 + Σ over levels of (2k - 2) + 2·(open_at_most + 1)) / (|F| - 2k)`, where `open_at_most` is that of the
    /// [`FoldSchedule`](super::FoldSchedule).
    ///
    /// Claims about products of bits first become one claim over GF(2^64), which adds `2 + 126` to the sum. The check takes
    /// two rounds, three more for each level of the field with the most levels, and an opening for each field.
    pub(super) fn check_claims(&mut self, claims: Claims) -> Result<(), SessionError> {
        let mut checks = claims.into_checks(&self.party);
        while !checks.iter().all(|check| check.is_ready()) {
            // All nodes settle before a coin is opened: the messages that it decides about are fixed.
            let coin = self.coin()?;
            for check in &mut checks {
                check.challenge(self, &coin)?;
            }
            self.reshare_all(&mut checks)?;
        }
        // All nodes had settled before the last coin: what is opened now depends on the same corrections everywhere.
        // Otherwise differing corrections could turn errors into products with secrets.
        checks.into_iter().try_for_each(|check| check.open_ends(self))
    }

    /// Reshares the values of all fields in one round: their corrections are sent one after the other in one message.
    fn reshare_all(&mut self, checks: &mut [Box<dyn FieldCheck<N>>]) -> Result<(), SessionError> {
        let step = self.next_step();
        let mut corrections = Vec::with_capacity(checks.len());
        for check in &mut *checks {
            corrections.push(check.begin(self, step)?);
        }
        let lengths: Vec<usize> = corrections.iter().map(|correction| correction.len()).collect();
        let message = Zeroizing::new(
            corrections
                .iter()
                .map(|correction| correction.as_slice())
                .collect::<Vec<_>>()
                .concat(),
        );
        drop(corrections);
        let received = self.exchange_corrections(step, &message)?;
        let mut start = 0;
        for (check, len) in checks.iter_mut().zip(lengths) {
            let range = start..start + len;
            start += len;
            let of_field: Vec<(usize, &[u8])> = received.iter().map(|(from, bytes)| (*from, &bytes[range.clone()])).collect();
            check.end(self, step, &of_field)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
