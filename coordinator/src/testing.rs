//! A cluster of simulated nodes for tests. They store what they receive and sign invented outputs without computing anything: certificates
//! verify, but the numbers mean nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tacit_link::LinkError;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_program::sqlite::DatabaseError;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::api::{Enrolment, enrolment_statement};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::decode;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_text, cluster_with_keys, credential_of, made_up_release};
use tacit_protocol::identity::{Purpose, SecretKey, Signature, Signed};
use tacit_protocol::job::{Cancellation, Gold, Item, Job, JobId, JobSpec, SignedSpec};
use tacit_protocol::phase::Phase;
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::receipt::{ReceiptRoot, Record, RecordTree, SaltSeed};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{OutputName, OutputValues, ReleasedOutput, Subject};
use tacit_protocol::sealing_epoch::SignedEpoch;
use tacit_protocol::submission::{Delivery, Header, Submission};
use tacit_protocol::verdict::Verdict;
use tacit_protocol::withdrawal::{Erasure, SignedWithdrawal};
use tacit_scoring::records::with_pay;
use tokio::sync::watch;

use crate::app::{App, Shared};
use crate::buyers::Buyers;
use crate::config::{Config, Loaded};
use crate::nodes::{Answers, Channel, Dial};
use crate::store::{Store, StoreError};

/// The token of the buyer in tests.
pub(crate) const TOKEN: &str = "test-token";

/// The token of a second buyer.
pub(crate) const OTHER_TOKEN: &str = "other-token";

/// The token of a third buyer, to whom [`bound_key`] belongs.
pub(crate) const BOUND_TOKEN: &str = "bound-token";

/// The key that belongs to [`BOUND_TOKEN`].
pub(crate) fn bound_key() -> SecretKey {
    SecretKey::from_bytes(&[0xb0; 32])
}

/// A cluster of simulated nodes.
pub(crate) struct TestCluster {
    pub cluster: Arc<Cluster>,
    text: String,
    key: SecretKey,
    pub nodes: Vec<Arc<TestNode>>,
}

/// A simulated node.
pub(crate) struct TestNode {
    index: usize,
    key: SecretKey,
    cluster: Arc<Cluster>,
    up: watch::Sender<bool>,
    inner: Mutex<NodeState>,
}

/// Alters what a node releases.
pub(crate) type AlterRelease = fn(&mut Subject, &mut Vec<ReleasedOutput>);

#[derive(Default)]
struct NodeState {
    jobs: HashMap<JobId, (Job, Vec<Header>)>,
    computations: usize,
    /// How many submissions were delivered, repetitions included.
    deliveries: usize,
    /// Refusals with which it answers the next requests of these names.
    refusals: Vec<(&'static str, Refusal)>,
    other_verdicts: bool,
    other_records: bool,
    /// Alters what it releases before it signs.
    alter_release: Option<AlterRelease>,
    /// The contributor whose envelopes do not open.
    unsealable: Option<&'static str>,
    /// The numbers that issuers have revoked, in the order in which they came.
    revoked: Vec<u32>,
    /// What was withdrawn, by the digest of the submission.
    withdrawn: HashMap<Digest, Signature>,
    /// What it answers when it is asked for its sealing key.
    sealing_key: Option<SignedEpoch>,
    /// How often it was asked for it.
    asked_for_sealing_key: usize,
}

impl NodeState {
    fn verdict(&self, header: &Header) -> Option<RejectReason> {
        (self.unsealable == Some(header.statement.contributor.as_str())).then_some(RejectReason::Unsealable)
    }
}

impl TestCluster {
    pub(crate) fn new(nodes: usize, threshold: usize) -> Self {
        let ClusterWithKeys {
            cluster, mut identities, ..
        } = cluster_with_keys(nodes, threshold);
        let key = identities.pop().unwrap();
        let text = cluster_text(cluster.file());
        let cluster = Arc::new(cluster);
        let node = |(index, key): (usize, SecretKey)| {
            let (cluster, up) = (Arc::clone(&cluster), watch::Sender::new(true));
            Arc::new(TestNode {
                index,
                key,
                cluster,
                up,
                inner: Mutex::default(),
            })
        };
        let nodes = identities.into_iter().enumerate().map(node).collect();
        Self { cluster, text, key, nodes }
    }

