//! One attack for each check of what contributors have agreed to: a coordinator that takes answers of people who were not asked, a buyer who
//! claims that other terms were agreed to, and a contributor who exchanges its record afterwards.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::check::{Check, skip};
use tacit_protocol::consent::{Consent, ConsentError, ConsentRecord};
use tacit_protocol::fixtures::{ClusterWithKeys, class_answers, consent, contributor_key, credential_of, submission, submission_list};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, Submission};
use tacit_protocol::verdict::Verdict;

use super::crowd::{job, members};

const AUTHOR: u32 = 5;

/// A submission and the record that it was made under.
fn agreed(members: &ClusterWithKeys, job: &Job) -> (Submission, ConsentRecord) {
    let (key, mut rng) = (contributor_key(AUTHOR), ChaCha20Rng::seed_from_u64(9));
    let record = consent(&members.cluster, job, &key, &mut rng);
    let credential = credential_of(&members.cluster, job, AUTHOR, &key).unwrap();
    let answers = class_answers(&[(0, 1)]);
    let made = Submission::create_with_credential(&members.cluster, job, &credential, &key, &record, &answers, &mut rng);
    (made.unwrap(), record)
}

/// Whether the answers would count at nodes that take what passes their check of the header.
fn counts(members: &ClusterWithKeys, job: &Job, header: &Signed<Header>) -> Result<usize, RejectReason> {
    Header::check(header, &members.cluster, job)?;
    let made = Submission {
        header: header.clone(),
        envelopes: Vec::new(),
    };
    let accepted = AcceptedSet::assemble(job, &submission_list(&[made]), &[Verdict::Accepted], |_| Some(&header.value)).unwrap();
    Ok(accepted.facts().contributors.len())
}

/// A client of the buyer's makes submissions without asking anybody, and the coordinator takes them.
#[test]
fn answers_of_people_who_were_not_asked_would_count() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let mut unasked = submission(&members, &job, AUTHOR, &[(0, 1)]).header.value;
    unasked.statement.consent = None;
    let unasked = Signed::new(unasked, Purpose::Submission, &contributor_key(AUTHOR));
    {
        let _all = skip(&[]);
        assert_eq!(counts(&members, &job, &unasked), Err(RejectReason::BadConsent));
    }
    let _skipped = skip(&[Check::Consent]);
    assert_eq!(counts(&members, &job, &unasked), Ok(1));
}

/// The coordinator puts the digest of a record of its own in the place of the contributor's. Neither the signature nor the binding of an
/// envelope is left then, whatever other checks are made.
#[test]
fn nobody_else_can_put_another_digest_in_its_place() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let (made, record) = agreed(&members, &job);
    let own = consent(
        &members.cluster,
        &job,
        &SecretKey::from_bytes(&[77; 32]),
        &mut ChaCha20Rng::seed_from_u64(1),
    );
    let mut replaced = made.clone();
    replaced.header.value.statement.consent = Some(own.digest());
    let _all = skip(&[]);
    assert_eq!(counts(&members, &job, &made.header), Ok(1));
    assert_eq!(counts(&members, &job, &replaced.header), Err(RejectReason::BadSignature));
    assert_eq!(record.check_submission(&replaced.header), Err(ConsentError::Submission));
    let opened = |one: &Submission| {
        one.delivery(0)
            .unwrap()
            .open(&members.cluster, &job, 0, &members.sealing[0])
            .is_ok()
    };
    assert!(opened(&made) && !opened(&replaced));
    // The digest by which nodes list and certify the submission is another one as well.
    assert_ne!(made.header.value.digest(), replaced.header.value.digest());
}

/// The buyer shows terms under which more is published, signed by itself, and says that these were agreed to.
#[test]
fn a_buyer_would_claim_that_other_terms_were_agreed_to() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let claimed = super::crowd::job(12, 12, PayRule::Flat, |spec| spec.public = !spec.public).unwrap();
    let (_, record) = agreed(&members, &job);
    {
        let _all = skip(&[]);
        assert_eq!(record.check(&members.cluster, job.terms()), Ok(()));
        let due = ConsentError::OtherTerms {
            agreed: job.digest(),
            shown: claimed.digest(),
        };
        assert_eq!(record.check(&members.cluster, claimed.terms()), Err(due));
        // Nor can it make a record of the other terms: that takes the contributor's key.
        let buyer = SecretKey::from_bytes(&[77; 32]);
        let consent = Consent::new(&members.cluster, claimed.terms(), contributor_key(AUTHOR).public(), 1);
        let forged = ConsentRecord {
            consent: Signed::new(consent, Purpose::Consent, &buyer),
            salt: record.salt,
        };
        assert_eq!(forged.check(&members.cluster, claimed.terms()), Err(ConsentError::Signature));
    }
    let _skipped = skip(&[Check::ConsentTerms]);
    assert_eq!(record.check(&members.cluster, claimed.terms()), Ok(()));
}

/// A contributor makes another record afterwards, for instance with an earlier time, and shows it with what it had sent.
#[test]
fn a_contributor_would_exchange_its_record() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let (made, _) = agreed(&members, &job);
    let later = ConsentRecord::new(
        &members.cluster,
        job.terms(),
        &contributor_key(AUTHOR),
        1,
        &mut ChaCha20Rng::seed_from_u64(3),
    );
    let shows = || {
        later
            .check(&members.cluster, job.terms())
            .and_then(|()| later.check_submission(&made.header))
    };
    {
        let _all = skip(&[]);
        assert_eq!(shows(), Err(ConsentError::OtherDigest));
    }
    let _skipped = skip(&[Check::ConsentDigest]);
    assert_eq!(shows(), Ok(()));
}
