//! Whether a job is full: every item has as many answers as the job asks for, each by another contributor, and the buyer has uploaded the
//! gold answers, if the job has any. Only submissions count that a quorum of nodes has and that no more nodes refuse than may be corrupt:
//! so garbage closes no job, and no node keeps a job from closing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::Job;
use tacit_protocol::submission::{Statement, Subject, gold};

/// Counts the answers to each item of a job.
pub(crate) struct Completeness {
    wanted: u32,
    /// How many items have fewer than `wanted` answers.
    missing: usize,
    /// How many contributors have answered each item.
    counts: Vec<u32>,
    contributors: HashMap<Subject, u32>,
    /// In how many counted submissions a contributor answers an item, by contributor and item.
    given: HashMap<(u32, u32), u32>,
    /// The received submissions, by sequence number.
    known: BTreeMap<u64, Answers>,
    /// The nodes that refuse a submission, by its sequence number.
    refused: BTreeMap<u64, NodeSet>,
    /// How many nodes may be corrupt. A submission that no more refuse still counts.
    threshold: usize,
    /// The key that signs the buyer's gold answers, and the first item of each part that is missing.
    gold: Option<(PublicKey, BTreeSet<u32>)>,
    /// A quorum of nodes has the submissions before this one.
    reached: u64,
    /// How many answers are in known submissions that are refused.
    refused_answers: u64,
    /// The submissions that were taken back, by sequence number: one can be before it is known.
    withdrawn: BTreeSet<u64>,
}

struct Answers {
    contributor: u32,
    items: Vec<u32>,
}

impl Completeness {
    /// The state of a job without submissions.
    pub(crate) fn new(job: &Job, threshold: usize) -> Self {
        let parts = |key: PublicKey| (key, (0..gold::parts(job)).map(|part| gold::items_of(job, part).start).collect());
        Self {
            gold: job
                .terms()
                .gold
                .as_ref()
                .filter(|_| job.terms().scores_gold())
                .map(|gold| parts(gold.key)),
            ..Self::without_gold(job.items().len(), job.terms().answers_per_item, threshold)
        }
    }

    fn without_gold(items: usize, wanted: u32, threshold: usize) -> Self {
        Self {
            gold: None,
            wanted,
            missing: items,
            counts: vec![0; items],
            contributors: HashMap::new(),
            given: HashMap::new(),
            known: BTreeMap::new(),
            refused: BTreeMap::new(),
            threshold,
            reached: 0,
            refused_answers: 0,
            withdrawn: BTreeSet::new(),
        }
    }

    /// Notes a received submission.
    pub(crate) fn receive(&mut self, sequence: u64, statement: &Statement) {
        if let Some((key, missing)) = &mut self.gold
            && *key == statement.key
        {
            if let Some(first) = statement.items.first() {
                missing.remove(first);
            }
            return;
        }
        if self.withdrawn.contains(&sequence) {
            return;
        }
        let next = self.contributors.len() as u32;
        let answers = Answers {
            contributor: *self.contributors.entry(statement.subject()).or_insert(next),
            items: statement.items.clone(),
        };
        if self.known.insert(sequence, answers).is_some() {
            return;
        }
        if self.is_refused(sequence) {
            self.refused_answers += statement.items.len() as u64;
        }
        if sequence < self.reached {
            self.count(sequence);
        }
    }

    /// Notes that a node refuses a submission.
    pub(crate) fn refuse(&mut self, sequence: u64, node: usize) {
        let before = self.is_refused(sequence);
        let by = self.refused.entry(sequence).or_default();
        *by = by.union([node].into_iter().collect());
        if before || !self.is_refused(sequence) {
            return;
        }
        if let Some(answers) = self.known.get(&sequence) {
            self.refused_answers += answers.items.len() as u64;
        }
        if sequence < self.reached {
            self.discount(sequence);
        }
    }

    /// Notes that a submission was taken back: it is none any more.
    pub(crate) fn withdraw(&mut self, sequence: u64) {
        self.withdrawn.insert(sequence);
        let refused = self.is_refused(sequence);
        if !refused && sequence < self.reached {
            self.discount(sequence);
        }
        if let Some(answers) = self.known.remove(&sequence)
            && refused
        {
            self.refused_answers -= answers.items.len() as u64;
        }
    }

    /// How many answers never count, as more nodes refuse their submissions than may be corrupt.
    pub(crate) fn refused_answers(&self) -> u64 {
        self.refused_answers
    }

    /// Whether more nodes refuse a submission than may be corrupt.
    fn is_refused(&self, sequence: u64) -> bool {
        self.refused.get(&sequence).is_some_and(|by| by.len() > self.threshold)
    }

