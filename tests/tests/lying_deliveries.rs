//! A coordinator with wrong deliveries, lists and requests: what one node lacks it gets from the others, nodes refuse what they cannot read
//! and what they must not give away, and honest answers are scored as usual.

use std::time::Duration;

use tacit_link::Link;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::codec::encode;
use tacit_protocol::control::{MAX_MESSAGE_BYTES, Refusal, Reply, Request};
use tacit_protocol::peer::{Answer, PeerQuestion, Question, Unanswered, Wanted};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::OutputName;
use tacit_protocol::submission::MAX_ELEMENTS;
use tacit_protocol::verdict::Verdict;
use tacit_tests::impostor::coordinator::{ImpostorCoordinator, counted};
use tacit_tests::impostor::identity;
use tacit_tests::impostor::raw::RawConnection;
use tacit_tests::impostor::work::{Work, output};

const LONG: Duration = Duration::from_secs(600);

/// Computes a list. Returns the verdicts, which must be the same at all nodes, and the class totals.
fn scored(impostor: &ImpostorCoordinator, work: &Work, list: &[SubmissionEntry]) -> (Vec<Verdict>, Vec<Fp61>) {
    let computed = impostor.completes(work, 1, impostor.all(), list);
    assert!(computed.iter().all(|one| one.verdicts == computed[0].verdicts));
    (
        computed[0].verdicts.clone(),
        output(&impostor.cluster, &computed, OutputName::ClassTotals),
    )
}

#[test]
fn a_submission_that_one_node_did_not_get_as_it_was_sent_is_repaired_and_counts() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let (wrong, digest) = (RejectReason::Malformed, RejectReason::DigestMismatch);
    type Tamper = fn(&Work, &mut Vec<(Digest, Vec<u8>)>);
    let cases: [(&str, Tamper, Vec<Option<RejectReason>>); 6] = [
        (
            "another",
            |work, batch| batch[0].1 = work.delivery(1, 1).1,
            vec![Some(wrong), None, None],
        ),
        (
            "swapped",
            |_, batch| {
                let first = batch[0].1.clone();
                batch[0].1 = std::mem::replace(&mut batch[1].1, first);
            },
            vec![Some(wrong), Some(wrong), None],
        ),
        (
            "of-node-0",
            |work, batch| batch[2] = work.delivery(2, 0),
            vec![None, None, Some(digest)],
        ),
        ("cut", |_, batch| batch[0].1.truncate(20), vec![Some(wrong), None, None]),
        ("garbage", |_, batch| batch[1].1 = vec![0xa5; 4096], vec![None, Some(wrong), None]),
        ("withheld", |_, batch| batch.truncate(1), vec![None]),
    ];
    for (name, tamper, expected) in cases {
        let work = Work::new(&impostor.cluster, name);
        for node in 0..3 {
            impostor.open(node, work.job.id(), &work.spec);
            let mut batch = work.deliveries(node);
            if node == 1 {
                tamper(&work, &mut batch);
                assert_eq!(impostor.deliver(node, &work, batch), expected, "{name}");
            } else {
                impostor.deliver(node, &work, batch);
            }
        }
        assert_eq!(
            scored(&impostor, &work, &work.list()),
            (vec![Verdict::Accepted; 3], work.totals(&[0, 1, 2])),
            "{name}"
        );
        if name == "of-node-0" {
            // What was repaired stays good, whatever is delivered later.
            assert_eq!(
                impostor.deliver(1, &work, vec![work.delivery(2, 0)]),
                [Some(RejectReason::JobClosed)]
            );
        }
    }
    assert!(repairs(&impostor, 1, "repaired") >= 8);
    assert_eq!(repairs(&impostor, 0, "repaired") + repairs(&impostor, 2, "repaired"), 0);
    impostor.unharmed("after");
}

/// How many submissions a node has repaired, or not.
fn repairs(impostor: &ImpostorCoordinator, node: usize, outcome: &str) -> u64 {
    let admin = impostor.nodes.nodes[node].as_ref().unwrap().admin().to_owned();
    counted(&admin, &format!("tacit_node_repairs_total{{outcome=\"{outcome}\"}} "))
}

#[test]
fn what_is_delivered_to_more_than_t_nodes_counts_and_what_t_get_alone_does_not() {
    for (nodes, threshold) in [(4, 1), (5, 2)] {
        let impostor = ImpostorCoordinator::start(nodes, threshold, LONG);
        let work = Work::new(&impostor.cluster, "some");
        for node in 0..nodes {
            impostor.open(node, work.job.id(), &work.spec);
            // Submission 0 comes to all, 1 to the first t + 1 nodes, 2 to the first t.
            let count = 1 + usize::from(node <= threshold) + usize::from(node < threshold);
            impostor.deliver(node, &work, work.deliveries(node)[..count].to_vec());
        }
        let without = (threshold..nodes).collect();
        let expected = vec![
            Verdict::Accepted,
            Verdict::Accepted,
            Verdict::Refused(RejectReason::NotDelivered, without),
        ];
        assert_eq!(scored(&impostor, &work, &work.list()), (expected, work.totals(&[0, 1])));
        impostor.unharmed("after");
    }
}

