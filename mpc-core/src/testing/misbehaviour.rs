//! A node that deviates from the protocol, or tells a test what it sees.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::field::{Field, Fp61, Gf64};
use crate::probe::{Check, Moment, Probe, sealed};
use crate::session::{FoldSchedule, Opening};

/// What every coin is for a node that skips [`Check::Coins`].
pub const FORESEEN_COIN: [u8; 32] = [1; 32];

/// Sees, and may alter, a node's values.
pub type Tamper = Arc<dyn Fn(Observed<'_>) + Send + Sync>;

/// What a node of a test does otherwise than the protocol says; by default nothing.
#[derive(Clone, Default)]
pub struct Misbehaviour {
    /// The checks it skips.
    pub skipped: Vec<Check>,
    /// Alters its values; the node goes on with them as if they were right.
    pub tamper: Option<Tamper>,
    /// How it folds claims, if not by default: all nodes alike.
    pub fold_schedule: Option<FoldSchedule>,
    /// It takes all shared randomness to be 0.
    pub zero_masks: bool,
}

/// The values of a node at one [`Moment`].
pub enum Observed<'a> {
    /// The sums of products it reshares at a step.
    Products(u32, &'a mut [Fp61]),
    /// Words of bit products, or of their check, that it reshares at a step.
    Words(u32, &'a mut [Gf64]),
    /// A component of what is opened at a step: step, component, values.
    Opening(u32, usize, &'a mut [Fp61]),
    /// A component of words that are opened at a step.
    OpeningWords(u32, usize, &'a mut [Gf64]),
    /// What was opened at a step.
    Opened(u32, Opening, &'a [Fp61]),
    /// Words that were opened at a step.
    OpenedWords(u32, Opening, &'a [Gf64]),
}

impl sealed::Sealed for Misbehaviour {}

impl Probe for Misbehaviour {
    const ACTIVE: bool = true;

    fn performs(&self, check: Check) -> bool {
        !self.skipped.contains(&check)
    }

    fn observe<F: Field>(&self, moment: Moment, values: &mut [F]) {
        if moment == Moment::Masked {
            if self.zero_masks {
                values.fill(F::ZERO);
            }
            return;
        }
        let Some(tamper) = &self.tamper else { return };
        let mut copy = values.to_vec();
        let any = &mut copy as &mut dyn Any;
        if let Some(numbers) = any.downcast_mut::<Vec<Fp61>>() {
            tamper(match moment {
                Moment::Masked => return,
                Moment::Reshared { step } => Observed::Products(step, numbers),
                Moment::Sent { step, component } => Observed::Opening(step, component, numbers),
                Moment::Opened { step, opening } => Observed::Opened(step, opening, numbers),
            });
        } else if let Some(words) = any.downcast_mut::<Vec<Gf64>>() {
            tamper(match moment {
                Moment::Masked => return,
                Moment::Reshared { step } => Observed::Words(step, words),
                Moment::Sent { step, component } => Observed::OpeningWords(step, component, words),
                Moment::Opened { step, opening } => Observed::OpenedWords(step, opening, words),
            });
        }
        values.copy_from_slice(&copy);
    }

    fn fold_schedule(&self) -> FoldSchedule {
        self.fold_schedule.unwrap_or(FoldSchedule::DEFAULT)
    }

    fn foreseen_coin(&self) -> Option<[u8; 32]> {
        self.skipped.contains(&Check::Coins).then_some(FORESEEN_COIN)
    }

    fn reinterpret<F: Field>(&self, bytes: &[u8]) -> Option<Vec<F>> {
        if !self.skipped.contains(&Check::Canonical) {
            return None;
        }
        let (words, _) = bytes.as_chunks();
        let reduced: Vec<Fp61> = words.iter().map(|word| Fp61::reduce(u64::from_le_bytes(*word))).collect();
        (&reduced as &dyn Any).downcast_ref::<Vec<F>>().cloned()
    }
}

impl fmt::Debug for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Misbehaviour(skips {:?}, tampers: {})", self.skipped, self.tamper.is_some())
    }
}