    /// Notes that a quorum of nodes has the submissions with sequence numbers below `reached`.
    pub(crate) fn reach(&mut self, reached: u64) {
        while self.reached < reached {
            self.reached += 1;
            self.count(self.reached - 1);
        }
    }

    /// How many items have all their answers.
    pub(crate) fn complete_items(&self) -> u64 {
        (self.counts.len() - self.missing) as u64
    }

    /// Whether two contributors have answered the same item and both answers may count. Received submissions are looked at, whether or not a
    /// quorum of nodes has them, but for those that are refused.
    pub(crate) fn is_comparable(&self) -> bool {
        if self.wanted < 2 || self.contributors.len() < 2 {
            return false;
        }
        if self.counts.iter().any(|count| *count >= 2) {
            return true;
        }
        let mut first_to_answer = HashMap::new();
        let usable = self.known.iter().filter(|(sequence, _)| !self.is_refused(**sequence));
        usable
            .flat_map(|(_, answers)| answers.items.iter().map(|item| (*item, answers.contributor)))
            .any(|(item, contributor)| *first_to_answer.entry(item).or_insert(contributor) != contributor)
    }

    /// Whether every item has its answers and no gold answers are missing.
    pub(crate) fn is_full(&self) -> bool {
        self.missing == 0 && self.gold.as_ref().is_none_or(|(_, missing)| missing.is_empty())
    }

    /// Whether the gold answers to these items are missing. `items` are those of one part, in order.
    pub(crate) fn lacks_gold(&self, items: &[u32]) -> bool {
        let first = items.first();
        self.gold
            .as_ref()
            .is_some_and(|(_, missing)| first.is_some_and(|item| missing.contains(item)))
    }

    /// A second answer of a contributor to an item adds nothing: the nodes do not count it either.
    fn count(&mut self, sequence: u64) {
        let Some(answers) = self.known.get(&sequence).filter(|_| !self.is_refused(sequence)) else {
            return;
        };
        for item in &answers.items {
            let given = self.given.entry((answers.contributor, *item)).or_default();
            *given += 1;
            if *given == 1
                && let Some(count) = self.counts.get_mut(*item as usize)
            {
                *count += 1;
                self.missing -= usize::from(*count == self.wanted);
            }
        }
    }

