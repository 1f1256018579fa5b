//! Checking what the nodes certify to a contributor, with the cluster file, the terms, and the submissions and receipts that were kept.
//! Nothing is taken on the word of the coordinator, which passes it on.

mod check;
mod error;

use std::collections::{BTreeMap, BTreeSet};

use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::CertifiedReceipts;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::Terms;
use tacit_protocol::receipt::{ContributorRecord, Record, RootStatement, SubmissionRecord};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Header;
use tacit_protocol::withdrawal::{Erasure, ErasureReceipt};
use tacit_scoring::payout::{Pay, pay_of};

use crate::outcome::Outcome;
use check::Check;
pub use error::ReceiptError;

/// A submission that was made, and is kept here.
#[derive(Debug, Clone, Copy)]
pub struct KeptSubmission<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Where its receipt is kept, for people; `None` if the coordinator has given none.
    pub receipt: Option<&'a str>,
}

/// A submission that the coordinator has taken out of the job again.
#[derive(Debug, Clone, Copy)]
pub struct WithdrawnSubmission<'a> {
    /// Its header.
    pub header: &'a Header,
    /// What nodes have signed about its erasure.
    pub erasures: &'a [ErasureReceipt],
}

/// What the contributor knows by itself.
#[derive(Debug, Clone, Copy)]
pub struct ContributorView<'a> {
    /// The cluster file.
    pub cluster: &'a Cluster,
    /// The terms that were answered.
    pub terms: &'a Terms,
    /// The submissions that the contributor has made and not withdrawn.
    pub kept: &'a [KeptSubmission<'a>],
    /// The submissions that the contributor has withdrawn.
    pub withdrawn: &'a [WithdrawnSubmission<'a>],
}

impl<'a> ContributorView<'a> {
    fn headers(&self) -> impl Iterator<Item = &'a Header> {
        let kept = self.kept.iter().map(|one| one.header);
        kept.chain(self.withdrawn.iter().map(|one| one.header))
    }
}

/// What the nodes certify to a contributor, after every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// How many contributors have an answer that counts.
    pub contributors: u64,
    /// The names of the nodes that have signed.
    pub signers: Vec<String>,
    /// The contributor's record; `None` if none of its submissions was accepted.
    pub contributor: Option<ContributorRecord>,
    /// What became of each submission that is kept, in their order; `None` if it has no receipt, and no record either.
    pub submissions: Vec<Option<SubmissionRecord>>,
    /// How many submissions stand in the contributor's record that are not kept here: sent with another key of the same person, or with
    /// this key from elsewhere.
    pub elsewhere: usize,
    /// The pay and how it comes about; `None` where the job publishes no payouts, or none of the submissions was accepted.
    pub pay: Option<Pay>,
}

/// Checks what a coordinator passes on as certified.
///
/// # Errors
/// The first check that fails.
pub fn check(own: &ContributorView<'_>, certified: &CertifiedReceipts) -> Result<Certified, ReceiptError> {
    let (statement, ours) = (&certified.root.statement, own.terms.digest());
    if Check::Signatures.is_made() {
        certified.root.verify(own.cluster)?;
    }
    if Check::Terms.is_made() && statement.job != ours {
        return Err(ReceiptError::OtherTerms {
            theirs: statement.job,
            ours,
        });
    }
    if Check::Paths.is_made() && !certified.records.iter().all(|proof| proof.is_under(&statement.records)) {
        return Err(ReceiptError::Leaf);
    }
    let records: Vec<&Record> = certified.records.iter().map(|proof| &proof.record).collect();
    if Check::Owner.is_made() {
        are_own(own, &records)?;
    }
    let contributor = records.iter().find_map(|record| match record {
        Record::Contributor(one) => Some(one),
        Record::Submission(_) => None,
    });
    let of_contributor = contributor.map_or(&[][..], |one| &one.submissions);
    let alone = records.iter().filter_map(|record| match record {
        Record::Submission(one) => Some(one),
        Record::Contributor(_) => None,
    });
    let mut known: BTreeMap<Digest, &SubmissionRecord> = of_contributor.iter().chain(alone).map(|one| (one.digest, one)).collect();
    if Check::Withdrawn.is_made() {
        without_withdrawn(own, statement, &known)?;
    }
    let mut submissions = Vec::with_capacity(own.kept.len());
    for one in own.kept {
        let record = known.remove(&one.header.digest()).cloned();
        if let (None, Some(receipt), true) = (&record, one.receipt, Check::Complete.is_made()) {
            return Err(ReceiptError::LeftOut {
                submission: one.header.statement.id.to_string(),
                receipt: receipt.to_owned(),
            });
        }
        submissions.push(record);
    }
    if Check::Sums.is_made() {
        sums(own, contributor, &submissions)?;
    }
    let pay = match contributor {
        Some(contributor) => pay(own.terms, contributor)?,
        None => None,
    };
    let name = |node: usize| own.cluster.node_name(node);
    Ok(Certified {
        contributors: statement.records.contributors,
        signers: statement.participants.iter().map(name).collect(),
        contributor: contributor.cloned(),
        submissions,
        elsewhere: known.len(),
        pay,
    })
}

