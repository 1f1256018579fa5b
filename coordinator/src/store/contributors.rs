//! Enrolled contributors. A name belongs to one key, and a key to one name.

use rusqlite::{Connection, OptionalExtension};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::name::Look;

use super::{Failure, Store, StoreError, fixed_bytes, now};

/// The outcome of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enrolled {
    /// The contributor is enrolled now.
    New,
    /// The same name and key were enrolled before.
    Before,
    /// The coordinator enrols no new contributors.
    Closed,
    /// The name belongs to another key.
    NameTaken,
    /// The name looks like this one, which belongs to another key.
    LooksLike(String),
    /// The key belongs to this other name.
    KeyTaken(String),
}

impl Store {
    /// Enrols a contributor; a new one only if `open`.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn enrol(&self, name: String, key: PublicKey, open: bool) -> Result<Enrolled, StoreError> {
        self.write(move |db| {
            // First what the key has: to its owner that says more than who else has the name.
            let named: Option<String> = db
                .query_row("SELECT name FROM contributors WHERE key = ?1", [key.as_bytes().as_slice()], |row| {
                    row.get(0)
                })
                .optional()?;
            if let Some(named) = named {
                return Ok(if named == name {
                    Enrolled::Before
                } else {
                    Enrolled::KeyTaken(named)
                });
            }
            let is_taken: bool = db.query_row("SELECT EXISTS (SELECT 1 FROM contributors WHERE name = ?1)", [&name], |row| {
                row.get(0)
            })?;
            if is_taken {
                return Ok(Enrolled::NameTaken);
            }
            if !open {
                return Ok(Enrolled::Closed);
            }
            let look = Look::of(&name).to_string();
            let like: Option<String> = db
                .query_row("SELECT name FROM contributors WHERE look = ?1", [&look], |row| row.get(0))
                .optional()?;
            if let Some(like) = like {
                return Ok(Enrolled::LooksLike(like));
            }
            db.execute(
                "INSERT INTO contributors (name, key, enrolled_at, look) VALUES (?1, ?2, ?3, ?4)",
                (&name, key.as_bytes().as_slice(), now(), &look),
            )?;
            Ok(Enrolled::New)
        })
        .await
    }
}

/// The key that belongs to a name.
pub(super) fn enrolled_key(db: &Connection, name: &str) -> Result<Option<PublicKey>, Failure> {
    let key: Option<Vec<u8>> = db
        .prepare_cached("SELECT key FROM contributors WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    key.map(|key| Ok(PublicKey::from_bytes(fixed_bytes(&key, "a contributor's key")?)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_and_keys_are_bound_to_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_unwatched(folder.path()).unwrap();
        let key = |byte| PublicKey::from_bytes([byte; 32]);
        let enrol = |name: &str, byte, open| store.enrol(name.to_owned(), key(byte), open);
        assert_eq!(enrol("ada", 1, true).await.unwrap(), Enrolled::New);
        assert_eq!(enrol("ada", 1, false).await.unwrap(), Enrolled::Before);
        assert_eq!(enrol("ada", 2, true).await.unwrap(), Enrolled::NameTaken);
        assert_eq!(enrol("bob", 1, true).await.unwrap(), Enrolled::KeyTaken("ada".to_owned()));
        assert_eq!(enrol("bob", 2, true).await.unwrap(), Enrolled::New);
        assert_eq!(enrol("bob", 1, true).await.unwrap(), Enrolled::KeyTaken("ada".to_owned()));
        let ada = || Enrolled::LooksLike("ada".to_owned());
        // With Cyrillic letters; the same key again under its name is no matter.
        assert_eq!(enrol("\u{430}da", 4, true).await.unwrap(), ada());
        assert_eq!(enrol("ad\u{251}", 4, true).await.unwrap(), ada());
        assert_eq!(enrol("Ada", 3, true).await.unwrap(), Enrolled::New);
        assert_eq!(enrol("cy", 4, false).await.unwrap(), Enrolled::Closed);
        let keys = store.read(|db| Ok((enrolled_key(db, "ada")?, enrolled_key(db, "bob")?)));
        assert_eq!(keys.await.unwrap(), (Some(key(1)), Some(key(2))));
    }
}