    /// Starts a coordinator of this cluster on a store in `data`. It connects to the nodes that are up.
    pub(crate) async fn start(&self, data: &std::path::Path) -> Shared {
        let mut config: Config = toml::from_str("max_attempts = 2\nquotas.items = 5000\nquotas.enrolments_per_address = 3").unwrap();
        config.data = data.to_owned();
        let path = data.join("buyers.toml");
        std::fs::write(
            &path,
            Buyers::file_text("test", TOKEN)
                + &Buyers::entry("other", OTHER_TOKEN, None)
                + &Buyers::entry("bound", BOUND_TOKEN, Some(&bound_key().public())),
        )
        .unwrap();
        let loaded = Loaded {
            config,
            cluster: Arc::clone(&self.cluster),
            cluster_text: self.text.clone(),
            key: self.key.clone(),
            buyers: Buyers::read(&path).unwrap(),
            certificate: None,
        };
        let metrics = crate::api::metrics(&loaded).unwrap();
        // A query that the previous coordinator has begun may keep the store open for a moment.
        let opened = Mutex::new(None);
        eventually("the store is free", async || {
            let store = Store::open(data, self.nodes.len(), metrics.store.clone());
            let free = !matches!(store, Err(StoreError::Database(DatabaseError::InUse { .. })));
            *opened.lock().unwrap() = Some(store);
            free
        })
        .await;
        let store = opened.into_inner().unwrap().unwrap().unwrap();
        let app = App::new(loaded, store, metrics);
        crate::jobs::start(&app, Arc::new(TestDial(self.nodes.clone()))).await.unwrap();
        app
    }

    /// An enrolment of this contributor.
    pub(crate) fn enrolment(&self, contributor: &str, key: &SecretKey) -> Enrolment {
        let signature = key.sign(Purpose::Enrolment, &enrolment_statement(&self.cluster.digest(), contributor));
        Enrolment {
            contributor: contributor.to_owned(),
            key: key.public(),
            signature,
        }
    }

    /// Gold answers to a job: answer 0 to the first item.
    pub(crate) fn gold(&self, job: &Job, key: &SecretKey) -> Submission {
        Submission::create_gold(&self.cluster, job, key, &[(0, Answer::Class(0))], 0, &mut rand::rng()).unwrap()
    }

    /// A submission with the answer 0 to these items.
    pub(crate) fn submission(&self, job: &Job, contributor: &str, key: &SecretKey, items: &[u32]) -> Submission {
        let answers: Vec<(u32, Answer)> = items.iter().map(|item| (*item, Answer::Class(0))).collect();
        Submission::create(&self.cluster, job, contributor, key, &answers, &mut rand::rng()).unwrap()
    }

    /// A submission of the person with this number of the job's issuers, with the answer 0 to these items.
    pub(crate) fn invited_submission(&self, job: &Job, number: u32, key: &SecretKey, items: &[u32]) -> Submission {
        let answers: Vec<(u32, Answer)> = items.iter().map(|item| (*item, Answer::Class(0))).collect();
        let credential = credential_of(&self.cluster, job, number, key).unwrap();
        Submission::create_with_credential(&self.cluster, job, &credential, key, &answers, &mut rand::rng()).unwrap()
    }
}

/// The key of a contributor, made of one repeated byte.
pub(crate) fn contributor_key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32])
}

/// A job of `items` items with two answers each.
pub(crate) fn spec(items: usize) -> JobSpec {
    JobSpec {
        answers_per_item: 2,
        sensitive: false,
        release: [Release::ClassTotals].into(),
        ..JobSpec::new(
            "signs",
            Categorical::new(["stop", "yield"]),
            (0..items).map(|item| Item::new(format!("item-{item}"))),
        )
    }
}

/// The same job with gold answers, signed with `key`.
pub(crate) fn gold_spec(items: usize, key: &SecretKey) -> JobSpec {
    JobSpec {
        release: [Release::Scores].into(),
        gold: Some(Gold { key: key.public() }),
        ..spec(items)
    }
}

