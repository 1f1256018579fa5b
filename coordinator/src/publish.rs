//! Turns what the nodes computed into what is published. Everything is verified first.

use std::borrow::Cow;
use std::io::{self, Write};

use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::{AcceptedSet, AcceptedSetError, Outcome, PublicFacts, SubmissionEntry, verdicts_digest};
use tacit_protocol::api::{RejectedAnswer, SubmissionOutcome};
use tacit_protocol::certificate::{Certificate, CertificateError, VerifiedCertificate};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::decode;
use tacit_protocol::control::Computed;
use tacit_protocol::identity::Signed;
use tacit_protocol::job::Job;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{ReleaseError, Released, Subject};
use tacit_protocol::submission::Header;
use tacit_protocol::verdict::Verdict;
use tacit_scoring::report::Report;
use thiserror::Error;

use crate::receipts::{checked_tree, receipts};
use crate::store::{Conclusion, StoredText};

/// Why the outcome of a computation cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PublishError {
    /// Two nodes returned different verdicts.
    #[error("nodes `{first}` and `{second}` returned different verdicts on the submissions: at least one of them deviates")]
    Verdicts {
        /// The name of one node.
        first: String,
        /// The name of the other node.
        second: String,
    },
    /// A node returned outputs that name another node.
    #[error("node `{0}` returned outputs in the name of another node")]
    Name(String),
    /// The verdicts do not fit the list.
    #[error("the nodes' verdicts cannot be used: {0}")]
    AcceptedSet(#[from] AcceptedSetError),
    /// The nodes agree on another computation than the coordinator asked for: then the nodes are not at fault.
    #[error(
        "all nodes signed for the same accepted set, session and participants, but not for those of this coordinator: compare their releases"
    )]
    Subject,
    /// A node signed a root of the contributors' records that does not follow from the outputs it released.
    #[error("node `{0}` signed another root of the contributors' records than follows from its own outputs")]
    Records(String),
    /// What a node released does not have the form that it must.
    #[error("node `{node}` {error}")]
    Release {
        /// The name of the node.
        node: String,
        /// What is wrong.
        error: ReleaseError,
    },
    /// The certificate does not verify, or the pay exceeds the budget.
    #[error("the certificate does not verify: {0}")]
    Certificate(#[from] CertificateError),
    /// A text to be published cannot be compressed.
    #[error("the texts to publish cannot be compressed: {0}; give the coordinator more memory")]
    Text(String),
}

impl PublishError {
    /// Nodes of which at least one deviates; empty if that is not known.
    pub(crate) fn suspects(&self, cluster: &Cluster) -> NodeSet {
        let names = match self {
            Self::Verdicts { first, second }
            | Self::Certificate(CertificateError::Copies { first, second, .. } | CertificateError::Records { first, second }) => {
                vec![first, second]
            }
            Self::Name(node) | Self::Records(node) | Self::Release { node, .. } | Self::Certificate(CertificateError::Signature(node)) => {
                vec![node]
            }
            Self::AcceptedSet(_) | Self::Subject | Self::Certificate(_) | Self::Text(_) => Vec::new(),
        };
        let index = |name: &String| cluster.nodes().iter().position(|node| node.name == *name);
        names.into_iter().filter_map(index).collect()
    }
}

/// What is published in addition to the certificate.
pub(crate) struct Publication {
    /// The text of `result.json`.
    pub result: StoredText,
    /// The text of `payouts.csv`.
    pub payouts: StoredText,
    /// The public facts of the accepted set.
    pub facts: PublicFacts,
}

/// What can be prepared of a list of submissions while the nodes compute.
pub(crate) struct PreparedSet {
    /// The header of each entry; `None` if it cannot be read.
    headers: Vec<Option<Signed<Header>>>,
    /// The accepted set if no entry is rejected, which is the usual case.
    accepted_set: Option<AcceptedSet>,
}

impl PreparedSet {
    /// Reads the encoded signed headers of the list's entries.
    pub(crate) fn new(job: &Job, list: &[SubmissionEntry], headers: &[Vec<u8>]) -> Self {
        let headers = headers.iter().map(|bytes| decode(bytes, "a submission's header").ok()).collect();
        let mut prepared = Self {
            headers,
            accepted_set: None,
        };
        // If it cannot be assembled, `conclude` reports why.
        prepared.accepted_set = prepared.accepted_set(job, list, &vec![Verdict::Accepted; list.len()]).ok();
        prepared
    }

