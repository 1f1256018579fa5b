//! What the nodes certify to each contributor, kept so that each can fetch its own part. The coordinator makes the same records itself: so
//! it finds the node that signed another root.

use std::collections::HashMap;

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::api::CertifiedReceipts;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::Terms;
use tacit_protocol::receipt::{ReceiptRoot, Record, RecordTree, SaltSeed};
use tacit_protocol::release::{OutputName, OutputValues, Released};
use tacit_protocol::submission::Header;
use tacit_scoring::records::with_pay;

use crate::store::Receipts;

/// The tree of the records that follow from what the nodes release.
///
/// # Errors
/// The index of the first node whose root is not the one of the outputs that it released itself: it deviates, whatever the others do.
pub(crate) fn checked_tree(
    terms: &Terms,
    (list, salts): (&[SubmissionEntry], &SaltSeed),
    accepted: &AcceptedSet,
    released: &[Released],
) -> Result<RecordTree, u8> {
    let (outputs, contributors) = (OutputName::of_job(terms, accepted.facts()), accepted.facts().contributors.len());
    let records = Record::without_pay(list, accepted);
    // One tree for each version of the outputs: honest nodes release the same.
    let mut trees: Vec<(Vec<&[Fp61]>, RecordTree)> = Vec::new();
    for one in released {
        let about: Vec<&[Fp61]> = outputs
            .iter()
            .filter(|name| name.is_about_contributors())
            .filter_map(|name| opened(one, *name))
            .collect();
        let known = trees.iter().position(|(outputs, _)| *outputs == about);
        let at = match known {
            Some(at) => at,
            None => {
                let records = with_pay(terms, records.clone(), &outputs, |name| opened(one, name)).map_err(|_| one.node())?;
                trees.push((about, RecordTree::new(salts, records)));
                trees.len() - 1
            }
        };
        let tree = trees.get(at).map(|(_, tree)| tree);
        if tree.map(|tree| ReceiptRoot::new(tree, contributors)) != Some(one.records()) {
            return Err(one.node());
        }
    }
    // If there are several, the nodes' copies of an output differ, and no certificate can be assembled.
    let first = trees.into_iter().next().map(|(_, tree)| tree);
    Ok(first.unwrap_or_else(|| RecordTree::new(salts, records)))
}

/// The elements of an opened output of a release.
fn opened(released: &Released, name: OutputName) -> Option<&[Fp61]> {
    let output = released.outputs().iter().find(|output| output.name == name)?;
    match &output.values {
        OutputValues::Opened(values) => Some(values),
        OutputValues::Components(_) => None,
    }
}

/// What is kept for contributors: each record for the keys of its submissions, whose headers are given by their place in the list.
pub(crate) fn receipts<'h>(
    certificate: &Certificate,
    tree: RecordTree,
    list: &[SubmissionEntry],
    header: impl Fn(usize) -> Option<&'h Header>,
) -> Receipts {
    let keys: HashMap<Digest, PublicKey> = list
        .iter()
        .enumerate()
        .filter_map(|(entry, listed)| Some((listed.submission, header(entry)?.statement.key)))
        .collect();
    let mut records = Vec::new();
    for proof in tree.into_proofs() {
        let submissions = match &proof.record {
            Record::Contributor(one) => one.submissions.as_slice(),
            Record::Submission(one) => std::slice::from_ref(one),
        };
        let mut owners: Vec<PublicKey> = submissions.iter().filter_map(|one| keys.get(&one.digest).copied()).collect();
        owners.sort_unstable();
        owners.dedup();
        let encoded = encode(&proof);
        records.extend(owners.into_iter().map(|owner| (owner, encoded.clone())));
    }
    let root = certificate.certified_root();
    Receipts {
        root: encode(&root),
        records,
    }
}

/// What a contributor gets of a root and its own records, as they were stored; `None` if they cannot be read.
pub(crate) fn certified(root: &[u8], records: &[Vec<u8>]) -> Option<CertifiedReceipts> {
    let record = |bytes: &Vec<u8>| decode(bytes, "a stored record").ok();
    Some(CertifiedReceipts {
        root: decode(root, "a stored root").ok()?,
        records: records.iter().map(record).collect::<Option<_>>()?,
    })
}
