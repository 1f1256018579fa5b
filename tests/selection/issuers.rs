//! One attack for each check of who contributes.

use super::crowd::{answer, answers, crowd, job, labels, members, published};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::check::{Check, skip};
use tacit_protocol::fixtures::{class_answers, contributor_key, create, credential_of, issuers, submission, submission_list};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::PayRule;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, Submission};
use tacit_protocol::verdict::Verdict;
use tacit_scoring::report::Absence;

/// The attacker's keys.
const KEYS: u32 = 12;
const ITEMS: u32 = 20;

/// A victim among one person with many keys. On each item six of these keys answer, half of them 0 and half 1, so that the victim's vote
/// decides.
#[test]
fn a_crowd_of_one_persons_keys_would_show_the_victims_answers() {
    const VICTIM: u32 = 99;
    let members = members();
    let own: Vec<(u32, u32)> = (0..ITEMS).map(|item| (item, answer(VICTIM, item) % 2)).collect();
    let surround = |issued: bool| {
        let job = job(ITEMS, 7, PayRule::Flat, |spec| {
            spec.issuers = issued.then(|| issuers(1));
        })?;
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut submissions = vec![submission(&members, &job, VICTIM, &own)];
        for sybil in 0..KEYS {
            let key = contributor_key(1000 + sybil);
            let credential = credential_of(&members.cluster, &job, 7, &key);
            let items = (0..ITEMS).filter(|item| (item + sybil) % 2 == 0);
            let pairs: Vec<(u32, u32)> = items.map(|item| (item, sybil / 2 % 2)).collect();
            let name = format!("sybil {sybil}");
            let answers = class_answers(&pairs);
            submissions.push(create(
                &members.cluster,
                &job,
                &name,
                (&key, credential.as_ref()),
                &answers,
                &mut rng,
            ));
        }
        Ok::<_, tacit_protocol::job::JobError>(published(&members, &job, &submissions))
    };
    {
        let _all = skip(&[]);
        let refused = surround(false).unwrap_err().to_string();
        assert!(refused.contains("`issuers` are missing"), "{refused}");
        let report = surround(true).unwrap();
        assert_eq!(report.job.contributors, 2, "the victim and one person with twelve keys");
        assert_eq!((report.labels.len(), report.labels_reason), (0, Some(Absence::TooLittle)));
    }
    let _skipped = skip(&[Check::Issuers]);
    let report = surround(false).unwrap();
    let victim: Vec<Option<u32>> = own.iter().map(|(_, class)| Some(*class)).collect();
    assert_eq!(labels(&report), victim, "each label is the victim's answer");
}

/// A header that names a credential which one issuer of two has made up alone.
#[test]
fn a_person_whom_too_few_issuers_vouch_for_would_count() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |spec| spec.issuers = Some(issuers(2))).unwrap();
    let key = SecretKey::from_bytes(&std::array::from_fn(|i| i as u8));
    let genuine = submission(&members, &job, 5, &[(0, 1)]);
    let mut header = genuine.header.value.clone();
    let mut credential = credential_of(&members.cluster, &job, 500, &key).unwrap();
    credential.signatures.truncate(1);
    header.statement.contributor = "crowd/500".to_owned();
    header.statement.key = key.public();
    header.statement.credential = Some(credential);
    let forged = Submission {
        header: Signed::new(header, Purpose::Submission, &key),
        envelopes: genuine.envelopes.clone(),
    };
    let both = [genuine, forged];
    // Who counts, if nodes take what passes their check.
    let people = || {
        let header = |entry: usize| &both[entry].header;
        let check = |entry: usize| Header::check(header(entry), &members.cluster, &job);
        let verdicts = [0, 1].map(|entry| check(entry).map_or_else(Verdict::Rejected, |()| Verdict::Accepted));
        let accepted = AcceptedSet::assemble(&job, &submission_list(&both), &verdicts, |entry| Some(&header(entry).value));
        (verdicts[1].reason(), accepted.unwrap().facts().contributors.len())
    };
    {
        let _all = skip(&[]);
        assert_eq!(people(), (Some(RejectReason::BadCredential), 1));
    }
    let _skipped = skip(&[Check::Credentials]);
    assert_eq!(people(), (None, 2));
}

#[test]
fn an_honest_crowd_of_a_pool_has_its_labels() {
    let members = members();
    let _all = skip(&[]);
    let job = job(12, 12, PayRule::Flat, |spec| spec.issuers = Some(issuers(2))).unwrap();
    let submissions = crowd(&members, &job, 12, |_| (0..12).collect());
    for submission in &submissions {
        assert_eq!(Header::check(&submission.header, &members.cluster, &job), Ok(()));
    }
    let report = published(&members, &job, &submissions);
    assert_eq!(report.job.contributors, 12);
    assert_eq!(labels(&report).len(), answers(0, 12).len());
}
