//! Stores of this release, of older and newer ones, and of other programs.

use super::*;

const FIRST: &str = "CREATE TABLE jobs (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;";

/// What a later release could add.
const SECOND: &str = "
    ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT 'none';
    CREATE TABLE notes (job INTEGER PRIMARY KEY REFERENCES jobs, note TEXT NOT NULL) STRICT;
    INSERT INTO notes SELECT number, name FROM jobs;
";

const BROKEN: &str = "UPDATE jobs SET name = 'lost'; CREATE TABLE more (x); INSERT INTO nowhere VALUES (1);";

fn schema(migrations: &'static [&'static str]) -> Schema {
    Schema {
        file_name: "test.sqlite",
        migrations,
        page_size: None,
        exclusive: false,
    }
}

fn open(folder: &Path, migrations: &'static [&'static str]) -> Result<(StoreFile, Connection), DatabaseError> {
    StoreFile::open(folder, schema(migrations))
}

/// A store of the first version with one job.
fn first_version(folder: &Path) {
    let (_file, connection) = open(folder, &[FIRST]).unwrap();
    connection.execute("INSERT INTO jobs VALUES (1, 'signs')", []).unwrap();
}

fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join("test.sqlite")).unwrap()
}

fn tables(folder: &Path) -> (i64, Vec<String>) {
    let connection = raw(folder);
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let mut query = connection.prepare(sql).unwrap();
    let tables = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    (version, tables)
}

fn name_of(connection: &Connection) -> String {
    connection.query_row("SELECT name FROM jobs", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_store_of_an_older_release_is_migrated_whole_and_once() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path());
    for _ in 0..2 {
        let (_file, connection) = open(folder.path(), &[FIRST, SECOND]).unwrap();
        let sql = "SELECT notes.note || jobs.note FROM notes JOIN jobs ON job = number";
        let note: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!((name_of(&connection), note), ("signs".to_owned(), "signsnone".to_owned()));
    }
    // It has become what a new store is.
    let new = tempfile::tempdir().unwrap();
    drop(open(new.path(), &[FIRST, SECOND]).unwrap());
    assert_eq!(tables(folder.path()), tables(new.path()));
}

#[test]
fn what_was_deleted_before_a_crash_is_in_no_file_after_the_next_start() {
    const SECRET: &[u8] = b"an answer that was deleted";
    let bytes = |folder: &Path| -> Vec<u8> {
        let files = std::fs::read_dir(folder).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    };
    let holds = |folder: &Path| bytes(folder).windows(SECRET.len()).any(|window| window == SECRET);
    let (folder, after_crash) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_file, connection) = open(folder.path(), &[FIRST]).unwrap();
    connection
        .execute("INSERT INTO jobs VALUES (1, ?1)", [std::str::from_utf8(SECRET).unwrap()])
        .unwrap();
    connection.execute("DELETE FROM jobs", []).unwrap();
    // As a crash leaves the files: nothing has emptied the log.
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), after_crash.path().join(file.file_name())).unwrap();
    }
    assert!(holds(after_crash.path()));
    let opened = open(after_crash.path(), &[FIRST]).unwrap();
    assert!(!holds(after_crash.path()));
    drop(opened);
}

#[test]
fn a_log_that_somebody_reads_is_no_reason_not_to_start() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path());
    let mut reader = raw(folder.path());
    let reading = reader.transaction().unwrap();
    assert_eq!(name_of(&reading), "signs");
    let (_file, connection) = open(folder.path(), &[FIRST]).unwrap();
    connection.execute("UPDATE jobs SET name = 'other'", []).unwrap();
    assert_eq!(name_of(&reading), "signs");
}

