//! Who may read a job. It is stored beside the job, so that it is known also when the spec is not there any more.

use serde::{Deserialize, Serialize};
use tacit_protocol::codec::decode;
use tacit_protocol::credential::Issuers;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::{JobId, Terms};

use super::{Failure, Store, StoreError, fixed_bytes};

/// Who may read a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Readers {
    /// The name of the buyer, whose token opened the job.
    pub buyer: String,
    /// The buyer's key, which has signed the terms.
    pub buyer_key: PublicKey,
    /// Whether anyone may.
    pub public: bool,
    /// Whether everything is removed except that the job existed.
    pub purged: bool,
    /// Whose people may answer the job, if it names issuers; else whoever is enrolled.
    pub pool: Option<Pool>,
}

/// The people who may answer a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pool {
    /// Who vouches for them.
    pub issuers: Issuers,
    /// When the job closes, in Unix seconds, if it has a time: until then credentials must be valid.
    pub closes_at: Option<u64>,
}

impl Pool {
    /// The people who may answer a job of these checked terms; `None` if it names no issuers.
    pub(super) fn of(terms: &Terms) -> Option<Self> {
        let issuers = terms.issuers.clone()?;
        // Terms that name issuers are refused if their time cannot be read.
        let closes_at = terms.closes_at_seconds().unwrap_or_default();
        Some(Self { issuers, closes_at })
    }
}

impl Store {
    /// Who may read a job, if there is such a job.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn readers_of(&self, id: &JobId) -> Result<Option<Readers>, StoreError> {
        let id = id.clone();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT buyer, buyer_key, public, pool, purged FROM jobs WHERE id = ?1")?;
            let mut rows = query.query([id.as_str()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (key, pool): (Vec<u8>, Option<Vec<u8>>) = (row.get(1)?, row.get(3)?);
            let pool = pool.map(|pool| decode(&pool, "a job's pool").map_err(|error| Failure::damaged(error.to_string())));
            Ok(Some(Readers {
                buyer: row.get(0)?,
                buyer_key: PublicKey::from_bytes(fixed_bytes(&key, "a buyer's key")?),
                public: row.get(2)?,
                purged: row.get(4)?,
                pool: pool.transpose()?,
            }))
        })
        .await
    }

    /// Whether this key is a contributor's that is enrolled.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn is_enrolled(&self, key: PublicKey) -> Result<bool, StoreError> {
        self.read(move |db| {
            Ok(db
                .prepare_cached("SELECT 1 FROM contributors WHERE key = ?1")?
                .exists([key.as_bytes().as_slice()])?)
        })
        .await
    }
}
