//! Corrupt nodes that choose whose answers count: they say that they cannot use the others' submissions, or that these break a rule.
//!
//! With one victim left, labels are the victim's answers. Everything else is honest: coordinator, contributors and the other nodes.

use std::collections::BTreeSet;

use super::scenario::CLUSTERS;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_mpc_core::testing::{Misbehaviour, World};
use tacit_protocol::accepted::{AcceptedSet, PublicFacts};
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, job_of, signed_for, submission, submission_list};
use tacit_protocol::job::{Item, Job, JobSpec};
use tacit_protocol::question::{Categorical, Release};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::Released;
use tacit_protocol::submission::{Header, OpenedSubmission, Submission};
use tacit_protocol::verdict::Verdict;
use tacit_scoring::report::Report;
use tacit_scoring::testing::{TestSubmissions, asked};
use tacit_scoring::{Scored, ScoringError, Submissions};

const ITEMS: u32 = 8;
const CLASSES: u32 = 4;
const PEOPLE: u32 = 6;
const VICTIM: usize = 3;

/// A job whose labels come out, and its submissions.
struct Crowd {
    members: ClusterWithKeys,
    job: Job,
    submissions: Vec<Submission>,
}

/// What a contributor answers, each otherwise than the others.
fn answers_of(contributor: u32) -> Vec<u32> {
    (0..ITEMS)
        .map(|item| (contributor * 7 + item * item + contributor * item) % CLASSES)
        .collect()
}

/// A node's submissions with verdicts that it makes up.
struct Claims<'a> {
    own: TestSubmissions<'a>,
    verdicts: Vec<Verdict>,
}

impl Submissions for Claims<'_> {
    fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        self.own.header(entry)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        self.own.open(entry)
    }

    fn permits(&self, facts: &PublicFacts) -> bool {
        self.own.permits(facts)
    }

    fn record_release(&self, accepted: &Digest) -> bool {
        self.own.record_release(accepted)
    }

    fn noise_keys(&self, party: &Party) -> Result<Option<OwnKeys>, ScoringError> {
        self.own.noise_keys(party)
    }

    fn store_noise_keys(&self, keys: &StoredKeys) -> bool {
        self.own.store_noise_keys(keys)
    }
}

impl Crowd {
    fn new(nodes: usize, threshold: usize) -> Self {
        let members = cluster_with_keys(nodes, threshold);
        let classes = Categorical::new((0..CLASSES).map(|class| class.to_string()));
        let spec = JobSpec {
            answers_per_item: 5,
            sensitive: false,
            release: BTreeSet::from([Release::Labels, Release::ClassTotals]),
            quorum: Some(1),
            ..JobSpec::new("test", classes, (0..ITEMS).map(|i| Item::new(format!("i{i}"))))
        };
        let job = signed_for(&members.cluster, &job_of("test", spec).unwrap());
        let crowd = (0..PEOPLE).map(|c| {
            let answers: Vec<(u32, u32)> = (0..).zip(answers_of(c)).collect();
            submission(&members, &job, c, &answers)
        });
        Self {
            submissions: crowd.collect(),
            members,
            job,
        }
    }

    fn nodes(&self) -> usize {
        self.members.cluster.nodes().len()
    }

    /// The computation if these nodes give this reason for all but the victim's submission, and nobody performs some checks.
    fn run(&self, corrupt: NodeSet, reason: RejectReason, skipped: &[Check]) -> Vec<Result<Scored, ScoringError>> {
        let Self { members, job, submissions } = self;
        let list = submission_list(submissions);
        let world = (0..self.nodes()).fold(World::new(members.cluster.access().clone(), 1), |world, node| {
            let skipped = skipped.to_vec();
            world.misbehave(
                node,
                Misbehaviour {
                    skipped,
                    ..Misbehaviour::default()
                },
            )
        });
        world.run(|party, network, mut rng| {
            let own = TestSubmissions::look_up(members, job, party.me(), submissions, &list);
            let mut verdicts = own.verdicts.clone();
            if corrupt.contains(party.me()) {
                let others = verdicts.iter_mut().enumerate().filter(|(entry, _)| *entry != VICTIM);
                others.for_each(|(_, verdict)| *verdict = Verdict::Rejected(reason));
            }
            tacit_scoring::run(
                party,
                network,
                &members.cluster,
                job,
                asked(&list),
                &Claims { own, verdicts },
                &mut rng,
            )
        })
    }

    /// The labels that are published for an outcome, and for how many contributors.
    fn published(&self, outcome: Vec<Result<Scored, ScoringError>>) -> (Vec<u32>, u64) {
        let scored: Vec<Scored> = outcome.into_iter().map(Result::unwrap).collect();
        let header = |entry: usize| self.submissions.get(entry).map(|one| &one.header.value);
        let list = submission_list(&self.submissions);
        let accepted = AcceptedSet::assemble(&self.job, &list, &scored[0].verdicts, header).unwrap();
        let released = scored
            .into_iter()
            .enumerate()
            .map(|(me, one)| Released::new(one.subject, me as u8, &one.outputs, one.records, &self.members.identities[me]));
        let certified = Certificate::assemble(&self.members.cluster, &self.job, accepted.facts(), released.collect());
        // Who refuses stands in the facts, and no verifier takes a certificate in which no honest node need be among them.
        let certified = match certified {
            Ok(certified) => certified,
            Err(CertificateError::PublicFacts(_)) => return (Vec::new(), 0),
            Err(other) => panic!("{other}"),
        };
        let report = Report::new(certified.certificate(), &self.members.cluster).unwrap();
        let label = |label: Option<&str>| label.unwrap().parse().unwrap();
        (report.labels.iter().map(|one| label(one.label)).collect(), report.job.contributors)
    }
}

