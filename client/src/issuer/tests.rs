//! Lists of people, files that issuers sign, and what an issuer's ledger refuses.

use std::path::Path;

use tacit_protocol::credential::{Issuers, Revocation};
use tacit_protocol::fixtures::{issuer_keys, issuers};

use super::invitations::{Invited, InvitedError, extend, merge, people, read, remove_unfinished, write};
use super::*;

fn ledger(folder: &Path, name: &str) -> Ledger {
    Ledger::of(&folder.join(name)).unwrap()
}

/// The request that the first issuer writes for these people, which it has not signed yet.
fn request(issuers: &Issuers, invited: &[Invited]) -> Document {
    let entry = |one: &Invited| Entry {
        person: one.person.clone(),
        grant: one.invitation.grant(),
        signatures: one.invitation.signatures.clone(),
    };
    Document::Invitations(Request {
        issuers: issuers.clone(),
        people: invited.iter().map(entry).collect(),
    })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The numbers of a pool of which nothing is signed.
fn following(last: u32) -> Option<u32> {
    last.checked_add(1)
}

#[test]
fn invitations_keep_number_and_code_and_become_complete() {
    let folder = tempfile::tempdir().unwrap();
    let (path, pool) = (folder.path().join("invitations.csv"), issuers(2));
    let mut invited = read(&path, &pool).unwrap();
    assert_eq!(
        extend(&mut invited, names(&["ada", "b \"o\", b"]), None, following, &mut rand::rng()).unwrap(),
        2
    );
    write(&path, &pool, &invited).unwrap();
    let [first, second, _] = issuer_keys();
    for (key, missing) in [(&first, 1), (&second, 0)] {
        let mut again = read(&path, &pool).unwrap();
        let mut document = request(&pool, &again);
        let key_file = folder.path().join(key.public().to_string());
        let signing = document.sign(key, &key_file).unwrap();
        assert_eq!((signing.added, signing.missing), (2, missing));
        // The same key signs once.
        let twice = document.sign(key, &key_file).unwrap();
        assert_eq!(twice.added, 0);
        let Document::Invitations(Request { people, .. }) = document else {
            panic!()
        };
        for _ in 0..2 {
            merge(&mut again, &pool, &people);
            assert!(again.iter().all(|one| one.invitation.signatures.len() == 2 - missing));
        }
        write(&path, &pool, &again).unwrap();
    }
    let mut complete = read(&path, &pool).unwrap();
    let numbers: Vec<_> = complete.iter().map(|one| (one.person.as_str(), one.invitation.serial)).collect();
    assert_eq!(numbers, [("ada", 1), ("b \"o\", b", 2)]);
    assert!(complete.iter().all(|one| one.invitation.check(&pool).is_ok()));
    assert_eq!(
        extend(&mut complete, names(&["ada", "eve"]), None, following, &mut rand::rng()).unwrap(),
        1
    );
    assert_eq!(complete[2].invitation.serial, 3);
    assert!(matches!(read(&path, &issuers(3)), Err(InvitedError::OtherPool(_))));
}

#[test]
fn forged_signatures_are_not_taken_over() {
    let pool = issuers(2);
    let mut invited = Vec::new();
    extend(&mut invited, names(&["ada"]), None, following, &mut rand::rng()).unwrap();
    let grant = invited[0].invitation.grant();
    let mut forged = grant.sign(&issuers(1), &issuer_keys()[0]).unwrap();
    let entry = |signature| Entry {
        person: "ada".to_owned(),
        grant: grant.clone(),
        signatures: vec![signature],
    };
    merge(&mut invited, &pool, &[entry(forged.clone())]);
    assert!(invited[0].invitation.signatures.is_empty(), "signed for another rule");
    forged = grant.sign(&pool, &issuer_keys()[0]).unwrap();
    merge(&mut invited, &pool, &[entry(forged)]);
    assert_eq!(invited[0].invitation.signatures.len(), 1);
}

#[test]
fn a_ledger_gives_nobody_two_numbers_and_no_number_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, [first, second, third]) = (issuers(2), issuer_keys());
    let note = |person: &str, serial: u32, key: &tacit_protocol::identity::SecretKey| {
        let mut ledger = ledger(folder.path(), "ann.key");
        ledger.note(&pool, [(person, serial, key.public())].into_iter())
    };
    note("ada", 1, &first).unwrap();
    note("ada", 1, &first).unwrap();
    note("bob", 2, &second).unwrap();
    assert!(matches!(
        note("ada", 3, &third),
        Err(LedgerError::Twice { serial: 3, earlier: 1, .. })
    ));
    assert!(matches!(note("eve", 2, &third), Err(LedgerError::Taken { serial: 2, .. })));
    assert!(matches!(note("bob", 2, &third), Err(LedgerError::Taken { serial: 2, .. })));
    // Nothing of a refused list is noted.
    let mut ledger = ledger(folder.path(), "ann.key");
    let list = [("eve", 3, third.public()), ("dan", 1, third.public())];
    assert!(ledger.check(&pool, list.into_iter()).is_err());
    assert!(ledger.note(&pool, list.into_iter()).is_err());
    // Other pools have numbers of their own.
    ledger.note(&issuers(1), [("ada", 9, first.public())].into_iter()).unwrap();
    drop(ledger);
    note("dan", 3, &third).unwrap();
}