    fn discount(&mut self, sequence: u64) {
        let Some(answers) = self.known.get(&sequence) else { return };
        for item in &answers.items {
            let Some(given) = self.given.get_mut(&(answers.contributor, *item)) else {
                continue;
            };
            *given -= 1;
            if *given == 0
                && let Some(count) = self.counts.get_mut(*item as usize)
            {
                self.missing += usize::from(*count == self.wanted);
                *count -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_mpc_core::digest::Digest;
    use tacit_protocol::submission::SubmissionId;

    fn statement(key: u8, items: &[u32]) -> Statement {
        Statement {
            cluster: Digest::of("c", &[]),
            job: "j".parse().unwrap(),
            job_digest: Digest::of("j", &[]),
            contributor: key.to_string(),
            key: PublicKey::from_bytes([key; 32]),
            id: SubmissionId::from_bytes([0; 16]),
            items: items.to_vec(),
            components: Vec::new(),
            epochs: Vec::new(),
            credential: None,
            consent: None,
        }
    }

    #[test]
    fn is_full_when_every_item_has_answers_of_different_contributors() {
        let mut completeness = Completeness::without_gold(2, 2, 1);
        completeness.receive(0, &statement(1, &[0, 1]));
        completeness.receive(1, &statement(1, &[0, 1]));
        completeness.receive(2, &statement(2, &[1]));
        completeness.receive(3, &statement(3, &[1]));
        completeness.reach(4);
        assert!(!completeness.is_full());
        assert_eq!(completeness.complete_items(), 1);
        completeness.receive(4, &statement(3, &[0, 7]));
        assert!(!completeness.is_full());
        completeness.reach(5);
        assert!(completeness.is_full());
        assert_eq!(completeness.complete_items(), 2);
    }

    #[test]
    fn answers_are_comparable_once_two_contributors_have_answered_an_item() {
        let mut completeness = Completeness::without_gold(3, 2, 0);
        assert!(!completeness.is_comparable());
        completeness.receive(0, &statement(1, &[0, 1]));
        completeness.receive(1, &statement(1, &[0]));
        assert!(!completeness.is_comparable(), "one contributor twice");
        completeness.receive(2, &statement(2, &[2]));
        assert!(!completeness.is_comparable(), "other items");
        completeness.receive(3, &statement(2, &[1]));
        assert!(completeness.is_comparable(), "although no node has them yet");
        completeness.withdraw(3);
        assert!(!completeness.is_comparable());
        completeness.receive(4, &statement(3, &[0]));
        completeness.refuse(4, 0);
        assert!(!completeness.is_comparable(), "refused for good");
        completeness.receive(5, &statement(4, &[0]));
        completeness.reach(6);
        assert!(completeness.is_comparable());
        let mut single = Completeness::without_gold(1, 1, 0);
        single.receive(0, &statement(1, &[0]));
        single.receive(1, &statement(2, &[0]));
        assert!(!single.is_comparable(), "the second answer does not count");
    }

    #[test]
    fn a_job_with_gold_is_not_full_before_the_gold_is_there() {
        let mut spec = crate::testing::spec(2);
        let key = PublicKey::from_bytes([9; 32]);
        spec.answers_per_item = 1;
        let mut completeness = Completeness::new(&tacit_protocol::fixtures::job_of("j", spec).unwrap(), 1);
        completeness.gold = Some((key, [0].into()));
        completeness.receive(0, &statement(1, &[0, 1]));
        completeness.reach(2);
        assert!(!completeness.is_full() && completeness.lacks_gold(&[0, 1]));
        completeness.receive(1, &statement(9, &[0, 1]));
        assert!(completeness.is_full() && !completeness.lacks_gold(&[0, 1]));
    }

    #[test]
    fn a_refused_submission_never_counts_whenever_it_becomes_known() {
        let mut completeness = Completeness::without_gold(1, 2, 0);
        completeness.receive(0, &statement(1, &[0]));
        completeness.receive(1, &statement(2, &[0]));
        completeness.refuse(0, 0);
        completeness.reach(2);
        assert!(!completeness.is_full());
        // They may be delivered before `receive` is called.
        completeness.reach(4);
        completeness.receive(3, &statement(4, &[0]));
        completeness.receive(2, &statement(3, &[0]));
        assert!(completeness.is_full());
        completeness.refuse(3, 0);
        assert!(completeness.is_full());
        completeness.refuse(2, 0);
        completeness.refuse(2, 0);
        assert!(!completeness.is_full());
        completeness.receive(4, &statement(5, &[0]));
        completeness.reach(5);
        assert!(completeness.is_full());
    }

    #[test]
    fn no_more_nodes_than_may_be_corrupt_keep_a_job_from_closing() {
        let mut completeness = Completeness::without_gold(1, 1, 1);
        completeness.receive(0, &statement(1, &[0]));
        completeness.reach(1);
        completeness.refuse(0, 2);
        completeness.refuse(0, 2);
        assert!(completeness.is_full());
        completeness.refuse(0, 1);
        assert!(!completeness.is_full());
    }

    #[test]
    fn answers_that_never_count_are_counted_once_until_they_are_withdrawn() {
        let mut completeness = Completeness::without_gold(3, 1, 1);
        completeness.receive(0, &statement(1, &[0, 1]));
        completeness.receive(1, &statement(2, &[2]));
        completeness.reach(3);
        completeness.refuse(0, 0);
        assert_eq!(completeness.refused_answers(), 0, "one node may be corrupt");
        for node in [1, 1, 2] {
            completeness.refuse(0, node);
            // Refused before it is known.
            completeness.refuse(2, node);
        }
        assert_eq!(completeness.refused_answers(), 2);
        completeness.receive(2, &statement(3, &[0]));
        completeness.receive(2, &statement(3, &[0]));
        assert_eq!(completeness.refused_answers(), 3);
        completeness.withdraw(0);
        completeness.withdraw(0);
        assert_eq!(completeness.refused_answers(), 1);
        completeness.receive(3, &statement(4, &[0, 1]));
        completeness.reach(4);
        assert!(completeness.is_full());
        completeness.withdraw(1);
        assert!(!completeness.is_full(), "one that counted is missed");
        completeness.withdraw(4);
        completeness.receive(4, &statement(2, &[2]));
        completeness.reach(5);
        assert!(!completeness.is_full(), "withdrawn before it was known");
        assert_eq!(completeness.refused_answers(), 1);
    }

    #[test]
    fn a_repeated_answer_still_counts_when_one_of_its_submissions_is_refused() {
        let mut completeness = Completeness::without_gold(1, 1, 0);
        completeness.receive(0, &statement(1, &[0]));
        completeness.receive(1, &statement(1, &[0]));
        completeness.reach(2);
        completeness.refuse(0, 0);
        assert!(completeness.is_full());
        completeness.refuse(1, 0);
        assert!(!completeness.is_full());
    }
}
