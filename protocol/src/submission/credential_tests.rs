//! Headers with credentials: whose answers a job takes if it names issuers.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::tests::resigned;
use super::{Header, Statement, Submission, SubmissionError, SubmissionId};
use crate::credential::{CheckedCredentials, Credential, CredentialError};
use crate::fixtures::{
    class_answers, cluster_with_keys, credential_of, invitation_of, issuer_keys, issuers, job, job_of, share, share_with_credential, spec,
    submission,
};
use crate::identity::{Purpose, SecretKey, Signed};
use crate::job::{Job, JobSpec, PayRule};
use crate::reject::RejectReason;

#[test]
fn answers_need_an_invitation_exactly_where_the_job_names_issuers() {
    let members = cluster_with_keys(3, 1);
    let open = job(4, 3, 5, PayRule::Flat);
    let invited = job_of(
        "test",
        JobSpec {
            issuers: Some(issuers(2)),
            ..spec(4, 3, 5, PayRule::Flat)
        },
    )
    .unwrap();
    let (cluster, mut rng) = (&members.cluster, ChaCha20Rng::seed_from_u64(1));
    let (key, other) = (SecretKey::generate(&mut rng), SecretKey::generate(&mut rng));
    let answers = class_answers(&[(0, 1)]);
    let credential = credential_of(cluster, &invited, 7, &key).unwrap();
    let mut create = |job: &Job, key: &SecretKey| share_with_credential(cluster, job, &credential, key, &answers, &mut rng);
    let good = create(&invited, &key).unwrap();
    assert_eq!(good.header.value.statement.contributor, "crowd/7");
    assert_eq!(Header::check(&good.header, cluster, &invited), Ok(()));
    assert_eq!(create(&open, &key), Err(SubmissionError::NoIssuers));
    assert_eq!(create(&invited, &other), Err(SubmissionError::Credential(CredentialError::Holder)));
    let without = share(cluster, &invited, "crowd/7", &key, &answers, &mut rng);
    assert_eq!(without, Err(SubmissionError::NotInvited("crowd".to_owned())));
}

/// What a coordinator could do with the public parts of a credential: nothing, as the header is signed with the key that the invitation
/// has signed.
#[test]
fn a_credential_is_of_no_use_to_whoever_sees_it() {
    let members = cluster_with_keys(3, 1);
    let job = job_of(
        "test",
        JobSpec {
            issuers: Some(issuers(1)),
            ..spec(4, 3, 5, PayRule::Flat)
        },
    )
    .unwrap();
    let checked = CheckedCredentials::default();
    let good = submission(&members, &job, 7, &[(0, 1)]);
    let check = |submission: &Submission| Header::check_with(&submission.header, &members.cluster, &job, &checked);
    assert_eq!(check(&good), Ok(()));
    let thief = SecretKey::from_bytes(&[99; 32]);
    let mut header = good.header.value.clone();
    header.statement.id = SubmissionId::from_bytes([1; 16]);
    let stolen = |header: &Header| Submission {
        header: Signed::new(header.clone(), Purpose::Submission, &thief),
        envelopes: good.envelopes.clone(),
    };
    assert_eq!(check(&stolen(&header)), Err(RejectReason::BadSignature));
    header.statement.key = thief.public();
    assert_eq!(check(&stolen(&header)), Err(RejectReason::BadCredential));
    assert_eq!(check(&good), Ok(()));
}

/// Coordinator and nodes make this check. The contributor has signed each of these headers, so that the credential alone is wrong.
#[test]
fn a_header_whose_credential_has_one_wrong_part_is_refused() {
    let members = cluster_with_keys(3, 1);
    let pool = issuers(2);
    let job = job_of(
        "test",
        JobSpec {
            issuers: Some(pool.clone()),
            closes_at: Some("2033-05-18T03:33:20Z".to_owned()),
            ..spec(4, 3, 5, PayRule::Flat)
        },
    )
    .unwrap();
    let good = submission(&members, &job, 7, &[(0, 1)]);
    let key = good.header.value.statement.key;
    let [other, stranger] = [8, 9].map(|number| invitation_of(&pool, number));
    // What the issuers have granted for a shorter or longer time.
    let until = |expires| {
        let mut invitation = invitation_of(&pool, 7);
        invitation.expires = Some(expires);
        invitation.signatures = issuer_keys().iter().filter_map(|key| invitation.grant().sign(&pool, key)).collect();
        invitation.signatures.sort_unstable_by_key(|one| one.issuer);
        invitation.signatures.truncate(2);
        invitation.credential(&members.cluster.digest(), &pool, &key)
    };
    let check = |alter: &dyn Fn(&mut Statement, &mut Credential)| {
        let altered = resigned(&good, 7, |header| {
            let mut credential = header.statement.credential.take().unwrap();
            alter(&mut header.statement, &mut credential);
            header.statement.credential = Some(credential);
        });
        Header::check(&altered.header, &members.cluster, &job)
    };
    assert_eq!(check(&|_, _| ()), Ok(()));
    assert_eq!(check(&|_, c| *c = until(2_000_000_000)), Ok(()), "valid until the job closes");
    type Alter<'a> = &'a dyn Fn(&mut Statement, &mut Credential);
    let wrong: [(&str, Alter<'_>); 11] = [
        ("another number", &|s, c| {
            c.grant.serial = 8;
            s.contributor = "crowd/8".to_owned();
        }),
        ("the name of another number", &|s, _| s.contributor = "crowd/8".to_owned()),
        ("the name of another pool", &|s, _| s.contributor = "staff/7".to_owned()),
        ("another expiry than was signed", &|_, c| c.grant.expires = Some(2_000_000_000)),
        ("over before the job closes", &|_, c| *c = until(1_999_999_999)),
        ("another invitation", &|_, c| c.grant.invitation = other.key.public()),
        ("another's key", &|_, c| {
            *c = invitation_of(&pool, 7).credential(&members.cluster.digest(), &pool, &other.key.public());
        }),
        ("another person's credential", &|s, c| {
            *c = other.credential(&members.cluster.digest(), &pool, &other.key.public());
            s.contributor = "crowd/8".to_owned();
        }),
        ("a signature is missing", &|_, c| _ = c.signatures.pop()),
        ("a signature of no issuer", &|_, c| {
            c.signatures[1].signature = stranger.key.sign(Purpose::Grant, &c.grant.statement(&pool));
        }),
        ("signatures in another order", &|_, c| c.signatures.reverse()),
    ];
    for (name, alter) in wrong {
        assert_eq!(check(alter), Err(RejectReason::BadCredential), "{name}");
    }
    let without = resigned(&good, 7, |header| header.statement.credential = None);
    assert_eq!(
        Header::check(&without.header, &members.cluster, &job),
        Err(RejectReason::BadCredential)
    );
    // A credential for a job that names no issuers would make its bearer another subject.
    let open = job_of("test", spec(4, 3, 5, PayRule::Flat)).unwrap();
    let elsewhere = resigned(&good, 7, |header| header.statement.job_digest = open.digest());
    assert_eq!(
        Header::check(&elsewhere.header, &members.cluster, &open),
        Err(RejectReason::BadCredential)
    );
}
