//! What an issuer does: it invites people to a pool, signs what other issuers ask for, revokes, and says how large the pool is.
//!
//! The issuers' keys stay where the issuers are; the files that travel between them hold no secret but the invitations themselves, which
//! go to the people invited.

mod documents;
pub mod invitations;
mod ledger;
pub mod pool;
#[cfg(feature = "command")]
pub mod record;
#[cfg(feature = "command")]
pub mod serve;

pub use documents::{Document, DocumentError, Entry, Request, Signing};
pub use ledger::{Ledger, LedgerError};

#[cfg(test)]
mod tests;
