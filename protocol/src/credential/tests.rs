//! Credentials that are forged, borrowed or too old, and codes of invitations.

use super::*;
use crate::fixtures::{invitation_of, issuer_keys, issuers};
use crate::identity::SecretKey;

const CLOSES_AT: Option<u64> = Some(1_000);

fn cluster() -> Digest {
    Digest::of("cluster", &[])
}

fn key() -> SecretKey {
    SecretKey::from_bytes(&[77; 32])
}

fn good(issuers: &Issuers) -> Credential {
    invitation_of(issuers, 7).credential(&cluster(), issuers, &key().public())
}

fn check(credential: &Credential, issuers: &Issuers) -> Result<(), CredentialError> {
    let public = key().public();
    let alone = credential.check(&cluster(), issuers, &public, CLOSES_AT);
    // The cache says the same, before and after it has seen the good one.
    for seen in [false, true] {
        let checked = CheckedCredentials::default();
        if seen {
            checked.check(&good(issuers), &cluster(), issuers, &public, CLOSES_AT).unwrap();
        }
        for _ in 0..2 {
            assert_eq!(checked.check(credential, &cluster(), issuers, &public, CLOSES_AT), alone);
        }
    }
    alone
}

#[test]
fn as_many_issuers_as_needed_must_sign() {
    for need in 1..=3 {
        let issuers = issuers(need);
        assert_eq!(issuers.check(), Ok(()));
        assert_eq!(check(&good(&issuers), &issuers), Ok(()));
        let all = self::issuers(3);
        let signatures: Vec<_> = issuer_keys()
            .iter()
            .filter_map(|key| good(&issuers).grant.sign(&issuers, key))
            .collect();
        for count in (0..=3).filter(|count| *count != usize::from(need)) {
            let mut credential = good(&issuers);
            credential.signatures = signatures.clone();
            credential.signatures.sort_unstable_by_key(|one| one.issuer);
            credential.signatures.truncate(count);
            assert_eq!(check(&credential, &issuers), Err(CredentialError::Signatures { need }));
        }
        if need < 3 {
            // What two issuers sign for a pool that two must sign is nothing where three must.
            assert!(good(&issuers).check(&cluster(), &all, &key().public(), CLOSES_AT).is_err());
        }
    }
}

#[test]
fn one_issuer_is_not_two() {
    let issuers = issuers(2);
    let mut credential = good(&issuers);
    credential.signatures[1] = credential.signatures[0].clone();
    assert_eq!(check(&credential, &issuers), Err(CredentialError::Signatures { need: 2 }));
    credential.signatures[1].issuer = credential.signatures[0].issuer + 1;
    assert!(matches!(check(&credential, &issuers), Err(CredentialError::Issuer { .. })));
    credential.signatures.swap(0, 1);
    assert_eq!(check(&credential, &issuers), Err(CredentialError::Signatures { need: 2 }));
    credential = good(&issuers);
    credential.signatures[1].issuer = 3;
    assert_eq!(check(&credential, &issuers), Err(CredentialError::Issuer { issuer: 3 }));
}

