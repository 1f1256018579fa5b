//! `submission.json`: whole submissions, with what each node finds in its envelope.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::setup::{ANSWERS, CONTRIBUTOR, GOLD_ANSWERS, Setup};
use super::{OK, Vectors};
use crate::codec::{decode, encode};
use crate::fixtures::{Author, Forgery};
use crate::identity::{Purpose, Signed};
use crate::reject::RejectReason;
use crate::submission::envelope::envelope_digest;
use crate::submission::{Header, Statement, Submission};
use tacit_mpc_core::field::{Field, Fp61, MODULUS};

/// A submission, good or bad, and what its envelopes hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is special about this submission.
    pub name: String,
    /// The encoded `Submission`, hexadecimal.
    pub submission: String,
    /// `ok`, or the name of the first reason to reject it.
    pub expect: String,
    /// The answers of good ones: pairs of item and class.
    pub answers: Option<Vec<(u32, u32)>>,
    /// What the components add up to: for each answered item one element for each class.
    pub elements: Option<Vec<u64>>,
    /// The components, `components[c]` in full; each node holds those of its index.
    pub components: Option<Vec<Vec<u64>>>,
}

/// Decodes and checks a submission as a coordinator does, then opens each envelope as its node does. Gives the components, each as all of its
/// holders have it.
///
/// # Errors
/// The first reason to reject it.
pub fn open(setup: &Setup, bytes: &[u8]) -> Result<Vec<Vec<u64>>, RejectReason> {
    let (cluster, job) = (&setup.members.cluster, &setup.job);
    let submission: Submission = decode(bytes, "a submission").map_err(|_| RejectReason::Malformed)?;
    Header::check(&submission.header, cluster, job)?;
    if !submission.is_complete() {
        return Err(RejectReason::DigestMismatch);
    }
    let mut components = vec![Vec::new(); cluster.access().components()];
    for (node, key) in setup.members.sealing.iter().enumerate() {
        let opened = submission.delivery(node).unwrap().open(cluster, job, node, key)?;
        for (position, component) in cluster.access().held_by(node).into_iter().enumerate() {
            let values: Vec<u64> = opened.expand(position).iter().map(|value| value.to_u64()).collect();
            assert!(components[component].is_empty() || components[component] == values);
            components[component] = values;
        }
    }
    Ok(components)
}

/// What components add up to.
pub fn sum(components: &[Vec<u64>]) -> Vec<u64> {
    let mut total = vec![Fp61::ZERO; components[0].len()];
    for component in components {
        for (sum, value) in total.iter_mut().zip(component) {
            *sum += Fp61::reduce(*value);
        }
    }
    total.into_iter().map(Fp61::to_u64).collect()
}

/// A submission of nothing in particular: the component in full holds 0 to 8, the seeds are of one repeated byte.
fn forgery<'a>(setup: &'a Setup, author: &Author) -> Forgery<'a> {
    let Statement { id, items, .. } = setup.submission().header.value.statement;
    let payloads = vec![Vec::new(); setup.members.cluster.access().components()];
    let mut forgery = author.with_payloads(&setup.members.cluster, &setup.job, id, &items, payloads);
    let explicit = forgery.explicit();
    for (component, payload) in forgery.payloads.iter_mut().enumerate() {
        payload.extend_from_slice(&[component as u8; 32]);
        if component == explicit {
            payload.extend((0..9u64).flat_map(u64::to_le_bytes));
        } else {
            payload.extend_from_slice(&[0x50 + component as u8; 32]);
        }
    }
    forgery.digest_payloads();
    forgery
}

/// Makes `submission.json`.
pub fn make() -> Vectors<Case> {
    let setup = Setup::new();
    let (good, gold) = (setup.submission(), setup.gold_submission());
    let author = Author {
        name: CONTRIBUTOR.to_owned(),
        key: setup.contributor.clone(),
    };
    let forge = |alter: &dyn Fn(&mut Forgery<'_>)| {
        let mut forgery = forgery(&setup, &author);
        alter(&mut forgery);
        let envelopes = forgery.envelopes(&mut ChaCha20Rng::seed_from_u64(3));
        encode(&author.sign(forgery.statement, envelopes))
    };
    let mut cases = Vec::new();
    let mut case = |name: &str, bytes: Vec<u8>, answers: Option<&[(u32, u32)]>, expect: &str| {
        let components = open(&setup, &bytes).ok();
        cases.push(Case {
            name: name.to_owned(),
            submission: hex::encode(bytes),
            expect: expect.to_owned(),
            answers: answers.map(<[(u32, u32)]>::to_vec),
            elements: components.as_deref().map(sum),
            components,
        });
    };
    case("answers of a contributor", encode(&good), Some(&ANSWERS), OK);
    case("gold answers of the buyer", encode(&gold), Some(&GOLD_ANSWERS), OK);
    // Nobody sees that these are no answers before the nodes have checked them on shares.
    case("components of anything", forge(&|_| {}), None, OK);

    let bytes = encode(&good);
    case("cut in the last envelope", bytes[..bytes.len() - 1].to_vec(), None, "malformed");
    case("a byte after the end", [&bytes[..], &[0]].concat(), None, "malformed");
    let mut missing = good.clone();
    missing.envelopes.pop();
    case("an envelope too few", encode(&missing), None, "digest_mismatch");
    let mut altered = good.clone();
    altered.envelopes[1][40] ^= 1;
    case("an altered envelope", encode(&altered), None, "digest_mismatch");

    // What only a node finds out, signed by the contributor.
    let mut signed = |name: &str, expect: &str, alter: &dyn Fn(&mut Submission)| {
        let mut submission = good.clone();
        alter(&mut submission);
        let mut header = submission.header.value.clone();
        header.envelopes = submission.envelopes.iter().map(|envelope| envelope_digest(envelope)).collect();
        submission.header = Signed::new(header, Purpose::Submission, &setup.contributor);
        case(name, encode(&submission), None, expect);
    };
    signed("envelopes of two nodes exchanged", "unsealable", &|s| s.envelopes.swap(0, 1));
    signed("an altered envelope that the header names", "unsealable", &|s| {
        s.envelopes[2][40] ^= 1;
    });
    signed("an envelope without its tag", "unsealable", &|s| {
        let len = s.envelopes[0].len() - 16;
        s.envelopes[0].truncate(len);
    });
    signed("an envelope shorter than an encapsulated key", "unsealable", &|s| {
        s.envelopes[0].truncate(31);
    });
    signed("sealed for other items", "unsealable", &|s| s.header.value.statement.items[2] = 2);

    let mut forged = |name: &str, expect: &str, alter: &dyn Fn(&mut Forgery<'_>)| {
        case(name, forge(alter), None, expect);
    };
    forged("a component that its digest does not name", "digest_mismatch", &|f| {
        f.payloads[1][40] ^= 1;
    });
    forged("a salt that its digest does not name", "digest_mismatch", &|f| {
        f.payloads[1][0] ^= 1;
    });
    forged("an element too many", "digest_mismatch", &|f| {
        let explicit = f.explicit();
        f.payloads[explicit].extend_from_slice(&[0; 8]);
        f.digest_payloads();
    });
    forged("an element that is not canonical", "digest_mismatch", &|f| {
        let explicit = f.explicit();
        f.payloads[explicit][32..40].copy_from_slice(&MODULUS.to_le_bytes());
        f.digest_payloads();
    });
    Vectors {
        about: "Submissions for the cluster and the job of setup.json. Decode submission, check the header, compare the envelopes' digests, then let every node open its envelope with its key of setup.json; expect is `ok` or the first reason to reject it."
            .to_owned(),
        cases,
    }
}