/// Checks that no submission that was withdrawn has a record. A node that has signed that it erased one takes part in no computation on a
/// list with it, so whoever has signed both deviates.
fn without_withdrawn(
    own: &ContributorView<'_>,
    statement: &RootStatement,
    known: &BTreeMap<Digest, &SubmissionRecord>,
) -> Result<(), ReceiptError> {
    for one in own.withdrawn {
        if !known.contains_key(&one.header.digest()) {
            continue;
        }
        let signers = one
            .erasures
            .iter()
            .filter_map(|receipt| Erasure::signer(receipt, own.cluster, one.header));
        let both: BTreeSet<usize> = signers.filter(|node| statement.participants.contains(*node)).collect();
        return Err(ReceiptError::Withdrawn {
            submission: one.header.statement.id.to_string(),
            nodes: both.into_iter().map(|node| own.cluster.node_name(node)).collect(),
        });
    }
    Ok(())
}

/// Checks that every record is about this contributor, and that at most one is about all its accepted submissions.
fn are_own(own: &ContributorView<'_>, records: &[&Record]) -> Result<(), ReceiptError> {
    let mut contributors = 0;
    for record in records {
        let is_own = match record {
            Record::Contributor(one) => {
                contributors += 1;
                let person = own.terms.issuers.is_some();
                own.headers().map(|header| &header.statement).any(|statement| {
                    // Where the job names issuers, a name stands for a person, who may use several keys.
                    statement.contributor == one.facts.contributor && (person || statement.key == one.facts.key)
                })
            }
            Record::Submission(one) => own.headers().any(|header| header.digest() == one.digest),
        };
        if !is_own {
            let whose = match record {
                Record::Contributor(one) => one.facts.contributor.clone(),
                Record::Submission(one) => format!("submission {}", one.digest),
            };
            return Err(ReceiptError::NotYours(whose));
        }
    }
    if contributors > 1 {
        return Err(ReceiptError::NotYours("there are two of a contributor".to_owned()));
    }
    Ok(())
}

/// Checks that the numbers of the records fit each other and what was sent.
fn sums(
    own: &ContributorView<'_>,
    contributor: Option<&ContributorRecord>,
    submissions: &[Option<SubmissionRecord>],
) -> Result<(), ReceiptError> {
    for (kept, record) in own.kept.iter().zip(submissions) {
        let Some(record) = record else { continue };
        let (id, answers) = (kept.header.statement.id, kept.header.statement.items.len());
        if record.answers as usize != answers {
            let text = format!(
                "submission {id} was sent with {answers} answers and is certified with {}",
                record.answers
            );
            return Err(ReceiptError::Sum(text));
        }
        if !record.adds_up() {
            let text = format!("of submission {id} other answers count and do not count than it has");
            return Err(ReceiptError::Sum(text));
        }
    }
    let Some(contributor) = contributor else { return Ok(()) };
    let counted: u64 = contributor.submissions.iter().map(|one| u64::from(one.counted)).sum();
    let answers = contributor.facts.answers;
    if counted != answers || contributor.facts.paired > answers {
        let text = format!("{counted} answers of your submissions count, but you are paid for {answers}");
        return Err(ReceiptError::Sum(text));
    }
    Ok(())
}

/// Works out the pay again.
fn pay(terms: &Terms, contributor: &ContributorRecord) -> Result<Option<Pay>, ReceiptError> {
    let due = pay_of(terms, &contributor.facts, |output| contributor.score(output)).map_err(ReceiptError::Scores)?;
    if Check::Pay.is_made() && due.map(|pay| pay.total) != contributor.pay {
        return Err(ReceiptError::Pay {
            certified: contributor.pay.unwrap_or(0),
            due: due.map_or(0, |pay| pay.total),
        });
    }
    Ok(due)
}

/// Checks what the coordinator says of a submission's answers against the record that the nodes have signed of it. A record has numbers
/// and nodes, but no items: which answers of the submission do not count is the coordinator's word.
///
/// # Errors
/// It says other numbers or reasons, or accuses other nodes.
pub fn check_outcome(cluster: &Cluster, header: &Header, record: &SubmissionRecord, said: &Outcome) -> Result<(), ReceiptError> {
    let submission = || header.statement.id.to_string();
    let numbers: BTreeMap<RejectReason, u64> = said.rejected.iter().map(|(reason, items)| (*reason, items.len() as u64)).collect();
    let is_same = said.accepted == u64::from(record.counted) && numbers == left_out([record]);
    if Check::Reasons.is_made() && !is_same {
        let text = format!(
            "of submission {} the coordinator names other answers that do not count than the nodes have certified",
            submission()
        );
        return Err(ReceiptError::Sum(text));
    }
    let certified = refused_by(cluster, [record]);
    if Check::Refusers.is_made() && said.refused_by != certified {
        return Err(ReceiptError::Refusers {
            submission: submission(),
            said: said.refused_by.iter().cloned().collect(),
            certified: certified.into_iter().collect(),
        });
    }
    Ok(())
}

/// The names of the nodes that could not use their part of a submission.
pub fn refused_by<'a>(cluster: &Cluster, submissions: impl IntoIterator<Item = &'a SubmissionRecord>) -> BTreeSet<String> {
    let nodes = submissions.into_iter().flat_map(|one| one.refused_by.iter());
    nodes.map(|node| cluster.node_name(node)).collect()
}

/// How many answers do not count, by reason.
pub fn left_out<'a>(submissions: impl IntoIterator<Item = &'a SubmissionRecord>) -> BTreeMap<RejectReason, u64> {
    let mut by_reason = BTreeMap::new();
    for one in submissions.into_iter().flat_map(|one| &one.left_out) {
        *by_reason.entry(one.reason).or_default() += u64::from(one.answers);
    }
    by_reason
}

#[cfg(test)]
mod tests;
