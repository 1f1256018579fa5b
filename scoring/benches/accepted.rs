//! The public arithmetic around a computation: a million items with five answers each, by ten thousand contributors.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, job_of, made_up_release};
use tacit_protocol::identity::{Purpose, SecretKey, Signature, Signed};
use tacit_protocol::job::{Item, Job, JobSpec, PayRule, Payout};
use tacit_protocol::question::{Categorical, Release};
use tacit_protocol::receipt::{ReceiptRoot, Record, RecordTree};
use tacit_protocol::release::{OutputName, OutputValues, Released, ReleasedOutput, Subject, statement};
use tacit_protocol::submission::{Header, Statement, SubmissionId};
use tacit_protocol::verdict::Verdict;
use tacit_scoring::report::Report;
use tacit_scoring::testing::SALTS;

const ITEMS: u32 = 1_000_000;
const ANSWERS_PER_ITEM: u32 = 5;
const CLASSES: usize = 10;
const CONTRIBUTORS: u32 = ITEMS / 100;
const NODES: usize = 3;

fn job() -> Job {
    let spec = JobSpec {
        answers_per_item: ANSWERS_PER_ITEM,
        sensitive: false,
        release: BTreeSet::from([
            Release::Labels,
            Release::Agreement,
            Release::ClassTotals,
            Release::Scores,
            Release::Payouts,
        ]),
        payout: Some(Payout {
            rule: PayRule::PeerAgreementBeyondChance,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 20_000,
            budget: 1 << 50,
        }),
        ..JobSpec::new(
            "bench",
            Categorical::new((0..CLASSES).map(|class| format!("class-{class}"))),
            (0..ITEMS).map(|index| Item::new(format!("item-{index}"))),
        )
    };
    job_of("bench", spec).unwrap()
}

/// Every contributor answers every 2,000th item, as many of them the same; headers are as long as real ones.
fn headers(cluster: &Cluster, job: &Job) -> Vec<Signed<Header>> {
    let stride = CONTRIBUTORS / ANSWERS_PER_ITEM;
    let header = |contributor: u32| {
        let items = (0..ITEMS / stride).map(|place| place * stride + contributor % stride);
        let statement = Statement {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor: format!("worker-{}", contributor.wrapping_mul(7919) % CONTRIBUTORS),
            key: SecretKey::from_bytes(&std::array::from_fn(|byte| (contributor >> (8 * (byte % 4))) as u8)).public(),
            id: SubmissionId::from_bytes([contributor as u8; SubmissionId::LEN]),
            items: items.collect(),
            credential: None,
            components: vec![Digest::of("component", &[]); 3],
            epochs: vec![1; NODES],
            consent: Some(Digest::of("consent", &[])),
        };
        let header = Header {
            statement,
            envelopes: vec![Digest::of("envelope", &[]); NODES],
        };
        let signature = Signature::from_bytes([0; Signature::LEN]);
        Signed { value: header, signature }
    };
    (0..CONTRIBUTORS).map(header).collect()
}

/// What nodes release whose outputs are zeros but for labels.
fn released(members: &ClusterWithKeys, job: &Job, subject: &Subject, accepted: &AcceptedSet, records: ReceiptRoot) -> Vec<Released> {
    let component = |name: OutputName, component: usize| {
        let label = |item: usize| Fp61::reduce(if component == 0 { 1 + (item % CLASSES) as u64 } else { 0 });
        let len = name.len(job.terms(), accepted.facts());
        match name {
            OutputName::Labels => (0..len).map(label).collect(),
            _ => vec![Fp61::default(); len],
        }
    };
    let of_node = |node: usize| {
        let held = members.cluster.access().held_by(node);
        let output = |name: OutputName| ReleasedOutput {
            name,
            values: if name.is_opened() {
                OutputValues::Opened(component(name, 0))
            } else {
                OutputValues::Components(held.iter().map(|c| (*c as u8, component(name, *c))).collect())
            },
        };
        let outputs: Vec<ReleasedOutput> = OutputName::of_job(job.terms(), accepted.facts()).into_iter().map(output).collect();
        made_up_release(subject, node, outputs, records, &members.identities[node])
    };
    (0..NODES).map(of_node).collect()
}

fn accepted(c: &mut Criterion) {
    let (members, job) = (cluster_with_keys(NODES, 1), job());
    let cluster = &members.cluster;
    let headers = headers(cluster, &job);
    let list: Vec<SubmissionEntry> = headers
        .iter()
        .map(|header| SubmissionEntry {
            submission: header.value.digest(),
            answers: header.value.statement.items.len() as u32,
        })
        .collect();
    let verdicts = vec![Verdict::Accepted; list.len()];
    let encoded: Vec<Vec<u8>> = headers.iter().map(encode).collect();
    let assemble = || AcceptedSet::assemble(&job, &list, &verdicts, |entry| headers.get(entry).map(|header| &header.value)).unwrap();
    let accepted = assemble();
    assert_eq!(accepted.facts().answers, u64::from(ITEMS * ANSWERS_PER_ITEM), "every answer counts");
    let subject = Subject::new(cluster, job.digest(), accepted.digest(), &accepted, NodeSet::all(NODES));
    let tree = || RecordTree::new(&SALTS, Record::without_pay(&list, &accepted));
    let records = ReceiptRoot::new(&tree(), accepted.facts().contributors.len());
    let released = released(&members, &job, &subject, &accepted, records);
    let replies: Vec<Vec<u8>> = released.iter().map(encode).collect();
    let certify = |released| Certificate::assemble(cluster, &job, accepted.facts(), released).unwrap();
    let certified = certify(released.clone());
    let certificate = certified.certificate();
    let json = certificate.to_json();
    let report = Report::of_verified(certified.certificate(), certified.opened()).unwrap();

    let mut group = c.benchmark_group("accepted");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    group.bench_function("decode headers", |b| {
        let decode = |bytes: &Vec<u8>| decode::<Signed<Header>>(bytes, "a header").unwrap();
        b.iter_with_large_drop(|| encoded.iter().map(decode).collect::<Vec<_>>());
    });
    group.bench_function("assemble", |b| b.iter_with_large_drop(assemble));
    group.bench_function("decode what three nodes release", |b| {
        let decode = |bytes: &Vec<u8>| decode::<Released>(bytes, "a release").unwrap();
        b.iter_with_large_drop(|| replies.iter().map(decode).collect::<Vec<_>>());
    });
    group.bench_function("sign", |b| {
        b.iter(|| members.identities[0].sign(Purpose::Release, &statement(&subject, 0, black_box(released[0].outputs()))));
    });
    group.bench_function("certificate", |b| {
        b.iter_batched(|| released.clone(), certify, BatchSize::LargeInput);
    });
    group.bench_function("certificate to JSON", |b| b.iter_with_large_drop(|| certificate.to_json()));
    group.bench_function("report", |b| {
        b.iter_with_large_drop(|| Report::of_verified(certified.certificate(), certified.opened()).unwrap());
    });
    group.bench_function("report to JSON", |b| b.iter_with_large_drop(|| report.to_json()));
    group.bench_function("certificate from JSON", |b| {
        b.iter_with_large_drop(|| Certificate::from_json(black_box(&json)).unwrap());
    });
    group.bench_function("verify a certificate", |b| {
        b.iter_with_large_drop(|| certificate.verify(cluster).unwrap());
    });
    group.finish();
}

criterion_group!(benches, accepted);
criterion_main!(benches);
