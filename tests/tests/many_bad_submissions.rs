//! Ten thousand bad submissions among ten thousand good ones: the job has exactly the result of the good ones.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread::scope;

use serde_json::{Value, json};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::fixtures::share;
use tacit_protocol::job::Job;
use tacit_protocol::question::Answer;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Submission;
use tacit_tests::api_client::{cluster_file, enrol, job, submit};
use tacit_tests::cluster::TestCluster;
use tacit_tests::forgery::Author;
use tacit_tests::http::Connection;
use tacit_tests::malformed_kinds::{MalformedKind, Scenario};
use tacit_tests::reference::Expected;

const ITEMS: u32 = 50;
/// Honest contributors. Each answers every item in a submission of its own: 10,000 good submissions. A job takes 66 of one contributor.
const HONEST: u32 = 200;
/// Malicious contributors. Each sends a bad submission for every item: 9,000 in all.
const MALICIOUS: u32 = 180;
/// How many items each honest contributor answers again, with other answers: another 1,000.
const REPEATED: u32 = 5;
/// More than the contributors, so that the job does not close by itself.
const ANSWERS_PER_ITEM: usize = 400;
const THREADS: usize = 8;
const CLASSES: [&str; 2] = ["no", "yes"];

type Rejected = BTreeMap<RejectReason, u64>;

/// The answer of an honest contributor to an item: mostly the true class.
fn class(contributor: u32, item: u32) -> u32 {
    let mixed = (contributor * 1000 + item).wrapping_mul(2_654_435_761) >> 16;
    (item + u32::from(mixed.is_multiple_of(4))) % 2
}

/// A part of the submissions, sent in order.
#[derive(Clone, Copy)]
enum Part {
    /// All submissions of an honest contributor.
    Honest { contributor: u32 },
    /// One bad submission for every item.
    Malicious { contributor: u32 },
}

struct Authors {
    cluster: Cluster,
    job: Job,
    other: Job,
    honest: Vec<Author>,
    malicious: Vec<Author>,
}

impl Authors {
    fn answer(&self, contributor: u32, item: u32, class: u32) -> Submission {
        let Author { name, key } = &self.honest[contributor as usize];
        share(
            &self.cluster,
            &self.job,
            name,
            key,
            &[(item, Answer::Class(class))],
            &mut rand::rng(),
        )
        .unwrap()
    }

    /// Sends a part. Its bad submissions are added to `rejected`.
    fn send(&self, connection: &mut Connection, part: Part, rejected: &mut Rejected) {
        let mut bad = |reason| *rejected.entry(reason).or_default() += 1;
        match part {
            Part::Honest { contributor } => {
                for item in 0..ITEMS {
                    submit(connection, "many", &self.answer(contributor, item, class(contributor, item)));
                    if item < REPEATED {
                        submit(connection, "many", &self.answer(contributor, item, 1 - class(contributor, item)));
                        bad(RejectReason::DuplicateAnswer);
                    }
                }
            }
            Part::Malicious { contributor } => {
                let scenario = Scenario {
                    cluster: &self.cluster,
                    job: &self.job,
                    other: &self.other,
                    author: &self.malicious[contributor as usize],
                };
                for item in 0..ITEMS {
                    // Half of the kinds are found by nodes when they open envelopes, the other half by all nodes together.
                    let n = (contributor * ITEMS + item) as usize / 2;
                    let kinds: &[MalformedKind] = if item.is_multiple_of(2) {
                        &MalformedKind::ILL_FORMED
                    } else {
                        &MalformedKind::ILL_SEALED
                    };
                    let kind = kinds[n % kinds.len()];
                    submit(connection, "many", &kind.make(&scenario, &[item]));
                    bad(kind.reason());
                }
            }
        }
    }

    /// Sends everything, good and bad at the same time.
    fn send_all(&self, address: &str) -> Rejected {
        let mut malicious = (0..MALICIOUS).map(|contributor| Part::Malicious { contributor });
        let parts: Vec<Part> = (0..HONEST)
            .flat_map(|contributor| malicious.next().into_iter().chain([Part::Honest { contributor }]))
            .collect();
        assert!(malicious.next().is_none());
        let (parts, rejected) = (Mutex::new(parts.into_iter()), Mutex::new(Rejected::new()));
        scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| {
                    let (mut connection, mut mine) = (Connection::open(address), Rejected::new());
                    loop {
                        let Some(part) = parts.lock().unwrap().next() else { break };
                        self.send(&mut connection, part, &mut mine);
                    }
                    let mut all = rejected.lock().unwrap();
                    mine.into_iter()
                        .for_each(|(reason, count)| *all.entry(reason).or_default() += count);
                });
            }
        });
        rejected.into_inner().unwrap()
    }
}

fn read(folder: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Checks that the result is that of the honest answers in the clear.
fn assert_honest(result: &Value) {
    let answers: Vec<[String; 3]> = (0..HONEST)
        .flat_map(|c| {
            (0..ITEMS).map(move |i| {
                [
                    format!("item-{i}"),
                    format!("honest-{c:03}"),
                    CLASSES[class(c, i) as usize].to_owned(),
                ]
            })
        })
        .collect();
    assert_eq!(result["job"]["answers"], answers.len());
    let expected = Expected::of(&answers, &CLASSES.map(str::to_owned));
    assert_eq!(result["class_totals"], json!(expected.class_totals()));
    let pay: Vec<Value> = expected
        .payouts(20_000, 20_000)
        .into_iter()
        .map(|(contributor, amount)| json!({ "contributor": contributor, "amount": i64::try_from(amount).unwrap() }))
        .collect();
    let mut paid = result["payouts"]["items"].clone();
    for one in paid.as_array_mut().unwrap() {
        // Every run draws new keys.
        assert!(one.as_object_mut().unwrap().remove("key").unwrap().is_string());
    }
    assert_eq!(paid, json!(pay));
    for (measure, plain) in expected.agreement() {
        let (ours, plain) = (result["agreement"][measure].as_f64().unwrap(), plain.unwrap());
        assert!((ours - plain).abs() < 1e-9, "{measure}: {ours}, not {plain}");
    }
}

#[test]
fn ten_thousand_bad_submissions_among_ten_thousand_good_ones() {
    let cluster = TestCluster::start(3, 1);
    cluster.create_job("many", ITEMS as usize, ANSWERS_PER_ITEM);
    cluster.create_job("other", ITEMS as usize, ANSWERS_PER_ITEM);
    let file = cluster_file(&cluster);
    // Connect to the coordinator directly, so that the traffic is not recorded.
    let address = cluster.coordinator.as_ref().unwrap().listens().to_string();
    let mut connection = Connection::open(&address);
    let mut enrolled = |kind: &str, count: u32| -> Vec<Author> {
        (0..count)
            .map(|c| enrol(&mut connection, &file, &format!("{kind}-{c:03}")))
            .collect()
    };
    let authors = Authors {
        honest: enrolled("honest", HONEST),
        malicious: enrolled("malicious", MALICIOUS),
        job: job(&cluster, "many"),
        other: job(&cluster, "other"),
        cluster: file,
    };
    let rejected = authors.send_all(&address);
    assert_eq!(rejected.values().sum::<u64>(), 10_000);
    let out = cluster.finish("many");
    let certificate = read(&out, "certificate.json");
    assert_eq!(certificate["facts"]["rejected"], json!(rejected));
    let result = read(&out, "result.json");
    assert_eq!(result["job"]["rejected_answers"], 10_000);
    assert_honest(&result);
}