/// Whatever numbers another issuer has had signed, those that are free are found, and no invitation is lost that was sent.
#[test]
fn new_invitations_get_numbers_that_nothing_was_signed_for() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, [key, ..]) = (issuers(2), issuer_keys());
    let mut ledger = ledger(folder.path(), "ann.key");
    let signed = [("ada", 1, key.public()), ("bob", 3, key.public()), ("eve", u32::MAX, key.public())];
    ledger.note(&pool, signed.into_iter()).unwrap();
    assert_eq!([0, 1, 3].map(|last| ledger.next_number(&pool, last)), [Some(2), Some(2), Some(4)]);
    assert_eq!(ledger.next_number(&pool, u32::MAX - 1), None);
    assert_eq!(ledger.next_number(&issuers(1), 0), Some(1), "another pool");

    let mut invited = Vec::new();
    let next_number = |last| ledger.next_number(&pool, last);
    extend(&mut invited, names(&["dan", "fay", "gus"]), None, next_number, &mut rand::rng()).unwrap();
    let numbers = |invited: &[Invited]| invited.iter().map(|one| one.invitation.serial).collect::<Vec<_>>();
    assert_eq!(numbers(&invited), [2, 4, 5]);
    // The first one is noted and the second one is signed. The third one is of a run that ended before it did either.
    ledger.note(&pool, [invited[0].number()].into_iter()).unwrap();
    let signature = invited[1].invitation.grant().sign(&pool, &key);
    invited[1].invitation.signatures.extend(signature);
    remove_unfinished(&mut invited, &ledger, &pool);
    assert_eq!(numbers(&invited), [2, 4]);
}

#[test]
fn files_to_sign_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.json");
    let document = Document::Revocation(Revocation {
        issuers: issuers(2),
        serials: vec![1, 5],
        signatures: Vec::new(),
    });
    document.store(&path).unwrap();
    assert_eq!(Document::load(&path).unwrap(), document);
    let stranger = tacit_protocol::identity::SecretKey::from_bytes(&[1; 32]);
    let refused = Document::load(&path).unwrap().sign(&stranger, &folder.path().join("x"));
    assert_eq!(refused, Err(DocumentError::NotAnIssuer("crowd".to_owned())));
    for text in ["", "{}", r#"{"kind":"other"}"#] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Document::load(&path), Err(DocumentError::Syntax { .. })), "{text}");
    }
}

#[test]
fn lists_of_people_name_everybody_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        people(&path)
    };
    assert_eq!(read("team,email\nx,a@b\ny,c@d\n").unwrap(), ["a@b", "c@d"]);
    assert!(matches!(read("person\na\na\n"), Err(InvitedError::Twice { .. })));
    assert!(matches!(read("person\n\"\"\n"), Err(InvitedError::Person { .. })));
    assert!(matches!(read("other\na\n"), Err(InvitedError::Table(_))));
}

#[cfg(unix)]
#[test]
fn a_key_has_one_ledger_whichever_path_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (key, link) = (folder.path().join("ann.key"), folder.path().join("link.key"));
    std::fs::write(&key, "").unwrap();
    std::os::unix::fs::symlink(&key, &link).unwrap();
    let pool = issuers(2);
    let invitation = issuer_keys()[0].public();
    Ledger::of(&key).unwrap().note(&pool, [("ada", 1, invitation)].into_iter()).unwrap();
    let mut ledger = Ledger::of(&link).unwrap();
    assert!(ledger.knows(&pool, "ada"));
    assert!(ledger.note(&pool, [("bob", 1, invitation)].into_iter()).is_err());
}