#[test]
fn a_node_gets_from_its_peers_what_it_should_hold_and_nothing_else() {
    let mut impostor = ImpostorCoordinator::start(3, 1, LONG);
    let work = impostor.prepare("asked");
    let cluster = std::sync::Arc::clone(&impostor.cluster);
    // Node 0 dials all others, so whoever has its key can ask node 2. The node itself is stopped: it would take its place again.
    let key = identity(&impostor.nodes.node_folder(0));
    impostor.nodes.kill_node(0);
    let question = |wanted: &[(usize, Vec<u8>)]| Question {
        job: work.job.id().clone(),
        terms: work.job.digest(),
        wanted: wanted
            .iter()
            .map(|(submission, components)| Wanted {
                submission: work.listed(*submission).submission,
                header: true,
                components: components.clone(),
            })
            .collect(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ask = |questions: &[Question]| {
        runtime.block_on(async {
            let link = Link::bind("127.0.0.1:0".parse().unwrap(), &key, std::sync::Arc::clone(&cluster)).unwrap();
            let connection = link.connect(2).await.unwrap();
            let mut answers = Vec::new();
            for question in questions {
                answers.push(connection.ask(&PeerQuestion::Parts(question.clone())).await);
            }
            link.close().await;
            answers
        })
    };
    // Component 0 is the one that node 0 must not have.
    let forbidden = Answer::Refused(Unanswered::Forbidden);
    let bad = [vec![0], vec![1, 0], vec![3], vec![255]];
    let bad: Vec<Question> = bad
        .into_iter()
        .flat_map(|components| [question(&[(0, components.clone())]), question(&[(1, vec![1]), (0, components)])])
        .collect();
    for answer in ask(&bad) {
        assert_eq!(answer.unwrap(), forbidden);
    }
    let too_much = question(&vec![(0, vec![1]); 65]);
    // More submissions, and more components of one, than a question may name.
    let answers = ask(&[question(&[(0, vec![1, 2]), (2, vec![1])]), too_much, question(&[(0, vec![1; 300])])]);
    let Answer::Parts(parts) = answers[0].as_ref().unwrap() else {
        panic!("{answers:?}")
    };
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| !part.header.is_empty() && part.payloads[0].len() >= 64));
    assert!(parts[0].payloads[1].is_empty(), "node 2 does not hold component 2 itself");
    for answer in &answers[1..] {
        assert_eq!(*answer.as_ref().unwrap(), Answer::Refused(Unanswered::TooMuch));
    }
    let line = "tacit_node_peer_questions_total{outcome=\"forbidden\",peer=\"node-0\"} ";
    let admin = impostor.nodes.nodes[2].as_ref().unwrap().admin().to_owned();
    assert_eq!(counted(&admin, line), bad.len() as u64);
    impostor.nodes.start_node(0);
    impostor.nodes.ready();
    impostor.connect();
    impostor.unharmed("after");
}

#[test]
fn a_list_that_lies_about_its_entries_changes_no_number() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let ghost = |n: u64, answers: u32| SubmissionEntry {
        submission: Digest::of("never delivered", &[&n.to_le_bytes()]),
        answers,
    };
    // Submissions that no node got, and one that one node did not get: the others give it to that node, and its answers are more
    // than the job asks for.
    let work = impostor.prepare("undelivered");
    let mut partly = Work::new(&impostor.cluster, "partly");
    partly.submit(&impostor.cluster, &[0, 0, 0]);
    for node in 0..3 {
        impostor.open(node, partly.job.id(), &partly.spec);
        let count = if node == 2 { 3 } else { 4 };
        impostor.deliver(node, &partly, partly.deliveries(node)[..count].to_vec());
    }
    let (accepted, missing) = (Verdict::Accepted, Verdict::Refused(RejectReason::NotDelivered, impostor.all()));
    let list = [vec![ghost(0, 3)], work.list(), vec![ghost(1, 0)]].concat();
    assert_eq!(
        scored(&impostor, &work, &list),
        (vec![missing, accepted, accepted, accepted, missing], work.totals(&[0, 1, 2]))
    );
    assert_eq!(
        scored(&impostor, &partly, &partly.list()),
        (vec![accepted; 4], partly.totals(&[0, 1, 2]))
    );

    // Entries with other numbers of answers than the headers.
    let work = impostor.prepare("counts");
    let mut list = work.list();
    (list[0].answers, list[2].answers) = (2, MAX_ELEMENTS as u32);
    let wrong = Verdict::Rejected(RejectReason::Malformed);
    assert_eq!(scored(&impostor, &work, &list), (vec![wrong, accepted, wrong], work.totals(&[1])));

    // A list that is longer than any honest one.
    let work = impostor.prepare("long");
    let long: Vec<SubmissionEntry> = work
        .list()
        .into_iter()
        .chain((0..40_000).map(|n| ghost(n, MAX_ELEMENTS as u32)))
        .collect();
    let (verdicts, totals) = scored(&impostor, &work, &long);
    assert_eq!(verdicts[..3], [accepted; 3]);
    assert!(verdicts[3..].iter().all(|verdict| *verdict == missing));
    assert_eq!(totals, work.totals(&[0, 1, 2]));
    impostor.unharmed("after");
}

