//! `header.json`: signed headers of submissions.

use serde::{Deserialize, Serialize};

use super::setup::Setup;
use super::{OK, Vectors};
use crate::codec::{decode, encode};
use crate::credential::{Credential, Issuers};
use crate::fixtures::{cluster_with_keys, invitation_of, issuer_keys, issuers};
use crate::identity::{Purpose, SecretKey, Signed};
use crate::job::{Job, JobId};
use crate::reject::RejectReason;
use crate::submission::Header;
use tacit_mpc_core::digest::Digest;

/// A signed header, good or bad, and what a coordinator says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is special about this header.
    pub name: String,
    /// The id of the job that it is checked for.
    pub job: JobId,
    /// The encoded `Signed<Header>`, hexadecimal: the header, then the signature of 64 bytes.
    pub signed_header: String,
    /// `ok`, or the name of the reason to reject it.
    pub expect: String,
    /// The digest by which the submission is listed, of good headers.
    pub digest: Option<Digest>,
    /// The header in text, of good ones.
    pub header: Option<Header>,
}

/// What is said of an encoded signed header.
pub fn verdict(setup: &Setup, job: &JobId, bytes: &[u8]) -> &'static str {
    let job = if job == setup.invited.id() { &setup.invited } else { &setup.job };
    let checked = decode::<Signed<Header>>(bytes, "a header")
        .map_err(|_| RejectReason::Malformed)
        .and_then(|signed| Header::check(&signed, &setup.members.cluster, job));
    checked.err().map_or(OK, RejectReason::name)
}

/// Makes `header.json`.
pub fn make() -> Vectors<Case> {
    let setup = Setup::new();
    let good = setup.submission().header;
    let gold = setup.gold_submission().header;
    let mut cases = Vec::new();
    let mut case_of = |job: &Job, name: &str, bytes: Vec<u8>, expect: &str| {
        let read = decode::<Signed<Header>>(&bytes, "a header").ok().filter(|_| expect == OK);
        cases.push(Case {
            name: name.to_owned(),
            job: job.id().clone(),
            signed_header: hex::encode(bytes),
            expect: expect.to_owned(),
            digest: read.as_ref().map(|signed| signed.value.digest()),
            header: read.map(|signed| signed.value),
        });
    };
    let mut case = |name: &str, bytes: Vec<u8>, expect: &str| case_of(&setup.job, name, bytes, expect);
    case("answers of a contributor", encode(&good), OK);
    case("gold answers of the buyer", encode(&gold), OK);

    let bytes = encode(&good);
    case("nothing", Vec::new(), "malformed");
    case("cut in the signature", bytes[..bytes.len() - 1].to_vec(), "malformed");
    case("cut in the cluster's digest", bytes[..31].to_vec(), "malformed");
    case("a byte after the end", [&bytes[..], &[0]].concat(), "malformed");
    // After the cluster's digest comes the length of the job's id.
    let mut long = bytes.clone();
    long[32 + 7] = 0xff;
    case("a length beyond the end", long, "malformed");
    let mut text = bytes.clone();
    text[40] = 0xff;
    case("a job id that is not UTF-8", text, "malformed");

    let mut altered = |name: &str, expect: &str, alter: &dyn Fn(&mut Header)| {
        let mut header = good.value.clone();
        alter(&mut header);
        case(name, encode(&Signed::new(header, Purpose::Submission, &setup.contributor)), expect);
    };
    altered("no item", "malformed", &|h| h.statement.items.clear());
    altered("items out of order", "malformed", &|h| h.statement.items.swap(0, 1));
    altered("an item twice", "malformed", &|h| h.statement.items[1] = h.statement.items[0]);
    altered("an item that the job does not have", "malformed", &|h| h.statement.items[2] = 4);
    altered("a component's digest too few", "malformed", &|h| h.statement.components.truncate(2));
    altered("an envelope's digest too many", "malformed", &|h| h.envelopes.push(h.envelopes[0]));
    altered("a control character in the name", "malformed", &|h| {
        h.statement.contributor.push('\n');
    });
    altered("an empty name", "malformed", &|h| h.statement.contributor.clear());
    let other_cluster = cluster_with_keys(4, 1).cluster.digest();
    altered("another cluster", "wrong_job", &|h| h.statement.cluster = other_cluster);
    altered("another job", "wrong_job", &|h| h.statement.job = "other".parse().unwrap());
    altered("another version of the job", "wrong_job", &|h| {
        h.statement.job_digest = Digest::of("other", &[]);
    });
    let mallory = SecretKey::from_bytes(&[9; 32]);
    altered("a key that did not sign", "bad_signature", &|h| h.statement.key = mallory.public());
    altered("a key of small order", "bad_signature", &|h| {
        h.statement.key = crate::identity::PublicKey::from_bytes(std::array::from_fn(|i| u8::from(i == 0)));
    });

    altered("no digest of a record of consent", "bad_consent", &|h| h.statement.consent = None);

    let mut signature = bytes;
    *signature.last_mut().unwrap() ^= 1;
    case("an altered signature", signature, "bad_signature");
    let mut name = good.clone();
    name.value.statement.contributor = "Zoe".to_owned();
    case("altered after it was signed", encode(&name), "bad_signature");
    let purpose = Signed::new(good.value.clone(), Purpose::Gold, &setup.contributor);
    case("answers signed as gold answers", encode(&purpose), "bad_signature");
    let purpose = Signed::new(gold.value.clone(), Purpose::Submission, &setup.gold);
    case("gold answers signed as answers", encode(&purpose), "bad_signature");
    let mut agreed = gold.value.clone();
    agreed.statement.consent = good.value.statement.consent;
    case(
        "gold answers with the digest of a record of consent",
        encode(&Signed::new(agreed, Purpose::Gold, &setup.gold)),
        "bad_consent",
    );
    let mut part = gold.value;
    part.statement.items.pop();
    case(
        "gold answers to a part of the items",
        encode(&Signed::new(part, Purpose::Gold, &setup.gold)),
        "malformed",
    );
    credentials(&setup, &mut |name, header: Header, expect| {
        let job = if header.statement.job == *setup.invited.id() {
            &setup.invited
        } else {
            &setup.job
        };
        let signed = Signed::new(header, Purpose::Submission, &setup.contributor);
        case_of(job, name, encode(&signed), expect);
    });
    Vectors {
        about: "Signed headers for the cluster and the jobs of setup.json. Decode signed_header, then check it; expect is `ok` or the reason to reject it."
            .to_owned(),
        cases,
    }
}

