//! The newest sealing key of each node, as the node has signed it, so that contributors find it while the node is away.

use rusqlite::OptionalExtension;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::sealing_epoch::SignedEpoch;

use super::{Failure, Store, StoreError};

impl Store {
    /// Keeps a checked statement of the node with this identity key, in place of the one before.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn keep_sealing_epoch(&self, node: PublicKey, signed: SignedEpoch) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut insert = db.prepare_cached("INSERT OR REPLACE INTO sealing_epochs (node, statement) VALUES (?1, ?2)")?;
            insert.execute((node.as_bytes().as_slice(), encode(&signed)))?;
            Ok(())
        })
        .await
    }

    /// The statement that is kept of the node with this identity key; `None` if it was never connected.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn sealing_epoch(&self, node: PublicKey) -> Result<Option<SignedEpoch>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT statement FROM sealing_epochs WHERE node = ?1")?;
            let statement: Option<Vec<u8>> = query.query_row([node.as_bytes().as_slice()], |row| row.get(0)).optional()?;
            let decoded = statement.map(|bytes| decode(&bytes, "a sealing key"));
            decoded.transpose().map_err(|error| Failure::damaged(error.to_string()))
        })
        .await
    }
}
