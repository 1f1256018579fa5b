//! Checking what the nodes certify to a contributor, with the cluster file, the terms, and the submissions and receipts that were kept: the
//! coordinator, which passes it on, is believed in nothing.

use std::collections::BTreeMap;

use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::CertifiedReceipts;
use tacit_protocol::certificate::CertificateError;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::Terms;
use tacit_protocol::receipt::{ContributorRecord, Record, RootError, SubmissionRecord};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Header;
use tacit_scoring::payout::{Pay, pay_of};
use thiserror::Error;

/// Why what a coordinator passes on as certified is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The nodes have not signed the root.
    #[error("what the coordinator calls certified is not: {0}; do not rely on it, keep your receipts, and tell the operators")]
    Root(#[from] RootError),
    /// The nodes have certified a job of other terms.
    #[error(
        "what is certified is for a job of other terms than you answered: their digest is {theirs}, yours {ours}; keep your receipts, and \
         tell the operators"
    )]
    OtherTerms {
        /// The digest of the certified job's terms.
        theirs: Digest,
        /// The digest of the terms that were answered.
        ours: Digest,
    },
    /// A record is not under the root.
    #[error(
        "a record does not fit the root that the nodes have signed: the coordinator has altered it; keep your receipts, and tell the \
         operators"
    )]
    Leaf,
    /// A record is about somebody else, or there is more than one about the contributor.
    #[error("the coordinator gave a record of somebody else: {0}; keep your receipts, and tell the operators")]
    NotYours(String),
    /// A submission has no record.
    #[error(
        "submission {submission}: the nodes have certified nothing about it: the coordinator left it out: keep this receipt \
         ({receipt}), and show it to the operators"
    )]
    LeftOut {
        /// The submission's id.
        submission: String,
        /// Where its receipt is kept.
        receipt: String,
    },
    /// The numbers of a record contradict each other, or what was sent.
    #[error("the certified numbers do not add up: {0}; keep your receipts, and tell the operators")]
    Sum(String),
    /// The pay does not follow from the record by the terms.
    #[error("you are certified {certified} micro-units, but by the terms {due} are due: keep your receipts, and tell the operators")]
    Pay {
        /// The certified pay; 0 if there is none.
        certified: u64,
        /// What follows from the record by the terms; 0 if there is no pay.
        due: u64,
    },
    /// No pay follows from the record by the terms.
    #[error("no pay follows from what is certified to you: {0}; keep your receipts, and tell the operators")]
    Scores(CertificateError),
}

impl ReceiptError {
    /// The exit code of `tacit receipt`, so that a script can tell the ways of failing apart.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Root(_) | Self::OtherTerms { .. } => 10,
            Self::Leaf | Self::NotYours(_) => 11,
            Self::LeftOut { .. } => 12,
            Self::Sum(_) => 13,
            Self::Pay { .. } | Self::Scores(_) => 14,
        }
    }
}

/// A submission that was made, and kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Where its receipt is kept, for people; `None` if the coordinator has given none.
    pub receipt: Option<&'a str>,
}

/// What the contributor knows by itself.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The cluster file.
    pub cluster: &'a Cluster,
    /// The terms that were answered.
    pub terms: &'a Terms,
    /// The submissions that the contributor has made.
    pub kept: &'a [Kept<'a>],
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

/// The checks one by one, so that a test can show what each of them prevents.
#[derive(Debug, Clone, Copy)]
struct Checks {
    signatures: bool,
    terms: bool,
    paths: bool,
    owner: bool,
    complete: bool,
    sums: bool,
    pay: bool,
}

impl Checks {
    const ALL: Self = Self {
        signatures: true,
        terms: true,
        paths: true,
        owner: true,
        complete: true,
        sums: true,
        pay: true,
    };
}

/// Checks what a coordinator passes on as certified.
///
/// # Errors
/// The first check that fails.
pub fn check(own: &Own<'_>, certified: &CertifiedReceipts) -> Result<Certified, ReceiptError> {
    check_with(own, certified, Checks::ALL)
}

fn check_with(own: &Own<'_>, certified: &CertifiedReceipts, checks: Checks) -> Result<Certified, ReceiptError> {
    let (statement, ours) = (&certified.root.statement, own.terms.digest());
    if checks.signatures {
        certified.root.verify(own.cluster)?;
    }
    if checks.terms && statement.job != ours {
        return Err(ReceiptError::OtherTerms {
            theirs: statement.job,
            ours,
        });
    }
    if checks.paths && !certified.records.iter().all(|proof| proof.is_under(&statement.records)) {
        return Err(ReceiptError::Leaf);
    }
    let records: Vec<&Record> = certified.records.iter().map(|proof| &proof.record).collect();
    if checks.owner {
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
    let mut submissions = Vec::with_capacity(own.kept.len());
    for one in own.kept {
        let record = known.remove(&one.header.digest()).cloned();
        if let (None, Some(receipt), true) = (&record, one.receipt, checks.complete) {
            return Err(ReceiptError::LeftOut {
                submission: one.header.statement.id.to_string(),
                receipt: receipt.to_owned(),
            });
        }
        submissions.push(record);
    }
    if checks.sums {
        sums(own, contributor, &submissions)?;
    }
    let pay = match contributor {
        Some(contributor) => pay(own.terms, contributor, checks.pay)?,
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

/// Checks that every record is about this contributor, and that at most one is about all its accepted submissions.
fn are_own(own: &Own<'_>, records: &[&Record]) -> Result<(), ReceiptError> {
    let mut contributors = 0;
    for record in records {
        let is_own = match record {
            Record::Contributor(one) => {
                contributors += 1;
                let person = own.terms.issuers.is_some();
                own.kept.iter().map(|kept| &kept.header.statement).any(|statement| {
                    // Where the job names issuers, a name stands for a person, who may use several keys.
                    statement.contributor == one.facts.contributor && (person || statement.key == one.facts.key)
                })
            }
            Record::Submission(one) => own.kept.iter().any(|kept| kept.header.digest() == one.digest),
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
fn sums(own: &Own<'_>, contributor: Option<&ContributorRecord>, submissions: &[Option<SubmissionRecord>]) -> Result<(), ReceiptError> {
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
fn pay(terms: &Terms, contributor: &ContributorRecord, compare: bool) -> Result<Option<Pay>, ReceiptError> {
    let due = pay_of(terms, &contributor.facts, |output| contributor.score(output)).map_err(ReceiptError::Scores)?;
    if compare && due.map(|pay| pay.total) != contributor.pay {
        return Err(ReceiptError::Pay {
            certified: contributor.pay.unwrap_or(0),
            due: due.map_or(0, |pay| pay.total),
        });
    }
    Ok(due)
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