#[test]
fn a_list_that_cannot_be_is_refused() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let work = impostor.prepare("impossible");
    let mut many = work.list();
    many[1].answers = MAX_ELEMENTS as u32 + 1;
    let mut most = work.list();
    most[1].answers = u32::MAX;
    let twice = [work.list(), vec![work.listed(0)]].concat();
    for (attempt, (list, entry)) in (1..).zip([(twice, "entry 3"), (many, "entry 1"), (most, "entry 1")]) {
        for (node, one) in impostor.compute(&work, attempt, impostor.all(), &list).into_iter().enumerate() {
            let refusal = one.expect_err("a node released outputs");
            assert!(matches!(&refusal, Refusal::Malformed(says) if says.contains(entry)), "{refusal}");
            assert_eq!(impostor.failures(node, "accepted_set"), u64::from(attempt));
        }
    }
    impostor.completes(&work, 9, impostor.all(), &work.list());
    impostor.unharmed("after");
}

#[test]
fn requests_about_jobs_that_are_not_there_or_not_jobs_are_refused() {
    let impostor = ImpostorCoordinator::start(3, 1, LONG);
    let work = Work::new(&impostor.cluster, "unknown");
    let id = work.job.id().clone();
    let unknown = Reply::Refused(Refusal::UnknownJob(id.clone()));
    let (job, submissions) = (id.clone(), work.deliveries(0));
    assert_eq!(impostor.ask(0, Request::Deliver { job, submissions }), unknown);
    let ended = impostor.compute(&work, 1, impostor.all(), &work.list());
    assert!(ended.iter().all(|one| *one == Err(Refusal::UnknownJob(id.clone()))), "{ended:?}");
    for spec in [b"{".to_vec(), b"{}".to_vec(), vec![0xff; 1 << 20], vec![b'['; 1 << 20]] {
        let reply = impostor.ask(0, Request::OpenJob { id: id.clone(), spec });
        assert!(matches!(reply, Reply::Refused(Refusal::Job(_))), "{reply:?}");
    }
    // After a release, the nodes accept no more submissions, even if the job is not closed.
    let early = impostor.prepare("early");
    impostor.completes(&early, 1, impostor.all(), &early.list()[..2]);
    let refused = impostor.compute(&early, 2, impostor.all(), &early.list());
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    let mut late = Work::new(&impostor.cluster, "early");
    late.submit(&impostor.cluster, &[0, 0, 0]);
    assert_eq!(
        impostor.deliver(0, &late, vec![late.delivery(3, 0)]),
        [Some(RejectReason::JobClosed)]
    );
    impostor.unharmed("after");
}

#[test]
fn bytes_that_are_no_request_are_refused_and_cost_nothing() {
    let mut impostor = ImpostorCoordinator::start(3, 1, LONG);
    let key = identity(&impostor.nodes.coordinator_folder());
    let frame = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let request = encode(&Request::Cancel {
        job: "none".parse().unwrap(),
        signature: None,
    });
    let announced = (MAX_MESSAGE_BYTES as u32 + 1).to_le_bytes().to_vec();
    let cases = [
        (frame(&[0xff; 100]), "a request"),
        (frame(&[]), "a request"),
        (frame(&[request.as_slice(), &[0]].concat()), "a request"),
        (frame(&request[..request.len() - 1]), "a request"),
        (frame(&[[2, 0, 0, 0].as_slice(), &[0xff; 8]].concat()), "a request"),
        (vec![0xff; 64], "more than"),
        (announced, "more than"),
        (frame(&[0; 100])[..50].to_vec(), "unexpected end"),
        (vec![1, 0], "unexpected end"),
        (Vec::new(), "without a request"),
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let held = runtime.block_on(async {
        let raw = RawConnection::connect(impostor.address(0), &key, &impostor.cluster).await;
        for (bytes, says) in cases {
            let answer = raw.say(&bytes).await;
            let reply: Reply = tacit_protocol::codec::decode(answer.get(4..).unwrap_or_default(), "a reply").unwrap();
            assert!(
                matches!(&reply, Reply::Refused(Refusal::Malformed(why)) if why.contains(says)),
                "{says}: {reply:?}"
            );
        }
        assert!(raw.is_open());
        // Requests that never end, and connections without a request, delay nobody else.
        let mut unfinished = Vec::new();
        for _ in 0..200 {
            let (mut send, recv) = raw.stream().await;
            send.write_all(&frame(&[0; 100])[..50]).await.unwrap();
            unfinished.push((send, recv));
        }
        let silent = RawConnection::connect_silently(impostor.address(0), &key).await;
        (raw, unfinished, silent)
    });
    impostor.connect();
    impostor.unharmed("after");
    drop(held);
}
