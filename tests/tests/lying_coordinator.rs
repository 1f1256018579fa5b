//! A deviating coordinator that tells real nodes different things. The nodes never release two results of one job, release nothing if they
//! were told different things, and go on working.

use std::time::Duration;

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::phase::Phase;
use tacit_protocol::release::OutputName;
use tacit_protocol::submission::Delivery;
use tacit_tests::impostor::coordinator::{Ended, ImpostorCoordinator};
use tacit_tests::impostor::work::{Work, output, released_products};

/// Longer than any test waits: a node that waits for another although it could detect the problem fails the test.
const LONG: Duration = Duration::from_secs(600);
/// For cases in which nodes notice the problem only by waiting for each other.
const SHORT: Duration = Duration::from_secs(2);

fn set(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

/// The error of a computation at every node, none of which may have outputs.
fn refusals(ended: Vec<Ended>) -> Vec<Refusal> {
    let refusal = |one: Ended| one.expect_err("a node released outputs");
    ended.into_iter().map(refusal).collect()
}

/// Sends each node a list of its own.
fn with_lists(impostor: &ImpostorCoordinator, work: &Work, attempt: u32, lists: [Vec<SubmissionEntry>; 3]) -> Vec<Refusal> {
    let told: Vec<_> = (0..3)
        .zip(lists)
        .map(|(node, list)| (node, attempt, impostor.all(), list))
        .collect();
    refusals(impostor.compute_each(work, &told))
}

/// The number of sessions of all nodes that failed in a phase.
fn failures(impostor: &ImpostorCoordinator, phase: Phase) -> u64 {
    impostor.all().iter().map(|node| impostor.failures(node, phase.name())).sum()
}

#[test]
fn a_replayed_attempt_shares_no_mask_with_the_first() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let work = impostor.prepare("replay");
    let first = impostor.completes(&work, 7, impostor.all(), &work.list());
    let second = impostor.completes(&work, 7, impostor.all(), &work.list());
    let names = first[0].released.outputs().iter().map(|output| output.name).collect::<Vec<_>>();
    let values = |computed: &[Computed]| {
        names
            .iter()
            .map(|name| output(&impostor.cluster, computed, *name))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&first), values(&second));
    assert_eq!(output(&impostor.cluster, &first, OutputName::ClassTotals), work.totals(&[0, 1, 2]));
    let (first, second) = (released_products(&first, 2), released_products(&second, 2));
    assert_eq!((first.len(), second.len()), (4 * 3, 4 * 3));
    assert!(first.is_disjoint(&second), "the first computation's components came again");

    impostor.unharmed("after");
}

#[test]
fn an_attempt_asked_for_twice_at_once_has_one_result_at_most() {
    let impostor = ImpostorCoordinator::start(3, 1, SHORT);
    for round in 0..3 {
        let work = impostor.prepare(&format!("twice-{round}"));
        let told: Vec<_> = (0..6).map(|i| (i % 3, 1, impostor.all(), work.list())).collect();
        let ended = impostor.compute_each(&work, &told);
        for refusal in ended.iter().filter_map(|one| one.as_ref().err()) {
            assert!(matches!(refusal, Refusal::Session { .. }), "{refusal}");
        }
        let again = impostor.completes(&work, 2, impostor.all(), &work.list());
        for one in ended.into_iter().flatten() {
            assert_eq!(one.released.subject(), again[0].released.subject());
        }
        let totals = output(&impostor.cluster, &again, OutputName::ClassTotals);
        assert_eq!(totals, work.totals(&[0, 1, 2]));
    }
    impostor.unharmed("after");
}