/// Headers with credentials, all signed by the contributor.
fn credentials(setup: &Setup, case: &mut dyn FnMut(&str, Header, &str)) {
    let good = setup.invited_submission().header.value;
    let (cluster, key) = (setup.members.cluster.digest(), setup.contributor.public());
    let pool = setup.invited.terms().issuers.clone().unwrap();
    case("answers of a person of the pool", good.clone(), OK);
    let mut altered = |name: &str, alter: &dyn Fn(&mut Header)| {
        let mut header = good.clone();
        alter(&mut header);
        case(name, header, "bad_credential");
    };
    altered("no credential where the job names issuers", &|h| h.statement.credential = None);
    altered("the name of another person", &|h| h.statement.contributor = "crowd/8".to_owned());
    let with = |h: &mut Header, alter: &dyn Fn(&mut Credential)| alter(h.statement.credential.as_mut().unwrap());
    altered("signed by one issuer of the two needed", &|h| {
        with(h, &|c| c.signatures.truncate(1));
    });
    altered("signed by one issuer twice", &|h| {
        with(h, &|c| c.signatures[1] = c.signatures[0].clone());
    });
    altered("signed by more issuers than needed", &|h| {
        with(h, &|c| {
            c.signatures = issuer_keys().iter().filter_map(|key| c.grant.sign(&pool, key)).collect();
            c.signatures.sort_unstable_by_key(|one| one.issuer);
        });
    });
    altered("signed by a key that is no issuer's", &|h| {
        with(h, &|c| {
            c.signatures[0].signature = setup.buyer.sign(Purpose::Grant, &c.grant.statement(&pool));
        });
    });
    altered("signed for other issuers", &|h| {
        with(h, &|c| *c = invitation_of(&issuers(1), 7).credential(&cluster, &pool, &key));
    });
    altered("an invitation to another pool", &|h| {
        let other = Issuers {
            pool: "crowd-2".to_owned(),
            ..pool.clone()
        };
        with(h, &|c| *c = invitation_of(&other, 7).credential(&cluster, &other, &key));
    });
    altered("a credential of another cluster", &|h| {
        with(h, &|c| {
            *c = invitation_of(&pool, 7).credential(&Digest::of("other", &[]), &pool, &key);
        });
    });
    altered("a credential of another key", &|h| {
        with(h, &|c| {
            *c = invitation_of(&pool, 7).credential(&cluster, &pool, &setup.buyer.public());
        });
    });
    let expiring = |expires: u64| {
        let mut invitation = invitation_of(&pool, 7);
        invitation.expires = Some(expires);
        let grant = invitation.grant();
        invitation.signatures = issuer_keys().iter().filter_map(|key| grant.sign(&pool, key)).collect();
        invitation.signatures.sort_unstable_by_key(|one| one.issuer);
        invitation.signatures.truncate(2);
        invitation.credential(&cluster, &pool, &key)
    };
    altered("expired a second before the job closes", &|h| {
        with(h, &|c| *c = expiring(1_796_083_199));
    });
    let mut until = good.clone();
    until.statement.credential = Some(expiring(1_796_083_200));
    case("valid until the job closes", until, OK);
    let mut elsewhere = setup.submission().header.value;
    elsewhere.statement.credential = good.statement.credential;
    case("a credential where the job names no issuers", elsewhere, "bad_credential");
}
