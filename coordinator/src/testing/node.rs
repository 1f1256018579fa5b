//! A simulated node: what it stores, how it misbehaves when a test says so, and how a coordinator reaches it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tacit_link::LinkError;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::decode;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::fixtures::made_up_release;
use tacit_protocol::identity::{Purpose, SecretKey, Signature, Signed};
use tacit_protocol::job::{Cancellation, Job, JobId, SignedSpec};
use tacit_protocol::phase::Phase;
use tacit_protocol::receipt::{ReceiptRoot, Record, RecordTree, SaltSeed};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{OutputName, OutputValues, ReleasedOutput, Subject};
use tacit_protocol::sealing_epoch::SignedEpoch;
use tacit_protocol::submission::{Delivery, Header};
use tacit_protocol::verdict::Verdict;
use tacit_protocol::withdrawal::{Erasure, SignedWithdrawal};
use tacit_scoring::records::with_pay;
use tokio::sync::watch;

use crate::nodes::{Answers, Channel, Dial};

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

impl TestNode {
    pub(super) fn new(index: usize, key: SecretKey, cluster: Arc<Cluster>) -> Self {
        Self {
            index,
            key,
            cluster,
            up: watch::Sender::new(true),
            inner: Mutex::default(),
        }
    }

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

/// Connects a coordinator to simulated nodes.
pub(super) struct TestDial(pub(super) Vec<Arc<TestNode>>);

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
