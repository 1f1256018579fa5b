//! A hook by which a test can observe a node and let it deviate from the protocol.
//!
//! The attack suite turns off one check after another, to show that the attack which the check prevents succeeds without it. It
//! does so through the [`Probe`] of a [`Network`](crate::network::Network). Production networks have [`Honest`], which has no
//! effect and no size. The trait is sealed, and its only other implementation exists only with the feature `testing`. So a
//! session over a production network cannot skip a check, whatever features are enabled.

use crate::field::Field;
use crate::fold_schedule::FoldSchedule;
use crate::opening::Opening;

/// A check that a node performs on what other nodes send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// All participants have the same public bytes: see [`Setup::agree`](crate::session::Setup::agree).
    Agreed,
    /// All participants have the same session id.
    Session,
    /// All holders of a component have the same key.
    Keys,
    /// Keys that a participant has recorded are taken again, and all records are the same: see
    /// [`Session::agree_on_stored_keys`](crate::session::Session::agree_on_stored_keys).
    StoredKeys,
    /// Every element has its canonical encoding.
    Canonical,
    /// All holders of a component received the same corrections.
    Corrections,
    /// Every participant has received all earlier messages before a coin or a check is opened.
    Settled,
    /// A coin is an opened random sharing, not a constant.
    Coins,
    /// Opened values match the digests of their other holders.
    Openings,
    /// Inputs are well-formed: see [`Session::open_check`](crate::session::Session::open_check).
    Inputs,
    /// Products are correct.
    Products,
    /// Reasons that every participant can check for itself are checked, not believed.
    PublicReasons,
    /// A submission is left out only if more participants refuse it than may be corrupt.
    Refusals,
}

/// A moment at which the values of a node can be observed or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A stream of shared randomness was expanded.
    Masked,
    /// The node is about to reshare its part of products.
    Reshared {
        /// The number of the round.
        step: u32,
    },
    /// The node is about to send a component of values that are opened.
    Sent {
        /// The number of the round.
        step: u32,
        /// Which component it is.
        component: usize,
    },
    /// Values were opened.
    Opened {
        /// The number of the round.
        step: u32,
        /// The reason for which they were opened.
        opening: Opening,
    },
}

/// What a test can observe and change at one node.
pub trait Probe: sealed::Sealed {
    /// Whether [`Self::observe`] does anything.
    const ACTIVE: bool;

    /// Whether the node performs a check.
    fn performs(&self, check: Check) -> bool;

    /// Shows the values of the node at a moment. The probe may change them.
    fn observe<F: Field>(&self, moment: Moment, values: &mut [F]);

    /// The schedule by which the node folds claims. All nodes must use the same one.
    fn fold_schedule(&self) -> FoldSchedule;

    /// The value that the node uses for every coin, instead of the opened one.
    fn foreseen_coin(&self) -> Option<[u8; 32]>;

    /// The elements that the node decodes from bytes that are no canonical encoding; `None` if it refuses them.
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
    /// Keeps other crates from implementing [`Probe`](super::Probe).
    #[expect(unnameable_types, reason = "that other crates cannot name it is its purpose")]
    pub trait Sealed {}

    impl Sealed for super::Honest {}
}