#[test]
fn nodes_that_were_told_different_lists_stop_and_name_each_other() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let work = impostor.prepare("lists");
    let whole = work.list();
    let mut other_order = whole.clone();
    other_order.swap(0, 2);
    let mut other_count = whole.clone();
    other_count[1].answers = 2;
    let fewer = whole[..2].to_vec();
    for (attempt, odd) in (1..).zip([other_order, other_count, fewer, Vec::new()]) {
        let refused = with_lists(&impostor, &work, attempt, [whole.clone(), odd, whole.clone()]);
        for (node, refusal) in refused.iter().enumerate() {
            let Refusal::Session {
                phase,
                suspects,
                transient: false,
                message,
            } = refusal
            else {
                panic!("{refusal:?}")
            };
            assert_eq!(*phase, Some(Phase::AcceptedSet));
            assert!(suspects.contains(1) && suspects.contains(node), "{suspects:?}");
            assert!(
                message.contains("the list of submissions") && message.contains("node-1"),
                "{message}"
            );
        }
        assert_eq!(failures(&impostor, Phase::AcceptedSet), 3 * u64::from(attempt));
    }
    // The job still works after that.
    impostor.completes(&work, 9, impostor.all(), &whole);
    impostor.unharmed("after");
}

#[test]
fn outputs_of_a_second_set_are_never_released() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let work = impostor.prepare("subset");
    let released = impostor.completes(&work, 1, impostor.all(), &work.list());
    for (attempt, list) in (2..).zip([work.list()[..2].to_vec(), work.list()[1..].to_vec(), Vec::new()]) {
        let refused = refusals(impostor.compute(&work, attempt, impostor.all(), &list));
        for refusal in &refused {
            // A node that learns first that another has stopped reports that instead.
            let stopped = matches!(
                refusal,
                Refusal::Session {
                    phase: Some(Phase::Release),
                    transient: true,
                    ..
                }
            );
            assert!(stopped || *refusal == Refusal::ReleasedBefore(work.job.id().clone()), "{refusal}");
        }
        assert!(
            refused.iter().any(|refusal| matches!(refusal, Refusal::ReleasedBefore(_))),
            "{refused:?}"
        );
        assert_eq!(failures(&impostor, Phase::Release), 3 * u64::from(attempt - 1));
    }
    // A coordinator alone makes no node erase the job, nor does somebody's signature; new deliveries change nothing.
    let cancel = |signature| Request::Cancel {
        job: work.job.id().clone(),
        signature,
    };
    let cancellation = Some(work.cancellation(&work.job.digest()));
    let others = impostor.prepare("subset-of-another-buyer").cancellation(&work.job.digest());
    let not_cancelled = Reply::Refused(Refusal::NotCancelled(work.job.id().clone()));
    for node in impostor.all().iter() {
        for signature in [None, Some(others), Some(work.cancellation(&Digest::of("other terms", &[])))] {
            assert_eq!(impostor.ask(node, cancel(signature)), not_cancelled);
        }
        impostor.open(node, work.job.id(), &work.spec);
        let late = impostor.deliver(node, &work, work.deliveries(node));
        assert!(late.iter().all(Option::is_some), "{late:?}");
    }
    let refused = refusals(impostor.compute(&work, 8, impostor.all(), &work.list()[..2]));
    assert!(
        refused.iter().any(|refusal| matches!(refusal, Refusal::ReleasedBefore(_))),
        "{refused:?}"
    );
    assert_eq!(released.len(), 3);
    // Once its buyer has cancelled it, it is over for good.
    let ended = Refusal::Ended(work.job.id().clone());
    for node in impostor.all().iter() {
        for _ in 0..2 {
            assert_eq!(impostor.ask(node, cancel(cancellation)), Reply::Erased);
        }
        let open = Request::OpenJob {
            id: work.job.id().clone(),
            spec: work.spec.clone(),
        };
        assert_eq!(impostor.ask(node, open), Reply::Refused(ended.clone()));
    }
    let refused = refusals(impostor.compute(&work, 9, impostor.all(), &work.list()));
    assert!(refused.iter().all(|refusal| *refusal == ended), "{refused:?}");
    impostor.unharmed("after");
}