    fn accepted_set(&self, job: &Job, list: &[SubmissionEntry], verdicts: &[Verdict]) -> Result<AcceptedSet, AcceptedSetError> {
        AcceptedSet::assemble(job, list, verdicts, |index| {
            self.headers.get(index)?.as_ref().map(|signed| &signed.value)
        })
    }
}

/// Assembles the certificate from what each participant returned, and verifies it. Returns what is stored, and the verified certificate.
///
/// # Errors
/// The parts do not fit together or do not verify.
pub(crate) fn conclude(
    cluster: &Cluster,
    job: &Job,
    participants: NodeSet,
    (list, salts): (&[SubmissionEntry], &SaltSeed),
    prepared: &PreparedSet,
    computed: Vec<(usize, Computed)>,
) -> Result<(Conclusion, VerifiedCertificate), PublishError> {
    let mut released: Vec<Released> = Vec::with_capacity(computed.len());
    let mut verdicts: Option<(usize, Vec<Verdict>)> = None;
    for (node, one) in computed {
        if usize::from(one.released.node()) != node {
            return Err(PublishError::Name(cluster.node_name(node)));
        }
        match &verdicts {
            Some((first, verdicts)) if *verdicts != one.verdicts => {
                return Err(PublishError::Verdicts {
                    first: cluster.node_name(*first),
                    second: cluster.node_name(node),
                });
            }
            Some(_) => {}
            None => verdicts = Some((node, one.verdicts)),
        }
        released.push(one.released);
    }
    let verdicts = verdicts.map(|(_, verdicts)| verdicts).unwrap_or_default();
    let accepted_set = match &prepared.accepted_set {
        Some(accepted_set) if verdicts.len() == list.len() && verdicts.iter().all(|verdict| verdict.is_accepted()) => {
            Cow::Borrowed(accepted_set)
        }
        _ => Cow::Owned(prepared.accepted_set(job, list, &verdicts)?),
    };
    let candidates = verdicts_digest(list, &candidates(&verdicts));
    let subject = Subject::new(cluster, job.digest(), candidates, &accepted_set, participants);
    let agreed = released.first().map(Released::subject);
    if agreed != Some(&subject) && released.iter().all(|one| Some(one.subject()) == agreed) {
        return Err(PublishError::Subject);
    }
    // Check each release before joining them. So a wrong form can be blamed on one node, which is then left out.
    for one in &released {
        one.check_form(cluster, job.terms(), accepted_set.facts(), &subject)
            .map_err(|error| PublishError::Release {
                node: cluster.node_name(one.node().into()),
                error,
            })?;
    }
    let tree = checked_tree(job.terms(), (list, salts), &accepted_set, &released)
        .map_err(|node| PublishError::Records(cluster.node_name(node.into())))?;
    let certified = Certificate::assemble(cluster, job, accepted_set.facts(), released)?;
    let outcomes = prepared
        .headers
        .iter()
        .zip(accepted_set.outcomes())
        .map(|(header, became)| {
            let items = header.as_ref().map_or(&[][..], |signed| &signed.value.statement.items);
            outcome(cluster, job, items, became)
        })
        .collect();
    let conclusion = Conclusion {
        certificate: stored(|to| certified.certificate().write_json(to))?,
        outcomes,
        receipts: receipts(certified.certificate(), tree, list, |entry| {
            prepared.headers.get(entry)?.as_ref().map(|signed| &signed.value)
        }),
    };
    Ok((conclusion, certified))
}

/// Derives what is published from the text of a certificate alone.
///
/// # Errors
/// The certificate does not verify, or the pay exceeds the budget.
pub(crate) fn publication(cluster: &Cluster, certificate: &[u8]) -> Result<Publication, PublishError> {
    let certificate = Certificate::from_json(certificate)?;
    let report = Report::new(&certificate, cluster)?;
    Publication::new(&report, certificate.facts)
}

