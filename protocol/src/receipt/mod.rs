//! What the nodes certify to each contributor: which of its answers count, what it is paid, and from which numbers that follows.
//!
//! The nodes put one [`Record`] for each contributor, and one for each submission that counts for nobody, into a [`RecordTree`], and each
//! signs its root with a few facts about the job: a [`RootStatement`]. A contributor gets its own records with their paths to the root
//! from the coordinator, and checks them with the cluster file. So neither the coordinator nor as many nodes as may be corrupt can change
//! a number, and who is left out notices it.
//!
//! Each record is hashed with a salt of its own. A path holds hashes of other records only, and without their salts nobody can test a
//! guess of what they say. `docs/security/receipts.md` has the argument.

mod proof;
mod record;
mod salt;
mod statement;
mod tree;

pub use proof::RecordProof;
pub use record::{ContributorRecord, LeftOut, Record, Score, SubmissionRecord};
pub use salt::SaltSeed;
pub use statement::{CertifiedRoot, ReceiptRoot, RootError, RootStatement};
pub use tree::{RecordTree, root_of_path};

#[cfg(test)]
mod tests;