/// Something that stands in the place of a buyer's signature where nobody checks it.
pub(crate) fn cancellation() -> Signature {
    Signature::from_bytes([9; 64])
}

/// Stops a coordinator as the end of its process would, and waits until its store is free.
pub(crate) async fn stop(app: Shared) {
    app.shutdown.cancel();
    app.tasks.close();
    app.tasks.wait().await;
    assert_eq!(Arc::strong_count(&app), 1, "something holds on to the coordinator");
}

/// How long a test waits for something that has to happen.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until this is true.
///
/// # Panics
/// It does not become true in time.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let became_so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(DEADLINE, became_so).await;
    assert!(in_time.is_ok(), "it does not become true that {what}");
}

impl TestNode {
    pub(crate) fn set_up(&self, up: bool) {
        self.up.send_replace(up);
    }

    pub(crate) fn refuse(&self, request: &'static str, refusal: Refusal) {
        self.inner.lock().unwrap().refusals.push((request, refusal));
    }

    /// From now on, it signs and sends altered releases.
    pub(crate) fn release_altered(&self, alter: AlterRelease) {
        self.inner.lock().unwrap().alter_release = Some(alter);
    }

    pub(crate) fn lie(&self) {
        self.inner.lock().unwrap().other_verdicts = true;
    }

    /// Signs another root of the contributors' records from now on.
    pub(crate) fn sign_other_records(&self) {
        self.inner.lock().unwrap().other_records = true;
    }

    /// From now on, the envelopes of this contributor do not open.
    pub(crate) fn cannot_open(&self, contributor: &'static str) {
        self.inner.lock().unwrap().unsealable = Some(contributor);
    }

    pub(crate) fn forget_everything(&self) {
        self.inner.lock().unwrap().jobs.clear();
    }

    /// Gives it a sealing key.
    pub(crate) fn set_sealing_key(&self, signed: SignedEpoch) {
        self.inner.lock().unwrap().sealing_key = Some(signed);
    }

    /// How often it was asked for its sealing key.
    pub(crate) fn asked_for_sealing_key(&self) -> usize {
        self.inner.lock().unwrap().asked_for_sealing_key
    }

    /// Notes that a submission was withdrawn, as if a coordinator that has forgotten it had told the node.
    pub(crate) fn note_withdrawn(&self, submission: Digest, signature: Signature) {
        self.inner.lock().unwrap().withdrawn.insert(submission, signature);
    }

    /// Whether it knows that this submission was withdrawn.
    pub(crate) fn knows_withdrawn(&self, submission: &Digest) -> bool {
        self.inner.lock().unwrap().withdrawn.contains_key(submission)
    }

    /// The revoked numbers that it was told of.
    pub(crate) fn revoked(&self) -> Vec<u32> {
        self.inner.lock().unwrap().revoked.clone()
    }

    pub(crate) fn computations(&self) -> usize {
        self.inner.lock().unwrap().computations
    }

    pub(crate) fn deliveries(&self) -> usize {
        self.inner.lock().unwrap().deliveries
    }

    pub(crate) fn knows(&self, id: &JobId) -> bool {
        self.inner.lock().unwrap().jobs.contains_key(id)
    }

