//! What an issuer does: it invites people to a pool, signs what other issuers ask for, revokes, and says how large the pool is.
//!
//! The issuers' keys stay where the issuers are; the files that travel between them hold no secret but the invitations themselves, which
//! go to the people invited.

mod documents;
mod invitations;
mod ledger;
mod pool;
#[cfg(feature = "command")]
pub mod record;
#[cfg(feature = "command")]
pub mod serve;

pub use documents::{Document, DocumentError, Entry, Request, Signing};
pub use invitations::{Invited, InvitedError, extend, merge, people, read, remove_unfinished, write};
pub use ledger::{Ledger, LedgerError};
pub use pool::{PoolError, alone, load, sorted};

#[cfg(test)]
mod tests;
