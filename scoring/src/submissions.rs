//! What a node brings to a computation.

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::Party;
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::submission::{Header, OpenedSubmission};
use tacit_protocol::verdict::Verdict;

use crate::error::ScoringError;

/// What a node brings to a computation: its part of the submissions on the coordinator's list. `entry` is an index in the list.
pub trait Submissions {
    /// What this node says of each entry, in the order of the list: whether it accepts the entry, else why not.
    fn verdicts(&self) -> &[Verdict];

    /// The header of an entry this node accepts; `None` if there is no such header.
    fn header(&self, entry: usize) -> Option<&Header>;

    /// This node's components of an entry it accepts, each of `answers × width` elements with the number of answers that the
    /// list states; `None` if they cannot be opened any more.
    fn open(&self, entry: usize) -> Option<OpenedSubmission>;

    /// Whether this node may release outputs of a set with these facts, by what its operator asks beyond the protocol. Asked before
    /// anything is computed of the answers.
    fn permits(&self, facts: &PublicFacts) -> bool;

    /// Durably records that outputs of the job are about to be released for this set of submissions; false if
    /// they were for another before, or if it cannot be recorded.
    fn record_release(&self, accepted: &Digest) -> bool;

    /// The keys of the job's noise in this node's store, and whether [`Self::record_release`] came after; `None` if there are none.
    ///
    /// # Errors
    /// [`ScoringError::NotRecorded`]: the store fails, or its keys do not open any more. To treat this as "no keys" would draw new noise.
    fn noise_keys(&self, party: &Party) -> Result<Option<OwnKeys>, ScoringError>;

    /// Durably stores the keys of the job's noise; false if others stand in a record, or if they cannot be stored.
    fn store_noise_keys(&self, keys: &StoredKeys) -> bool;
}
