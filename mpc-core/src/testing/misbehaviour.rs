//! A node that deviates from the protocol, or shows a test what it sees.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::field::{Field, Fp61, Gf64};
use crate::fold_schedule::FoldSchedule;
use crate::opening::Opening;
use crate::probe::{Check, Moment, Probe, sealed};

/// The value of every coin at a node that skips [`Check::Coins`].
pub const FORESEEN_COIN: [u8; 32] = [1; 32];

/// Observes the values of a node, and may change those that are mutable.
pub type Tamper = Arc<dyn Fn(Observed<'_>) + Send + Sync>;

/// How a node in a test deviates from the protocol; by default not at all.
#[derive(Clone, Default)]
pub struct Misbehaviour {
    /// The checks that it skips.
    pub skipped: Vec<Check>,
    /// Changes its values. The node continues with the changed values as if they were right.
    pub tamper: Option<Tamper>,
    /// Its schedule for folding claims, if not the default. All nodes must use the same one.
    pub fold_schedule: Option<FoldSchedule>,
    /// Whether it uses zeros instead of shared randomness.
    pub zero_masks: bool,
}

/// The values of a node at one [`Moment`]. The first field of each variant is the number of the round.
pub enum Observed<'a> {
    /// Its part of products in F_p, or of their check, that it is about to reshare.
    Products(u32, &'a mut [Fp61]),
    /// Its part of products of bits, or of their check, that it is about to reshare.
    Words(u32, &'a mut [Gf64]),
    /// The values of a component (second field) that are about to be opened.
    Opening(u32, usize, &'a mut [Fp61]),
    /// The same for words.
    OpeningWords(u32, usize, &'a mut [Gf64]),
    /// Opened values, with the reason for which they were opened.
    Opened(u32, Opening, &'a [Fp61]),
    /// The same for words.
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