#[test]
fn every_part_is_covered() {
    let issuers = issuers(2);
    let other_pool = Issuers {
        pool: "crowd-2".to_owned(),
        ..issuers.clone()
    };
    let other_invitation = invitation_of(&issuers, 8);
    let forger = SecretKey::from_bytes(&[78; 32]);
    type Alter<'a> = &'a dyn Fn(&mut Credential);
    let cases: [(&str, Alter<'_>); 8] = [
        ("another number", &|c| c.grant.serial = 8),
        ("another invitation", &|c| c.grant.invitation = other_invitation.key.public()),
        ("another expiry", &|c| c.grant.expires = Some(2_000)),
        ("the grant of another person", &|c| {
            c.grant = other_invitation.grant();
            c.signatures = other_invitation.signatures.clone();
        }),
        ("signed by nobody's key", &|c| {
            let statement = c.grant.statement(&issuers);
            c.signatures[0].signature = forger.sign(Purpose::Grant, &statement);
        }),
        ("an invitation to another pool", &|c| {
            *c = invitation_of(&other_pool, 7).credential(&cluster(), &issuers, &key().public());
        }),
        ("made for another cluster", &|c| {
            *c = invitation_of(&issuers, 7).credential(&Digest::of("other", &[]), &issuers, &key().public());
        }),
        ("made for another key", &|c| {
            *c = invitation_of(&issuers, 7).credential(&cluster(), &issuers, &forger.public());
        }),
    ];
    for (name, alter) in cases {
        let mut credential = good(&issuers);
        alter(&mut credential);
        let refused = check(&credential, &issuers);
        assert!(
            matches!(refused, Err(CredentialError::Issuer { .. } | CredentialError::Holder)),
            "{name}: {refused:?}"
        );
    }
}

/// One part at a time is wrong, and the error names it.
#[test]
fn one_wrong_part_is_found_and_named() {
    let issuers = issuers(2);
    let (other, forger) = (invitation_of(&issuers, 8), SecretKey::from_bytes(&[78; 32]));
    let third = |c: &Credential| {
        issuer_keys()
            .iter()
            .find_map(|key| c.grant.sign(&issuers, key).filter(|one| one.issuer == 2))
    };
    let of_key = holder_statement(&cluster(), &issuers, &key().public());
    let invitation = invitation_of(&issuers, 7).key;
    let need = CredentialError::Signatures { need: 2 };
    let (first, second) = (CredentialError::Issuer { issuer: 0 }, CredentialError::Issuer { issuer: 1 });
    type Alter<'a> = &'a dyn Fn(&mut Credential);
    let cases: [(&str, Alter<'_>, CredentialError); 14] = [
        ("the number", &|c| c.grant.serial = 8, first),
        ("the invitation", &|c| c.grant.invitation = other.key.public(), first),
        ("the expiry", &|c| c.grant.expires = Some(2_000), first),
        (
            "an expiry before the job closes",
            &|c| c.grant.expires = Some(999),
            CredentialError::Expired,
        ),
        ("without the last signature", &|c| _ = c.signatures.pop(), need),
        ("without the first signature", &|c| _ = c.signatures.remove(0), need),
        (
            "with the third issuer's signature as well",
            &|c| {
                let one = third(c);
                c.signatures.extend(one);
            },
            need,
        ),
        ("in another order", &|c| c.signatures.reverse(), need),
        (
            "each signature in the other's place",
            &|c| {
                let of_second = c.signatures[1].signature;
                c.signatures[1].signature = std::mem::replace(&mut c.signatures[0].signature, of_second);
            },
            first,
        ),
        (
            "the second signature by a key of no issuer",
            &|c| c.signatures[1].signature = forger.sign(Purpose::Grant, &c.grant.statement(&issuers)),
            second,
        ),
        (
            "the second issuer's signature for another purpose",
            &|c| {
                let key = issuer_keys().into_iter().find(|key| key.public() == issuers.keys[1]).unwrap();
                c.signatures[1].signature = key.sign(Purpose::Revocation, &c.grant.statement(&issuers));
            },
            second,
        ),
        (
            "the key signed by another invitation",
            &|c| c.holder = other.key.sign(Purpose::Invitation, &of_key),
            CredentialError::Holder,
        ),
        (
            "the key signed by itself",
            &|c| c.holder = key().sign(Purpose::Invitation, &of_key),
            CredentialError::Holder,
        ),
        (
            "the key signed for another purpose",
            &|c| c.holder = invitation.sign(Purpose::Grant, &of_key),
            CredentialError::Holder,
        ),
    ];
    for (name, alter, due) in cases {
        let mut credential = good(&issuers);
        alter(&mut credential);
        assert_eq!(check(&credential, &issuers), Err(due), "{name}");
    }
}

#[test]
fn a_credential_lasts_until_the_job_closes() {
    let issuers = issuers(1);
    let mut invitation = invitation_of(&issuers, 7);
    let mut expiring = |expires| {
        invitation.expires = expires;
        invitation.signatures = issuer_keys()[..1]
            .iter()
            .filter_map(|key| invitation.grant().sign(&issuers, key))
            .collect();
        invitation.credential(&cluster(), &issuers, &key().public())
    };
    let mut at = |expires, closes_at| expiring(expires).check(&cluster(), &issuers, &key().public(), closes_at);
    assert_eq!(at(None, None), Ok(()));
    assert_eq!(at(None, Some(1)), Ok(()));
    assert_eq!(at(Some(1_000), Some(1_000)), Ok(()));
    assert_eq!(at(Some(999), Some(1_000)), Err(CredentialError::Expired));
    assert_eq!(at(Some(u64::MAX), None), Err(CredentialError::Expired));
    // Nobody prolongs what the issuers have signed.
    for prolonged in [Some(2_000), None] {
        let mut credential = expiring(Some(999));
        credential.grant.expires = prolonged;
        let refused = credential.check(&cluster(), &issuers, &key().public(), Some(1_000));
        assert!(matches!(refused, Err(CredentialError::Issuer { .. })), "{prolonged:?}: {refused:?}");
    }
}

#[test]
fn pools_that_cannot_be_used_are_named() {
    let refused = |alter: &dyn Fn(&mut Issuers)| {
        let mut issuers = issuers(1);
        alter(&mut issuers);
        issuers.check().unwrap_err().field
    };
    for pool in ["", "Crowd", "crowd 1", "crowd/1", "crowd\n", &"x".repeat(65)] {
        assert_eq!(refused(&|i| i.pool = pool.to_owned()), "pool");
    }
    assert_eq!(refused(&|i| i.keys.clear()), "keys");
    assert_eq!(refused(&|i| i.keys.reverse()), "keys");
    assert_eq!(refused(&|i| i.keys[1] = i.keys[0]), "keys");
    assert_eq!(refused(&|i| i.keys = vec![PublicKey::from_bytes([0xff; 32])]), "keys");
    assert_eq!(refused(&|i| i.need = 0), "need");
    assert_eq!(refused(&|i| i.need = 4), "need");
}

/// Keys that anybody could have, in ascending order: nothing but their number is wrong.
#[test]
fn a_pool_has_sixteen_issuers_at_most() {
    let of = |count: u8| {
        let mut keys: Vec<PublicKey> = (0..count).map(|byte| SecretKey::from_bytes(&[byte; 32]).public()).collect();
        keys.sort_unstable();
        Issuers { keys, ..issuers(1) }.check()
    };
    assert_eq!((of(1), of(16)), (Ok(()), Ok(())));
    let refused = of(17).unwrap_err();
    assert_eq!((refused.field, refused.problem.as_str()), ("keys", "must list 1 to 16 keys"));
}

#[test]
fn codes_are_read_as_they_were_written_and_slips_are_seen() {
    let issuers = issuers(2);
    let invitation = invitation_of(&issuers, 7);
    let code = invitation.code();
    let read: Invitation = format!("  {}\n", code.as_str()).parse().unwrap();
    assert_eq!(
        (read.grant(), &read.signatures, *read.key.to_bytes()),
        (invitation.grant(), &invitation.signatures, *invitation.key.to_bytes())
    );
    assert_eq!(read.check(&issuers), Ok(()));
    assert_eq!("hello".parse::<Invitation>().unwrap_err(), CodeError::Prefix);
    for at in PREFIX_LENGTH..code.len() {
        let mut altered = code.as_bytes().to_vec();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        // The last character has bits that stand for nothing; those must be zero.
        assert_eq!(
            String::from_utf8(altered).unwrap().parse::<Invitation>().unwrap_err(),
            CodeError::Damaged,
            "{at}"
        );
        assert!(code[..at].parse::<Invitation>().is_err(), "cut at {at}");
    }
    let secret = hex::encode(*invitation.key.to_bytes());
    assert!(!format!("{invitation:?}").contains(&secret));
}

const PREFIX_LENGTH: usize = "tacit-invitation-".len();

#[test]
fn statements_of_issuers_are_signed_by_as_many_as_a_credential_is() {
    let issuers = issuers(2);
    let mut revocation = Revocation {
        issuers: issuers.clone(),
        serials: vec![3, 7],
        signatures: Vec::new(),
    };
    revocation.signatures = issuer_keys().iter().filter_map(|key| revocation.sign(key)).collect();
    revocation.signatures.sort_unstable_by_key(|one| one.issuer);
    revocation.signatures.truncate(2);
    assert_eq!(revocation.check(), Ok(()));
    let altered = |alter: &dyn Fn(&mut Revocation)| {
        let mut other = revocation.clone();
        alter(&mut other);
        other.check().unwrap_err()
    };
    assert!(matches!(altered(&|r| r.serials.push(8)), StatementError::Signatures(_)));
    assert!(matches!(altered(&|r| r.signatures.truncate(1)), StatementError::Signatures(_)));
    assert!(matches!(altered(&|r| r.issuers.need = 1), StatementError::Signatures(_)));
    assert!(matches!(
        altered(&|r| r.issuers.pool = "other".to_owned()),
        StatementError::Signatures(_)
    ));
    assert_eq!(altered(&|r| r.serials.reverse()), StatementError::Serials);
    assert_eq!(altered(&|r| r.serials.clear()), StatementError::Serials);
    assert_eq!(
        altered(&|r| r.serials = (0..=MAX_REVOKED as u32).collect()),
        StatementError::Serials
    );

    let mut size = PoolSize {
        issuers,
        credentials: 200,
        signatures: Vec::new(),
    };
    size.signatures = issuer_keys().iter().filter_map(|key| size.sign(key)).collect();
    size.signatures.sort_unstable_by_key(|one| one.issuer);
    size.signatures.truncate(2);
    assert_eq!(size.check(), Ok(()));
    size.credentials = 201;
    assert!(matches!(size.check(), Err(StatementError::Signatures(_))));
}