/// Every set of `t` nodes at the ends of the cluster.
fn coalitions(nodes: usize, threshold: usize) -> [NodeSet; 2] {
    [(0..threshold).collect(), (nodes - threshold..nodes).collect()]
}

#[test]
fn t_nodes_that_cannot_use_what_the_others_hold_end_the_session_and_are_named() {
    for (nodes, threshold) in CLUSTERS.into_iter().chain([(4, 1)]) {
        let crowd = Crowd::new(nodes, threshold);
        for corrupt in coalitions(nodes, threshold) {
            for reason in [RejectReason::Unsealable, RejectReason::DigestMismatch, RejectReason::NotDelivered] {
                for (node, result) in crowd.run(corrupt, reason, &[]).into_iter().enumerate() {
                    let Err(ScoringError::Disputed(dispute)) = result else {
                        panic!("{reason}, node {node}: {result:?}")
                    };
                    assert_eq!(dispute.refusing, corrupt);
                    assert_eq!(dispute.submissions, u64::from(PEOPLE) - 1);
                    assert!(corrupt.contains(node) || dispute.suspects == corrupt);
                }
            }
        }
    }
}

#[test]
fn t_nodes_that_name_a_rule_which_nobody_broke_end_the_session_and_are_named() {
    for (nodes, threshold) in CLUSTERS {
        let crowd = Crowd::new(nodes, threshold);
        for corrupt in coalitions(nodes, threshold) {
            for reason in RejectReason::ALL.into_iter().filter(|reason| !reason.is_private()) {
                let outcome = crowd.run(corrupt, reason, &[]);
                for (node, result) in outcome.iter().enumerate().filter(|(node, _)| !corrupt.contains(*node)) {
                    let Err(ScoringError::Session(error)) = result else {
                        panic!("{reason}, node {node}: {result:?}")
                    };
                    assert!(
                        !error.suspects().is_empty() && error.suspects().minus(corrupt).is_empty(),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[test]
fn where_one_word_of_a_node_counts_it_publishes_the_answers_of_its_victim() {
    for (nodes, threshold) in CLUSTERS {
        let crowd = Crowd::new(nodes, threshold);
        let corrupt = [nodes - 1].into_iter().collect();
        let private = crowd.run(corrupt, RejectReason::Unsealable, &[Check::Refusals]);
        let list = submission_list(&crowd.submissions);
        let scored = private[0].as_ref().unwrap();
        let header = |entry: usize| crowd.submissions.get(entry).map(|one| &one.header.value);
        let accepted = AcceptedSet::assemble(&crowd.job, &list, &scored.verdicts, header).unwrap();
        assert_eq!(accepted.facts().contributors.len(), 1, "five of six are left out");
        // All nodes have signed for it; who verifies the certificate is the last who can notice.
        assert_eq!(crowd.published(private).1, 0);

        // A false rule comes as far as a dispute where it is believed, and to the victim's answers where the dispute is not seen.
        for result in crowd.run(corrupt, RejectReason::Malformed, &[Check::PublicReasons]) {
            assert!(matches!(result, Err(ScoringError::Disputed(dispute)) if dispute.refusing == corrupt));
        }
        let both = [Check::PublicReasons, Check::Refusals];
        let (labels, contributors) = crowd.published(crowd.run(corrupt, RejectReason::Malformed, &both));
        assert_eq!((labels, contributors), (answers_of(VICTIM as u32), 1));
    }
}

#[test]
fn what_more_than_t_nodes_cannot_use_is_left_out_and_the_certificate_says_who_refused_it() {
    for (nodes, threshold) in CLUSTERS {
        let crowd = Crowd::new(nodes, threshold);
        let refusing: NodeSet = (nodes - threshold - 1..nodes).collect();
        let scored: Vec<Scored> = crowd
            .run(refusing, RejectReason::NotDelivered, &[])
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let header = |entry: usize| crowd.submissions.get(entry).map(|one| &one.header.value);
        let list = submission_list(&crowd.submissions);
        let accepted = AcceptedSet::assemble(&crowd.job, &list, &scored[0].verdicts, header).unwrap();
        let released = scored
            .into_iter()
            .enumerate()
            .map(|(me, one)| Released::new(one.subject, me as u8, &one.outputs, one.records, &crowd.members.identities[me]));
        let certified = Certificate::assemble(&crowd.members.cluster, &crowd.job, accepted.facts(), released.collect()).unwrap();
        let refused = &certified.certificate().facts.refused;
        assert_eq!(refused.len(), 1);
        assert_eq!((refused[0].nodes, refused[0].submissions), (refusing, u64::from(PEOPLE) - 1));

        // Nobody can take a node out of it, or put one in, without all signatures.
        for nodes in [refusing.without(nodes - 1), NodeSet::all(nodes)] {
            let mut altered = certified.certificate().clone();
            altered.facts.refused[0].nodes = nodes;
            assert!(altered.verify(&crowd.members.cluster).is_err());
        }
    }
}