    fn answer(&self, request: &Request) -> Vec<Reply> {
        let mut inner = self.inner.lock().unwrap();
        let name = match request {
            Request::OpenJob { .. } => "open",
            Request::Deliver { .. } => "deliver",
            Request::Compute { .. } => "compute",
            Request::Cancel { .. } => "cancel",
            Request::Revoke(_) => "revoke",
            Request::Certified { .. } => "certified",
            Request::SealingKey => "sealing key",
            Request::Withdraw { .. } => "withdraw",
        };
        if let Some(at) = inner.refusals.iter().position(|(of, _)| *of == name) {
            return vec![Reply::Refused(inner.refusals.remove(at).1)];
        }
        let reply = match request {
            Request::OpenJob { id, spec } => {
                let job = Job::open(&self.cluster.digest(), id.clone(), SignedSpec::from_json(spec).unwrap()).unwrap();
                let digest = job.digest();
                inner.jobs.entry(id.clone()).or_insert((job, Vec::new()));
                Reply::Opened(digest)
            }
            Request::Deliver { job, .. } if !inner.jobs.contains_key(job) => Reply::Refused(Refusal::UnknownJob(job.clone())),
            Request::Deliver { job, submissions } => {
                let headers: Vec<Header> = submissions
                    .iter()
                    .map(|(digest, bytes)| {
                        let header = Delivery::decode(bytes).unwrap().header.value;
                        assert_eq!(header.digest(), *digest);
                        header
                    })
                    .collect();
                let outcomes = headers.iter().map(|header| inner.verdict(header)).collect();
                inner.deliveries += headers.len();
                inner.jobs.get_mut(job).unwrap().1.extend(headers);
                Reply::Delivered(outcomes)
            }
            Request::Compute {
                job,
                participants,
                list,
                salts,
                ..
            } => {
                inner.computations += 1;
                let withdrawal = |entry: &SubmissionEntry| {
                    let signature = *inner.withdrawn.get(&entry.submission)?;
                    let submission = entry.submission;
                    Some(SignedWithdrawal { submission, signature })
                };
                let withdrawn: Vec<SignedWithdrawal> = list.iter().filter_map(withdrawal).collect();
                if !withdrawn.is_empty() {
                    return vec![Reply::Refused(Refusal::Withdrawn(withdrawn))];
                }
                match inner.jobs.get(job) {
                    Some((job, headers)) => {
                        return vec![
                            Reply::Progress(Phase::Keys),
                            self.compute(&inner, job, headers, *participants, (list, salts)),
                        ];
                    }
                    None => Reply::Refused(Refusal::UnknownJob(job.clone())),
                }
            }
            // As real nodes do, it erases a job for its certificate or its buyer's signature, and without either if it has nothing of it.
            Request::Cancel { job, signature } => match (inner.jobs.get(job), signature) {
                (None, _) => Reply::Refused(Refusal::UnknownJob(job.clone())),
                (Some((_, headers)), None) if !headers.is_empty() => Reply::Refused(Refusal::NotCancelled(job.clone())),
                (Some((known, _)), signature) => {
                    let cancellation = Cancellation {
                        cluster: &self.cluster.digest(),
                        job,
                        terms: &known.digest(),
                    };
                    let buyer = &known.terms().buyer;
                    assert!(signature.is_none_or(|signature| cancellation.verify(buyer, &signature).is_ok()));
                    inner.jobs.remove(job);
                    Reply::Erased
                }
            },
            Request::Certified { job, certificate } => match inner.jobs.get(job) {
                None => Reply::Refused(Refusal::UnknownJob(job.clone())),
                Some((known, _)) => {
                    let certificate = Certificate::from_json(certificate).unwrap();
                    assert_eq!(certificate.subject.job, known.digest());
                    certificate.verify(&self.cluster).unwrap();
                    inner.jobs.remove(job);
                    Reply::Erased
                }
            },
            Request::Withdraw { job, header, signature } => {
                let header: Signed<Header> = decode(header, "a header").unwrap();
                inner.withdrawn.insert(header.value.digest(), *signature);
                if let Some((_, headers)) = inner.jobs.get_mut(job) {
                    headers.retain(|one| one.digest() != header.value.digest());
                }
                Reply::Withdrawn(Box::new(Signed::new(Erasure::of(&header.value), Purpose::Erasure, &self.key)))
            }
            Request::SealingKey => {
                inner.asked_for_sealing_key += 1;
                match &inner.sealing_key {
                    Some(signed) => Reply::SealingKey(Box::new(signed.clone())),
                    None => Reply::Refused(Refusal::ShuttingDown),
                }
            }
            Request::Revoke(revocation) => {
                inner.revoked.extend(&revocation.serials);
                Reply::Revoked
            }
        };
        vec![reply]
    }

