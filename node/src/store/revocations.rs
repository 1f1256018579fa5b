//! The numbers that issuers have revoked. They are asked for at the door, and nowhere else.

use rusqlite::params;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::credential::Revocation;

use super::{Store, StoreError};

impl Store {
    /// Stores a checked revocation. Returns false, and stores nothing, if no job that this node has had names these issuers: anybody can
    /// draw keys and call them issuers.
    pub(crate) fn revoke(&self, revocation: &Revocation) -> Result<bool, StoreError> {
        let issuers = revocation.issuers.digest();
        self.write(|c| {
            let transaction = c.transaction()?;
            let known = transaction
                .prepare_cached("SELECT 1 FROM jobs WHERE issuers = ?1")?
                .exists([issuers.as_bytes()])?;
            if known {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO revoked (issuers, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
                for number in &revocation.serials {
                    insert.execute(params![issuers.as_bytes(), number])?;
                }
            }
            transaction.commit()?;
            Ok(known)
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
