//! The numbers that issuers have revoked. They are asked for at the door, and nowhere else.

use rusqlite::params;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::credential::Revocation;

use super::{Store, StoreError};

/// How many numbers the issuers of a pool can revoke at one node.
const MOST_NUMBERS: i64 = 1_000_000;

/// What came of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// Its numbers are stored.
    Stored,
    /// No open job names these issuers: anybody can draw keys and call them issuers.
    Unknown,
    /// With it, they would have revoked more numbers than a node stores.
    Full,
}

impl Store {
    /// Stores the numbers of a checked revocation that are new, all or none.
    pub(crate) fn revoke(&self, revocation: &Revocation) -> Result<Revoked, StoreError> {
        let issuers = revocation.issuers.digest();
        self.write(|c| {
            let transaction = c.transaction()?;
            let known = transaction
                .prepare_cached("SELECT 1 FROM jobs WHERE issuers = ?1 AND ended IS NULL")?
                .exists([issuers.as_bytes()])?;
            if !known {
                return Ok(Revoked::Unknown);
            }
            let mut new = 0;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO revoked (issuers, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
                for number in &revocation.serials {
                    new += insert.execute(params![issuers.as_bytes(), number])?;
                }
            }
            if new == 0 {
                return Ok(Revoked::Stored);
            }
            let stored: i64 = transaction
                .prepare_cached("SELECT COUNT(*) FROM revoked WHERE issuers = ?1")?
                .query_row([issuers.as_bytes()], |row| row.get(0))?;
            if stored > MOST_NUMBERS {
                // What was inserted is rolled back.
                return Ok(Revoked::Full);
            }
            transaction.commit()?;
            Ok(Revoked::Stored)
        })
    }

    /// Whether the issuers of this digest have revoked this number.
    pub(crate) fn is_revoked(&self, issuers: &Digest, number: u32) -> Result<bool, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT 1 FROM revoked WHERE issuers = ?1 AND number = ?2")?
                .exists(params![issuers.as_bytes(), number])
        })
    }
}