impl Publication {
    /// Derives what is published from a certificate that has just been verified.
    ///
    /// # Errors
    /// The pay exceeds the budget, or an output has a value that no answers give.
    pub(crate) fn from_certified(certified: VerifiedCertificate) -> Result<Self, PublishError> {
        let report = Report::of_verified(certified.certificate(), certified.opened())?;
        Self::new(&report, certified.into_certificate().facts)
    }

    fn new(report: &Report, facts: PublicFacts) -> Result<Self, PublishError> {
        Ok(Self {
            result: stored(|to| report.write_json(to))?,
            payouts: stored(|to| to.write_all(&report.payouts_csv()))?,
            facts,
        })
    }
}

/// A text as it is stored.
fn stored(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<StoredText, PublishError> {
    StoredText::written(write).map_err(|e| PublishError::Text(e.to_string()))
}

/// The verdicts from before the nodes checked for malformed answers.
fn candidates(verdicts: &[Verdict]) -> Vec<Verdict> {
    let before = |verdict: &Verdict| match verdict {
        Verdict::Rejected(RejectReason::MalformedAnswer) => Verdict::Accepted,
        verdict => *verdict,
    };
    verdicts.iter().map(before).collect()
}

/// The outcome of a submission with answers to `items`.
fn outcome(cluster: &Cluster, job: &Job, items: &[u32], became: &Outcome) -> SubmissionOutcome {
    let answer = |item: &u32, reason: RejectReason| {
        let item = job.items().get(*item as usize)?.id.clone();
        Some(RejectedAnswer { item, reason })
    };
    let rejected: Vec<RejectedAnswer> = match became {
        Outcome::Rejected(reason) | Outcome::Refused(reason, _) => items.iter().filter_map(|item| answer(item, *reason)).collect(),
        Outcome::Counted(but) => {
            let rejected = but.iter().filter_map(|(row, reason)| answer(items.get(*row as usize)?, *reason));
            rejected.collect()
        }
    };
    let refused_by = match became {
        Outcome::Refused(_, by) => by.iter().map(|node| cluster.node_name(node)).collect(),
        Outcome::Rejected(_) | Outcome::Counted(_) => Vec::new(),
    };
    SubmissionOutcome {
        accepted: (items.len() - rejected.len()) as u64,
        rejected,
        refused_by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_name_every_answer_that_does_not_count() {
        let job = tacit_protocol::fixtures::job_of("signs", crate::testing::spec(4)).unwrap();
        let cluster = tacit_protocol::fixtures::cluster_with_keys(3, 1).cluster;
        let outcome = |items: &[u32], became: &Outcome| outcome(&cluster, &job, items, became);
        let answer = |item: &str, reason| RejectedAnswer {
            item: item.to_owned(),
            reason,
        };
        let (full, sealed) = (RejectReason::ItemFull, RejectReason::Unsealable);
        let some = outcome(&[0, 2, 3], &Outcome::Counted(vec![(1, full)]));
        assert_eq!((some.accepted, some.rejected), (2, vec![answer("item-2", full)]));
        let none = outcome(&[1, 3], &Outcome::Rejected(sealed));
        assert_eq!(
            (none.accepted, none.rejected),
            (0, vec![answer("item-1", sealed), answer("item-3", sealed)])
        );
        let by = [1, 2].into_iter().collect();
        let refused = outcome(&[1], &Outcome::Refused(sealed, by));
        assert_eq!(refused.rejected, vec![answer("item-1", sealed)]);
        assert_eq!(
            (none.refused_by.len(), refused.refused_by),
            (0, vec!["node-1".to_owned(), "node-2".to_owned()])
        );
        let one = outcome(&[1], &Outcome::Counted(vec![(0, full)]));
        assert_eq!((one.accepted, one.rejected), (0, vec![answer("item-1", full)]));
    }

    #[test]
    fn malformed_submissions_were_candidates() {
        let unsealable = Verdict::Rejected(RejectReason::Unsealable);
        let malformed = Verdict::Rejected(RejectReason::MalformedAnswer);
        assert_eq!(
            candidates(&[Verdict::Accepted, malformed, unsealable]),
            [Verdict::Accepted, Verdict::Accepted, unsealable]
        );
    }
}