    fn compute(
        &self,
        state: &NodeState,
        job: &Job,
        headers: &[Header],
        participants: NodeSet,
        (list, salts): (&[SubmissionEntry], &SaltSeed),
    ) -> Reply {
        let by_digest: HashMap<Digest, &Header> = headers.iter().map(|header| (header.digest(), header)).collect();
        let verdict = |listed: &SubmissionEntry| state.verdict(by_digest[&listed.submission]).into();
        let mut verdicts: Vec<Verdict> = list.iter().map(verdict).collect();
        if state.other_verdicts {
            verdicts[0] = Verdict::Rejected(RejectReason::Malformed);
        }
        let accepted_set = AcceptedSet::assemble(job, list, &verdicts, |index| by_digest.get(&list[index].submission).copied()).unwrap();
        let mut subject = Subject::new(&self.cluster, job.digest(), accepted_set.digest(), &accepted_set, participants);
        let mut outputs: Vec<ReleasedOutput> = OutputName::of_job(job.terms(), accepted_set.facts())
            .into_iter()
            .map(|name| {
                let len = name.len(job.terms(), accepted_set.facts());
                let held = self.cluster.access().held_by(self.index).into_iter();
                let value = |component: usize| Fp61::reduce(component as u64);
                let values = if name.is_opened() {
                    // Not every number is possible for scores on gold answers or for agreement with labels; zero is.
                    let zero = matches!(name, OutputName::ContributorGold | OutputName::ContributorLabelAgreement);
                    OutputValues::Opened(vec![Fp61::reduce(u64::from(!zero)); len])
                } else {
                    OutputValues::Components(held.map(|c| (c as u8, vec![value(c); len])).collect())
                };
                ReleasedOutput { name, values }
            })
            .collect();
        if let Some(alter) = state.alter_release {
            alter(&mut subject, &mut outputs);
        }
        let tree = RecordTree::new(salts, records(job, list, &accepted_set, &outputs));
        let mut root = ReceiptRoot::new(&tree, accepted_set.facts().contributors.len());
        if state.other_records {
            root.root = Digest::of("other", &[]);
        }
        let released = made_up_release(&subject, self.index, outputs, root, &self.key);
        Reply::Computed(Box::new(Computed {
            verdicts,
            released,
            rounds: 1,
            bytes_sent: 1,
        }))
    }
}

/// The records that follow from these outputs. If an output was altered so that none do, they are without pay.
fn records(job: &Job, list: &[SubmissionEntry], accepted: &AcceptedSet, outputs: &[ReleasedOutput]) -> Vec<Record> {
    let records = Record::without_pay(list, accepted);
    let opened = |name: OutputName| {
        outputs
            .iter()
            .find(|output| output.name == name)
            .and_then(|output| match &output.values {
                OutputValues::Opened(values) => Some(values.as_slice()),
                OutputValues::Components(_) => None,
            })
    };
    let names = OutputName::of_job(job.terms(), accepted.facts());
    with_pay(job.terms(), records.clone(), &names, opened).unwrap_or(records)
}

struct TestDial(Vec<Arc<TestNode>>);

struct TestChannel(Arc<TestNode>);

struct TestAnswers(std::vec::IntoIter<Reply>);

fn lost() -> LinkError {
    LinkError::Lost {
        member: "a test node".to_owned(),
        reason: "it was told to".to_owned(),
    }
}

impl Dial for TestDial {
    fn dial(&self, node: usize) -> BoxFuture<'_, Result<Arc<dyn Channel>, LinkError>> {
        let node = Arc::clone(&self.0[node]);
        Box::pin(async move {
            if *node.up.borrow() {
                Ok(Arc::new(TestChannel(Arc::clone(&node))) as Arc<dyn Channel>)
            } else {
                Err(lost())
            }
        })
    }
}

impl Channel for TestChannel {
    fn request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answers>, LinkError>> {
        let up = *self.0.up.borrow();
        let answers = up.then(|| self.0.answer(request));
        Box::pin(async move { Ok(Box::new(TestAnswers(answers.ok_or_else(lost)?.into_iter())) as Box<dyn Answers>) })
    }

    fn round_trip(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn closed(&self) -> BoxFuture<'_, LinkError> {
        let mut up = self.0.up.subscribe();
        Box::pin(async move {
            let _ = up.wait_for(|up| !up).await;
            lost()
        })
    }
}

impl Answers for TestAnswers {
    fn next(&mut self) -> BoxFuture<'_, Result<Reply, LinkError>> {
        let next = self.0.next().ok_or_else(lost);
        Box::pin(async move { next })
    }
}
