//! What is certified to one contributor, and of one submission.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;

use crate::accepted::{AcceptedSet, ContributorFacts, Outcome, Scale, SubmissionEntry};
use crate::reject::RejectReason;
use crate::release::OutputName;

/// A leaf of the tree of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Record {
    /// What is certified to a contributor of whom a submission was accepted.
    Contributor(ContributorRecord),
    /// A submission that counts for no contributor: a rejected one, or the buyer's gold answers. Not every node can say whose a rejected
    /// one is, so it has a record of its own; who sent it knows its digest.
    Submission(SubmissionRecord),
}

/// What is certified to a contributor: a person with all its keys where the job names issuers, else the owner of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributorRecord {
    /// What is public about the contributor, as it stands in the certificate. A contributor of whom nothing counts does not stand there:
    /// it has 0 answers here.
    pub facts: ContributorFacts,
    /// The contributor's element of each output that the job opens about contributors, in the order of the outputs.
    pub scores: Vec<Score>,
    /// The pay in micro-units; none where the job publishes no payouts.
    pub pay: Option<u64>,
    /// Its accepted submissions, in the order of the list.
    pub submissions: Vec<SubmissionRecord>,
}

/// A contributor's element of an opened output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The output.
    pub output: OutputName,
    /// The element, as the nodes have opened it.
    pub value: Fp61,
}

/// What became of a submission in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmissionRecord {
    /// The digest of its header.
    pub digest: Digest,
    /// How many answers it holds, as listed.
    pub answers: u32,
    /// How many of them count. Those of the buyer's gold answers count for nobody.
    pub counted: u32,
    /// How many do not count, by reason in the order of [`RejectReason`].
    pub left_out: Vec<LeftOut>,
    /// The nodes that could not use their part of it, if that is why it does not count; else none.
    pub refused_by: NodeSet,
}

/// How many answers of a submission do not count for a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The reason.
    pub reason: RejectReason,
    /// How many answers.
    pub answers: u32,
}

impl ContributorRecord {
    /// The contributor's element of an output; `None` where the job does not open it, or nothing of the contributor counts.
    pub fn score(&self, output: OutputName) -> Option<Fp61> {
        self.scores.iter().find(|score| score.output == output).map(|score| score.value)
    }
}

impl SubmissionRecord {
    /// What became of an entry of the list.
    pub fn new(entry: &SubmissionEntry, outcome: &Outcome) -> Self {
        let mut left_out: BTreeMap<RejectReason, u32> = BTreeMap::new();
        let refused_by = match outcome {
            Outcome::Rejected(reason) => {
                left_out.insert(*reason, entry.answers);
                NodeSet::default()
            }
            Outcome::Refused(reason, by) => {
                left_out.insert(*reason, entry.answers);
                *by
            }
            Outcome::Counted(but) => {
                but.iter().for_each(|(_, reason)| *left_out.entry(*reason).or_default() += 1);
                NodeSet::default()
            }
        };
        Self {
            digest: entry.submission,
            answers: entry.answers,
            counted: entry.answers.saturating_sub(left_out.values().sum()),
            left_out: left_out.into_iter().map(|(reason, answers)| LeftOut { reason, answers }).collect(),
            refused_by,
        }
    }

    /// Whether counted answers and those left out are all answers of the submission.
    pub fn adds_up(&self) -> bool {
        let left_out: u64 = self.left_out.iter().map(|one| u64::from(one.answers)).sum();
        u64::from(self.counted) + left_out == u64::from(self.answers)
    }
}

impl Record {
    /// The records of a list that became this accepted set. The scores and the pay of contributors are missing: they follow from what is
    /// opened.
    pub fn without_pay(list: &[SubmissionEntry], accepted: &AcceptedSet) -> Vec<Self> {
        let of_entry = |entry: usize| Some(SubmissionRecord::new(list.get(entry)?, accepted.outcomes().get(entry)?));
        let mut has_contributor = vec![false; list.len()];
        let mut records = Vec::with_capacity(accepted.contributors().len());
        for contributor in accepted.contributors() {
            let entries = contributor.entries.iter().map(|entry| *entry as usize);
            entries.clone().for_each(|entry| has_contributor[entry] = true);
            records.push(Self::Contributor(ContributorRecord {
                facts: accepted
                    .facts()
                    .contributor(&contributor.name)
                    .cloned()
                    .unwrap_or(ContributorFacts {
                        contributor: contributor.name.clone(),
                        key: contributor.key,
                        answers: 0,
                        paired: 0,
                        scale: Scale::NONE,
                    }),
                scores: Vec::new(),
                pay: None,
                submissions: entries.filter_map(of_entry).collect(),
            }));
        }
        let others = has_contributor.iter().enumerate().filter(|(_, has)| !**has);
        records.extend(others.filter_map(|(entry, _)| of_entry(entry)).map(Self::Submission));
        records
    }

    /// What the record is about: no two records of a tree have the same.
    pub(super) fn identity(&self) -> Vec<u8> {
        match self {
            Self::Contributor(one) => crate::codec::encode(&(0u8, &one.facts.contributor)),
            Self::Submission(one) => crate::codec::encode(&(1u8, one.digest)),
        }
    }
}
