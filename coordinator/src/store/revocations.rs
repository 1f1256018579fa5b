//! The numbers that issuers have revoked, and the signed lists that say so, which nodes get too.

use rusqlite::OptionalExtension;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::credential::Revocation;

use super::{Failure, Store, StoreError, fixed_bytes};

impl Store {
    /// Stores a checked revocation. Returns how many numbers of the pool are revoked now; `None`, and nothing is stored, if no job here
    /// names these issuers: anybody can draw keys and call them issuers.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn revoke(&self, revocation: Revocation) -> Result<Option<u64>, StoreError> {
        self.write(move |db| {
            let issuers = revocation.issuers.digest();
            let issuers = issuers.as_bytes().as_slice();
            if !db.prepare_cached("SELECT 1 FROM jobs WHERE issuers = ?1")?.exists([issuers])? {
                return Ok(None);
            }
            let list = encode(&revocation);
            let digest = Digest::of("tacit/v1 revocation list", &[&list]);
            db.execute(
                "INSERT INTO revocations (issuers, digest, list) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                (issuers, digest.as_bytes().as_slice(), &list),
            )?;
            let mut insert = db.prepare_cached("INSERT INTO revoked (issuers, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
            for number in &revocation.serials {
                insert.execute((issuers, number))?;
            }
            let numbers: i64 = db.query_row("SELECT COUNT(*) FROM revoked WHERE issuers = ?1", [issuers], |row| row.get(0))?;
            Ok(Some(super::from_db(numbers)))
        })
        .await
    }

    /// Whether the issuers of this digest have revoked this number.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn is_revoked(&self, issuers: Digest, number: u32) -> Result<bool, StoreError> {
        self.read(move |db| {
            Ok(db
                .prepare_cached("SELECT 1 FROM revoked WHERE issuers = ?1 AND number = ?2")?
                .exists((issuers.as_bytes().as_slice(), number))?)
        })
        .await
    }

    /// The digests of the revocations of the issuers of this digest.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn revocations(&self, issuers: Digest) -> Result<Vec<Digest>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT digest FROM revocations WHERE issuers = ?1")?;
            let mut rows = query.query([issuers.as_bytes().as_slice()])?;
            let mut digests = Vec::new();
            while let Some(row) = rows.next()? {
                let digest: Vec<u8> = row.get(0)?;
                digests.push(Digest::from_bytes(fixed_bytes(&digest, "a revocation's digest")?));
            }
            Ok(digests)
        })
        .await
    }

    /// The revocation of this digest; `None` if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn revocation(&self, digest: Digest) -> Result<Option<Revocation>, StoreError> {
        self.read(move |db| {
            let list: Option<Vec<u8>> = db
                .query_row(
                    "SELECT list FROM revocations WHERE digest = ?1",
                    [digest.as_bytes().as_slice()],
                    |row| row.get(0),
                )
                .optional()?;
            list.map(|list| decode(&list, "a revocation").map_err(|error| Failure::damaged(error.to_string())))
                .transpose()
        })
        .await
    }
}