/// A certificate, put together of what the nodes have computed as the coordinator does it.
fn certificate(impostor: &ImpostorCoordinator, work: &Work, computed: &[Computed]) -> Certificate {
    let list = work.list();
    let headers: Vec<_> = (0..list.len())
        .map(|one| Delivery::decode(&work.delivery(one, 0).1).unwrap().header.value)
        .collect();
    let accepted = AcceptedSet::assemble(&work.job, &list, &computed[0].verdicts, |index| headers.get(index)).unwrap();
    let released = computed.iter().map(|one| one.released.clone()).collect();
    let certified = Certificate::assemble(&impostor.cluster, &work.job, accepted.facts(), released).unwrap();
    certified.into_certificate()
}

#[test]
fn a_job_is_erased_for_its_own_certificate_and_for_no_other() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let [work, other] = ["certified", "another"].map(|id| impostor.prepare(id));
    let [own, theirs] =
        [&work, &other].map(|work| certificate(&impostor, work, &impostor.completes(work, 1, impostor.all(), &work.list())));
    let certified = |certificate: Vec<u8>| Request::Certified {
        job: work.job.id().clone(),
        certificate,
    };
    // Fewer signatures, another number, other bytes, and what is certified of another job.
    let mut fewer = own.clone();
    fewer.signatures.pop();
    let mut altered = own.clone();
    altered.facts.answers += 1;
    let mut other_job = theirs.clone();
    other_job.terms = own.terms.clone();
    for (what, text) in [
        ("nothing", Vec::new()),
        ("fewer signatures", fewer.to_json()),
        ("other facts", altered.to_json()),
        ("of another job", theirs.to_json()),
        ("of another job under these terms", other_job.to_json()),
    ] {
        let reply = impostor.ask(0, certified(text));
        assert!(matches!(&reply, Reply::Refused(Refusal::Malformed(_))), "{what}: {reply:?}");
    }
    impostor.completes(&work, 2, impostor.all(), &work.list());
    assert_eq!(impostor.ask(0, certified(own.to_json())), Reply::Erased);
    assert_eq!(impostor.ask(0, certified(own.to_json())), Reply::Erased, "the same again");
    let refused = refusals(impostor.compute_each(&work, &[(0, 3, impostor.all(), work.list())]));
    assert_eq!(refused, [Refusal::Ended(work.job.id().clone())]);
    impostor.unharmed("after");
}

#[test]
fn two_quorums_never_release_two_sets() {
    let impostor = ImpostorCoordinator::start(4, 1, LONG);
    // Two of three nodes have released before, and the third releases nothing either.
    let work = impostor.prepare("quorums");
    let (whole, fewer) = (work.list(), work.list()[..2].to_vec());
    impostor.completes(&work, 1, set(&[0, 1, 2]), &whole);
    for (attempt, participants) in [(2, set(&[1, 2, 3])), (3, set(&[0, 1, 3])), (4, impostor.all())] {
        let refused = refusals(impostor.compute(&work, attempt, participants, &fewer));
        assert!(
            refused.iter().any(|refusal| matches!(refusal, Refusal::ReleasedBefore(_))),
            "{refused:?}"
        );
    }
    impostor.unharmed("after");
}

#[test]
fn two_quorums_at_once_release_one_set_at_most() {
    let impostor = ImpostorCoordinator::start(4, 1, SHORT);
    for (n, order) in [[0, 1, 2, 1, 2, 3], [1, 2, 3, 0, 1, 2]].iter().enumerate() {
        let work = impostor.prepare(&format!("at-once-{n}"));
        let first = (1, set(&order[..3]), work.list());
        let second = (2, set(&order[3..]), work.list()[..2].to_vec());
        let told: Vec<_> = [first, second]
            .into_iter()
            .flat_map(|(attempt, participants, list)| participants.iter().map(move |node| (node, attempt, participants, list.clone())))
            .collect();
        let ended = impostor.compute_each(&work, &told);
        let sets: Vec<_> = ended
            .into_iter()
            .flatten()
            .map(|computed| computed.released.subject().accepted)
            .collect();
        assert!(sets.windows(2).all(|pair| pair[0] == pair[1]), "{sets:?}");
    }
    impostor.unharmed("after");
}

