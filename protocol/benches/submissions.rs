//! A contributor's sharing and a node's intake of submissions of 500 answers in ten classes.
//! Throughput is in answers per second.
//!
//! `cargo bench -p tacit-protocol --features testing,aws-lc --bench submissions`

#![expect(clippy::unwrap_used, reason = "a bench of fixed inputs")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::fixtures::{cluster_with_keys_of, consent, job_of};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Item, Job, JobSpec};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::sealing::{AtRestKey, Suite};
use tacit_protocol::submission::{Delivery, Header, Submission};

const ANSWERS: u32 = 500;

fn job() -> Job {
    let spec = JobSpec {
        answers_per_item: 5,
        sensitive: false,
        release: [Release::Agreement].into(),
        ..JobSpec::new(
            "bench",
            Categorical::new((0..10).map(|class: u32| class.to_string())),
            (0..ANSWERS).map(|item| Item::new(item.to_string())),
        )
    };
    job_of("bench", spec).unwrap()
}

fn submissions(c: &mut Criterion) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let members = cluster_with_keys_of(3, 1, Suite::XWing, |_| {});
    let (cluster, sealing, job) = (&members.cluster, &members.sealing, job());
    let key = SecretKey::generate(&mut rng);
    let answers: Vec<(u32, Answer)> = (0..ANSWERS).map(|item| (item, Answer::Class(item % 10))).collect();
    let consent = consent(cluster, &job, &key, &mut rng);
    let submission = Submission::create(cluster, &job, "ada", &key, &consent, &answers, &mut rng).unwrap();
    let mut group = c.benchmark_group("submissions");
    group.throughput(Throughput::Elements(u64::from(ANSWERS)));
    group.bench_function("share", |b| {
        b.iter(|| Submission::create(cluster, &job, "ada", &key, &consent, &answers, &mut rng).unwrap());
    });
    group.bench_function("encode", |b| b.iter(|| encode(&submission)));
    let bytes = encode(&submission);
    group.bench_function("decode", |b| b.iter(|| decode::<Submission>(&bytes, "a submission").unwrap()));
    group.bench_function("check the header", |b| {
        b.iter(|| Header::check(&submission.header, cluster, &job).unwrap());
    });
    group.bench_function("check the envelopes", |b| b.iter(|| submission.is_complete()));
    // Node 0 or 1 has the component in full.
    for (node, unsealing) in sealing.iter().enumerate().take(2) {
        let delivery = submission.delivery(node).unwrap();
        let (bytes, digest) = (encode(&delivery), delivery.header.value.digest());
        let resting = AtRestKey::generate(&mut rng);
        let at = (node, &digest);
        let sealed = delivery.seal_at_rest(cluster, &job, at, (unsealing, &resting), &mut rng).unwrap();
        group.bench_function(format!("take in as node {node}, {} bytes", bytes.len()), |b| {
            b.iter(|| {
                let delivery: Delivery = decode(&bytes, "a submission").unwrap();
                Header::check(&delivery.header, cluster, &job).unwrap();
                delivery.seal_at_rest(cluster, &job, at, (unsealing, &resting), &mut rng).unwrap()
            });
        });
        let header = &delivery.header.value;
        group.bench_function(format!("open what node {node} keeps, {} bytes", sealed.len()), |b| {
            b.iter(|| header.open_at_rest(cluster, &job, at, &resting, sealed.clone()).unwrap());
        });
    }
}

criterion_group!(benches, submissions);
criterion_main!(benches);
