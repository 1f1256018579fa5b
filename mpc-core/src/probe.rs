//! Where a test can look into a node of its own world, and let it deviate from the protocol.
//!
//! The attack suite turns each check off in turn, to show that the attack the check is there for would succeed without
//! it. It does so through the [`Probe`] that belongs to a [`Network`](crate::network::Network). Production networks have
//! [`Honest`], which has no effect and no size. The trait is sealed, and its one other implementation exists only with the
//! feature `testing`: a session over a production network cannot skip a check, whatever features are on.

use crate::field::Field;
use crate::session::{FoldSchedule, Opening};

/// A check that a node performs on what others send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// All participants were given the same bytes: see [`Setup::agree`](crate::session::Setup::agree).
    Agreed,
    /// All participants have the same session id.
    Session,
    /// All holders of a component have the same key.
    Keys,
    /// Every element has its canonical encoding.
    Canonical,
    /// All holders of a component received the same corrections.
    Corrections,
    /// Every participant has received all earlier messages before a coin or a check is opened.
    Settled,
    /// A coin is an opened random sharing, not a constant.
    Coins,
    /// Values that are opened fit the digests of their other holders.
    Openings,
    /// Inputs are what they must be: see [`Session::open_check`](crate::session::Session::open_check).
    Inputs,
    /// Products are right.
    Products,
}

/// A moment at which a node's values can be observed or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After a stream of shared randomness was expanded.
    Masked,
    /// Before the node reshares its sums of products at a step.
    Reshared {
        /// The step.
        step: u32,
    },
    /// Before the node sends a component of what is opened at a step.
    Sent {
        /// The step.
        step: u32,
        /// The component.
        component: usize,
    },
    /// After values were opened at a step.
    Opened {
        /// The step.
        step: u32,
        /// What was opened.
        opening: Opening,
    },
}

/// What a test may see and change at one node.
pub trait Probe: sealed::Sealed {
    /// Whether [`Self::observe`] does anything.
    const ACTIVE: bool;

    /// Whether the node performs a check.
    fn performs(&self, check: Check) -> bool;

    /// Shows the node's values at a moment; they may be altered.
    fn observe<F: Field>(&self, moment: Moment, values: &mut [F]);

    /// How the node folds claims. All nodes must fold alike.
    fn fold_schedule(&self) -> FoldSchedule;

    /// What the node takes a coin to be, if not what was opened.
    fn foreseen_coin(&self) -> Option<[u8; 32]>;

    /// The elements that the node reads from bytes that are no canonical encoding of any; `None` if it refuses them.
    fn reinterpret<F: Field>(&self, bytes: &[u8]) -> Option<Vec<F>>;
}

/// The probe of every production network: the node follows the protocol.
#[derive(Debug, Clone, Copy, Default)]
pub struct Honest;

impl Probe for Honest {
    const ACTIVE: bool = false;

    fn performs(&self, _: Check) -> bool {
        true
    }

    fn observe<F: Field>(&self, _: Moment, _: &mut [F]) {}

    fn fold_schedule(&self) -> FoldSchedule {
        FoldSchedule::DEFAULT
    }

    fn foreseen_coin(&self) -> Option<[u8; 32]> {
        None
    }

    fn reinterpret<F: Field>(&self, _: &[u8]) -> Option<Vec<F>> {
        None
    }
}

pub(crate) mod sealed {
    /// Only this crate has probes.
    pub trait Sealed {}

    impl Sealed for super::Honest {}
}