#[test]
fn participants_that_cannot_be_are_refused_at_once() {
    let impostor = ImpostorCoordinator::start(4, 1, LONG);
    let work = impostor.prepare("participants");
    let impossible = [
        (0, set(&[0, 1]), "at least 3 of the cluster's 4 nodes"),
        (0, set(&[0]), "at least 3 of the cluster's 4 nodes"),
        (0, NodeSet::default(), "at least 3 of the cluster's 4 nodes"),
        (0, set(&[1, 2, 3]), "node 0 is not among the participants"),
        (3, set(&[0, 1, 2]), "node 3 is not among the participants"),
        (0, set(&[0, 1, 2, 7]), "the cluster's 4 nodes"),
    ];
    for (attempt, (node, participants, says)) in (1..).zip(impossible) {
        let refused = refusals(impostor.compute_each(&work, &[(node, attempt, participants, work.list())]));
        assert!(
            matches!(&refused[0], Refusal::Malformed(output) if output.contains(says)),
            "{says}: {refused:?}"
        );
    }
    impostor.completes(&work, 9, impostor.all(), &work.list());
    impostor.unharmed("after");
}

#[test]
fn nodes_that_were_told_different_participants_or_specs_release_nothing() {
    let impostor = ImpostorCoordinator::start(4, 1, SHORT);
    let work = impostor.prepare("split");
    let (three, others) = (set(&[0, 1, 2]), set(&[1, 2, 3]));
    for told in [
        [(0, three), (1, others), (2, others), (3, others)],
        [(0, impostor.all()), (1, three), (2, three), (3, others)],
    ] {
        let told = told.map(|(node, participants)| (node, 1, participants, work.list()));
        released_by_those_told_the_same(&told, impostor.compute_each(&work, &told));
    }
    assert!(failures(&impostor, Phase::AcceptedSet) > 0);

    // Node 3 alone gets another spec, so the submissions are for another job there.
    let work = Work::new(&impostor.cluster, "specs");
    for node in 0..4 {
        let spec = if node == 3 { work.other_spec() } else { work.spec.clone() };
        impostor.open(node, work.job.id(), &spec);
        let outcomes = impostor.deliver(node, &work, work.deliveries(node));
        assert_eq!(outcomes.iter().all(Option::is_none), node != 3, "{outcomes:?}");
    }
    let before = failures(&impostor, Phase::AcceptedSet);
    for refusal in refusals(impostor.compute(&work, 1, impostor.all(), &work.list())) {
        let Refusal::Session { phase, suspects, .. } = &refusal else {
            panic!("{refusal}")
        };
        assert!(*phase == Some(Phase::AcceptedSet) && !suspects.is_empty(), "{refusal}");
    }
    assert_eq!(failures(&impostor, Phase::AcceptedSet), before + 4);
    // A node that already has the job refuses another spec.
    let (id, spec) = (work.job.id().clone(), work.other_spec());
    let reply = impostor.ask(0, Request::OpenJob { id: id.clone(), spec });
    assert_eq!(reply, tacit_protocol::control::Reply::Refused(Refusal::OtherSpec(id)));
    impostor.unharmed("after");
}

/// Nodes may release only if all were told the same.
fn released_by_those_told_the_same(told: &[(usize, u32, NodeSet, Vec<SubmissionEntry>)], ended: Vec<Ended>) {
    for ((node, _, participants, _), one) in told.iter().zip(ended) {
        let alike = participants
            .iter()
            .all(|peer| told.iter().any(|(other, _, theirs, _)| *other == peer && theirs == participants));
        match one {
            Ok(computed) => assert!(alike && computed.released.subject().participants == *participants, "node {node}"),
            Err(refusal) => assert!(matches!(refusal, Refusal::Session { transient: true, .. }), "{refusal}"),
        }
    }
}