#[test]
fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path());
    let before = tables(folder.path());
    let error = open(folder.path(), &[FIRST, SECOND, BROKEN]).unwrap_err();
    assert!(matches!(error, DatabaseError::Migration { found: 1, known: 3, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("test.sqlite") && text.contains("nowhere"), "{text}");
    assert_eq!(tables(folder.path()), before);
    assert_eq!(name_of(&open(folder.path(), &[FIRST]).unwrap().1), "signs");
}

#[test]
fn a_newer_schema_is_refused_by_opening_and_inspecting() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &[FIRST, SECOND]).unwrap());
    let error = open(folder.path(), &[FIRST]).unwrap_err();
    assert!(matches!(error, DatabaseError::Newer { found: 2, known: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("test.sqlite") && text.contains("run the release that made it"),
        "{text}"
    );
    assert_eq!(inspect(folder.path(), schema(&[FIRST])).unwrap_err(), error);
    raw(folder.path()).pragma_update(None, "user_version", -1).unwrap();
    let error = open(folder.path(), &[FIRST]).unwrap_err();
    assert!(matches!(error, DatabaseError::Newer { found: -1, .. }), "{error}");
}

#[test]
fn a_store_with_other_tables_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE jobs (number INTEGER PRIMARY KEY); PRAGMA user_version = 1;";
    raw(folder.path()).execute_batch(sql).unwrap();
    let before = tables(folder.path());
    for error in [
        open(folder.path(), &[FIRST]).unwrap_err(),
        inspect(folder.path(), schema(&[FIRST])).unwrap_err(),
    ] {
        assert!(
            matches!(&error, DatabaseError::Other { missing, .. } if missing == "jobs.name"),
            "{error}"
        );
    }
    assert_eq!(tables(folder.path()), before);

    // Tables of an unversioned file are in the way of the first step.
    raw(folder.path()).pragma_update(None, "user_version", 0).unwrap();
    let error = open(folder.path(), &[FIRST]).unwrap_err();
    assert!(matches!(error, DatabaseError::Migration { found: 0, .. }), "{error}");
    let junk = tempfile::tempdir().unwrap();
    std::fs::write(
        junk.path().join("test.sqlite"),
        "not a database, but longer than a header: ".repeat(4),
    )
    .unwrap();
    for error in [
        open(junk.path(), &[FIRST]).unwrap_err(),
        inspect(junk.path(), schema(&[FIRST])).unwrap_err(),
    ] {
        assert!(matches!(error, DatabaseError::Open { .. }), "{error}");
    }
}

#[test]
fn a_folder_belongs_to_one_process() {
    for exclusive in [false, true] {
        let schema = Schema {
            exclusive,
            page_size: Some(32 << 10),
            ..schema(&[FIRST])
        };
        let folder = tempfile::tempdir().unwrap();
        assert!(!inspect(&folder.path().join("none"), schema).unwrap().in_use);
        assert!(!inspect(folder.path(), schema).unwrap().in_use);
        let (file, connection) = StoreFile::open(folder.path(), schema).unwrap();
        let bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
        assert_eq!(bytes, 32 << 10);
        let second = StoreFile::open(folder.path(), schema).unwrap_err();
        assert!(matches!(second, DatabaseError::InUse { .. }), "{second}");
        assert!(second.to_string().contains("test.sqlite is in use by another process"), "{second}");
        let running = inspect(folder.path(), schema).unwrap();
        assert!(running.in_use && running.connection.is_none() == exclusive);
        let other = raw(folder.path());
        other.busy_timeout(Duration::ZERO).unwrap();
        let written = other.execute("INSERT INTO jobs VALUES (1, 'theirs')", []);
        match written {
            Ok(_) => assert!(!exclusive),
            Err(error) => assert!(
                exclusive && matches!(DatabaseError::in_query(file.path(), &error), DatabaseError::InUse { .. }),
                "{error}"
            ),
        }
        drop((connection, file, other));
        let stopped = inspect(folder.path(), schema).unwrap();
        assert!(!stopped.in_use && stopped.connection.is_some());
        drop(stopped);
        drop(StoreFile::open(folder.path(), schema).unwrap());
    }
}

#[test]
fn a_file_in_place_of_the_folder_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::write(&data, "a file").unwrap();
    let error = inspect(&data, schema(&[FIRST])).unwrap_err();
    assert!(
        matches!(error, DatabaseError::Open { .. }) && error.to_string().contains("is not a folder"),
        "{error}"
    );
    assert!(matches!(open(&data, &[FIRST]), Err(DatabaseError::Open { .. })));
}

#[test]
fn a_full_disk_is_told_apart_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let (file, connection) = open(folder.path(), &[FIRST]).unwrap();
    connection.pragma_update(None, "max_page_count", 1).unwrap();
    let write = || connection.execute("INSERT INTO jobs (name) VALUES (hex(zeroblob(1000000)))", []);
    let error = DatabaseError::in_query(file.path(), &write().unwrap_err());
    assert!(matches!(error, DatabaseError::Full { .. }), "{error}");
    connection.pragma_update(None, "max_page_count", 1 << 20).unwrap();
    write().unwrap();
}

#[test]
fn what_is_deleted_is_in_no_file_of_the_store_once_the_log_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (_file, connection) = open(folder.path(), &[FIRST]).unwrap();
    let secret = "a text that is deleted";
    let found = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        bytes
            .filter(|bytes| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
            .count()
    };
    let long = format!("{secret} {}", "x".repeat(1 << 16));
    connection
        .execute("INSERT INTO jobs VALUES (1, ?1), (2, ?2)", [secret, &long])
        .unwrap();
    empty_log(&connection).unwrap();
    assert_eq!(found(), 1);
    connection.execute("DELETE FROM jobs WHERE number = 1", []).unwrap();
    connection.execute("UPDATE jobs SET name = 'short' WHERE number = 2", []).unwrap();
    empty_log(&connection).unwrap();
    assert_eq!(found(), 0);
}
