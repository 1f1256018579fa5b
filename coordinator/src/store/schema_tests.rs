//! Stores of earlier and later releases.

use super::*;
use rusqlite::params;
use tacit_protocol::api::JobState;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::JobId;

/// The digests of the migrations that releases have: none of these is ever changed.
const FROZEN: [&str; 1] = ["46fc5aa6cb0c9ffd1c343edb9b5faf1c392121466fe74d71c10cb83ad1fbf3ed"];

/// What a later release could add.
const NEXT: &str = "
ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT 'none';
CREATE TABLE notes (job INTEGER PRIMARY KEY REFERENCES jobs, note TEXT NOT NULL) STRICT;
INSERT INTO notes SELECT number, name FROM jobs;
";

/// A store of version 1 with a contributor, a job and what belongs to it.
fn first(folder: &Path) -> JobId {
    let db = Connection::open(folder.join("coordinator.sqlite")).unwrap();
    db.execute_batch(schema::MIGRATIONS[0]).unwrap();
    let (cluster, digest) = (Digest::of("cluster", &[]), Digest::of("job", &[]));
    db.execute("INSERT INTO contributors VALUES ('ada', ?1, 5)", [&[1u8; 32]]).unwrap();
    db.execute(
        "INSERT INTO jobs (number, id, cluster, buyer, name, digest, items, answers_per_item, state, submissions, answers, created_at, changed_at)
         VALUES (1, 'signs', ?1, 'first', 'Signs', ?2, 3, 2, 'computing', 1, 3, 5, 6)",
        params![cluster.as_bytes(), digest.as_bytes()],
    )
    .unwrap();
    db.execute("INSERT INTO specs VALUES (1, x'7b7d')", []).unwrap();
    db.execute(
        "INSERT INTO submissions VALUES (1, 0, ?1, x'00', ?2, 3, 'receipt', 5, x'01')",
        params![&[7u8; 16], digest.as_bytes()],
    )
    .unwrap();
    for node in 0..3 {
        db.execute("INSERT INTO envelopes VALUES (1, ?1, 0, x'02')", [node]).unwrap();
        db.execute("INSERT INTO deliveries VALUES (1, ?1, 1, ?1)", [node]).unwrap();
    }
    db.pragma_update(None, "user_version", 1).unwrap();
    "signs".parse().unwrap()
}

async fn assert_whole(store: &Store, id: &JobId) {
    let row = store.job(id).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.state, row.submissions), ("Signs", JobState::Computing, 1));
    assert_eq!(store.spec(id).await.unwrap().unwrap(), b"{}");
    assert_eq!(store.deliveries(id).await.unwrap(), [(true, 0), (true, 1), (true, 2)]);
    let again = store.enrol("ada".to_owned(), PublicKey::from_bytes([1; 32]), false).await.unwrap();
    assert_eq!(again, Enrolled::Before);
}

fn tables(folder: &Path) -> (i64, Vec<String>) {
    let db = Connection::open(folder.join("coordinator.sqlite")).unwrap();
    let version = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let mut query = db
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    let tables = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    (version, tables)
}

#[test]
fn migrations_of_releases_are_never_changed() {
    let digests: Vec<String> = schema::MIGRATIONS
        .iter()
        .map(|sql| Digest::of("schema", &[sql.as_bytes()]).to_string())
        .collect();
    assert_eq!(digests[..FROZEN.len()], FROZEN);
}

#[tokio::test]
async fn a_store_of_an_earlier_release_is_taken_forward_whole() {
    let folder = tempfile::tempdir().unwrap();
    let id = first(folder.path());
    let later = [&schema::MIGRATIONS[..1], &[NEXT]].concat();
    let store = Store::open_unwatched_with(folder.path(), &later).unwrap();
    assert_whole(&store, &id).await;
    let note: String = store
        .read(|db| {
            Ok(
                db.query_row("SELECT notes.note || jobs.note FROM notes JOIN jobs ON job = number", [], |row| {
                    row.get(0)
                })?,
            )
        })
        .await
        .unwrap();
    assert_eq!(note, "Signsnone");
    drop(store);
    assert_eq!(tables(folder.path()).0, 2);
    // And once only.
    drop(Store::open_unwatched_with(folder.path(), &later).unwrap());

    // This release does not know that schema, whichever way it looks.
    let refused = Store::open_unwatched_with(folder.path(), &later[..1]).err().unwrap();
    assert!(matches!(refused, StoreError::Newer { found: 2, known: 1, .. }), "{refused}");
    let line = refused.to_string();
    assert!(
        line.contains("coordinator.sqlite") && line.contains("run the release that made it"),
        "{line}"
    );
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let id = first(folder.path());
    let before = tables(folder.path());
    let broken = [
        &schema::MIGRATIONS[..1],
        &[NEXT, "DELETE FROM specs; INSERT INTO nowhere VALUES (1);"],
    ]
    .concat();
    let error = Store::open_unwatched_with(folder.path(), &broken).err().unwrap();
    assert!(matches!(error, StoreError::Migration { found: 1, known: 3, .. }), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert_eq!(tables(folder.path()), before);
    assert_whole(&Store::open_unwatched(folder.path()).unwrap(), &id).await;
}
