//! A node that a test plays: it has a node's keys, stores deliveries, follows the protocol, and deviates from it where the test says so.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tacit_link::{Connection, Link, Member, Responder};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::{Job, JobId, SignedSpec};
use tacit_protocol::lane::LaneId;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::Released;
use tacit_protocol::sealing::UnsealingKey;
use tacit_protocol::sealing_epoch::{SealingEpoch, SignedEpoch};
use tacit_protocol::submission::{Delivery, Header, OpenedSubmission};
use tacit_protocol::verdict::Verdict;
use tacit_scoring::{Asked, ScoringError, Submissions};
use tokio::runtime::Runtime;

use super::lanes::{Deviation, ImpostorLanes, Inbox};
use super::{LOCAL, cluster_of, identity};
use crate::cluster::TestCluster;
use crate::stored::sealing_keys;

/// A running impostor; it stops when this is dropped.
#[derive(Debug)]
pub struct ImpostorNode {
    runtime: Option<Runtime>,
    link: Link,
    inner: Arc<Inner>,
}

struct Inner {
    me: usize,
    cluster: Arc<Cluster>,
    key: SecretKey,
    sealing: BTreeMap<u64, UnsealingKey>,
    inbox: Arc<Inbox>,
    connections: Mutex<BTreeMap<usize, Connection>>,
    jobs: Mutex<HashMap<JobId, StoredJob>>,
    deviations: HashMap<JobId, Deviation>,
}

#[derive(Clone)]
struct StoredJob {
    job: Arc<Job>,
    deliveries: HashMap<Digest, Delivery>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node {}", self.me)
    }
}

impl ImpostorNode {
    /// Takes the place of the cluster's last node, which all others dial. It deviates in the jobs with these ids.
    pub fn start(cluster: &TestCluster, deviations: &[(String, Deviation)]) -> Self {
        let file = cluster_of(cluster);
        let me = file.nodes().len() - 1;
        let folder = cluster.node_folder(me);
        let named = |(job, deviation): &(String, Deviation)| (job.parse().unwrap(), *deviation);
        let inner = Arc::new(Inner {
            me,
            key: identity(&folder),
            sealing: sealing_keys(&folder),
            cluster: file,
            inbox: Arc::default(),
            connections: Mutex::default(),
            jobs: Mutex::default(),
            deviations: deviations.iter().map(named).collect(),
        });
        let runtime = Runtime::new().unwrap();
        let link = runtime.block_on(async { Link::bind(LOCAL, &inner.key, Arc::clone(&inner.cluster)).unwrap() });
        cluster.lead_node(me, link.local_address().unwrap());
        runtime.spawn(Arc::clone(&inner).accept(link.clone()));
        Self {
            runtime: Some(runtime),
            link,
            inner,
        }
    }

    /// How many nodes are connected to it.
    pub fn connected(&self) -> usize {
        let connections = self.inner.connections.lock().unwrap();
        connections.values().filter(|connection| !connection.is_closed()).count()
    }
}

impl Drop for ImpostorNode {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        runtime.block_on(self.link.close());
        // A session may still wait for a peer.
        runtime.shutdown_background();
    }
}

impl Inner {
    async fn accept(self: Arc<Self>, link: Link) {
        while let Some(incoming) = link.accept().await {
            let Ok(Some(connection)) = incoming.establish().await else {
                continue;
            };
            match connection.member() {
                Member::Coordinator => {
                    tokio::spawn(Arc::clone(&self).serve(connection));
                }
                Member::Node(peer) => {
                    self.connections.lock().unwrap().insert(peer, connection.clone());
                    tokio::spawn(Arc::clone(&self.inbox).take_all(peer, connection));
                }
            }
        }
    }

    async fn serve(self: Arc<Self>, coordinator: Connection) {
        while let Ok(responder) = coordinator.accept().await {
            tokio::spawn(Arc::clone(&self).answer(responder));
        }
    }

    async fn answer(self: Arc<Self>, mut responder: Responder) {
        let Ok(request) = responder.read().await else { return };
        let reply = match request {
            Request::OpenJob { id, spec } => {
                let job = Arc::new(Job::open(&self.cluster.digest(), id.clone(), SignedSpec::from_json(&spec).unwrap()).unwrap());
                let digest = job.digest();
                let deliveries = HashMap::new();
                self.jobs.lock().unwrap().insert(id, StoredJob { job, deliveries });
                Reply::Opened(digest)
            }
            Request::Deliver { job, submissions } => {
                let mut jobs = self.jobs.lock().unwrap();
                let Some(stored) = jobs.get_mut(&job) else { return };
                let outcomes = vec![None; submissions.len()];
                let decoded = submissions
                    .into_iter()
                    .map(|(digest, bytes)| (digest, Delivery::decode(&bytes).unwrap()));
                stored.deliveries.extend(decoded);
                Reply::Delivered(outcomes)
            }
            Request::Cancel { .. } | Request::Certified { .. } => Reply::Erased,
            Request::Revoke(_) => Reply::Revoked,
            Request::Withdraw { .. } => Reply::Refused(Refusal::ShuttingDown),
            Request::SealingKey => Reply::SealingKey(Box::new(self.newest_sealing_key())),
            Request::Compute {
                job,
                attempt,
                participants,
                list,
                salts,
            } => {
                // If others have ended the computation, its result does not matter.
                match Arc::clone(&self).compute(&job, attempt, participants, (list, salts)).await {
                    Ok(computed) => Reply::Computed(Box::new(computed)),
                    Err(_) => std::future::pending().await,
                }
            }
        };
        let _ = responder.reply(&reply).await;
    }

    fn newest_sealing_key(&self) -> SignedEpoch {
        let (number, key) = self.sealing.last_key_value().unwrap();
        let epoch = SealingEpoch {
            cluster: self.cluster.digest(),
            number: *number,
            expires: number + 3600,
            opens_older_until: number + 3600,
            key: key.public(),
        };
        Signed::new(epoch, Purpose::SealingEpoch, &self.key)
    }

    async fn compute(
        self: Arc<Self>,
        id: &JobId,
        attempt: u32,
        participants: NodeSet,
        (list, salts): (Vec<SubmissionEntry>, SaltSeed),
    ) -> Result<Computed, Refusal> {
        let stored = self.jobs.lock().unwrap()[id].clone();
        let deviation = self.deviations.get(id).copied();
        let mut peers = self.connections.lock().unwrap().clone();
        peers.retain(|peer, _| participants.contains(*peer));
        let job = stored.job.digest();
        let id = LaneId {
            job,
            attempt,
            participants,
        };
        let lanes = ImpostorLanes::open(&peers, &self.inbox, id, deviation).await;
        let session = move || {
            let party = Party::new(self.cluster.access(), participants, self.me).unwrap();
            let input = NodeInput::new(&self, &stored, &list, deviation);
            let mut rng = StdRng::from_seed(rand::random());
            let asked = Asked {
                list: &list,
                salts: &salts,
            };
            let scored = tacit_scoring::run(party, lanes, &self.cluster, &stored.job, asked, &input, &mut rng);
            let scored = scored.map_err(|error| Refusal::Malformed(error.to_string()))?;
            let mut records = scored.records;
            if deviation == Some(Deviation::SignsOtherRecords) {
                records.root = Digest::of("other", &[]);
            }
            Ok(Computed {
                verdicts: scored.verdicts,
                released: Released::new(scored.subject, u8::try_from(self.me).unwrap(), &scored.outputs, records, &self.key),
                rounds: scored.outputs.traffic().rounds,
                bytes_sent: scored.outputs.traffic().sent,
            })
        };
        tokio::task::spawn_blocking(session).await.unwrap()
    }
}

/// The input of the impostor to a computation.
struct NodeInput<'a> {
    node: &'a Inner,
    job: &'a Job,
    deliveries: Vec<Option<&'a Delivery>>,
    verdicts: Vec<Verdict>,
}

impl<'a> NodeInput<'a> {
    fn new(node: &'a Inner, stored: &'a StoredJob, list: &[SubmissionEntry], deviation: Option<Deviation>) -> Self {
        let deliveries: Vec<_> = list.iter().map(|listed| stored.deliveries.get(&listed.submission)).collect();
        let verdict = |(entry, delivery): (usize, &Option<&Delivery>)| match deviation {
            Some(Deviation::RefusesAllBut(victim, reason)) if entry != victim => Verdict::Rejected(reason),
            _ => delivery.map_or(Verdict::Rejected(RejectReason::NotDelivered), |_| Verdict::Accepted),
        };
        Self {
            node,
            job: &stored.job,
            verdicts: deliveries.iter().enumerate().map(verdict).collect(),
            deliveries,
        }
    }
}

impl Submissions for NodeInput<'_> {
    fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        Some(&self.deliveries[entry]?.header.value)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        let Inner { cluster, me, sealing, .. } = self.node;
        let delivery = self.deliveries[entry]?;
        let key = sealing.get(&delivery.epoch(*me)?)?;
        delivery.open(cluster, self.job, *me, key).ok()
    }

    fn permits(&self, _: &tacit_protocol::accepted::PublicFacts) -> bool {
        true
    }

    fn record_release(&self, _: &Digest) -> bool {
        true
    }

    fn noise_keys(&self, _: &Party) -> Result<Option<OwnKeys>, ScoringError> {
        Ok(None)
    }

    fn store_noise_keys(&self, _: &StoredKeys) -> bool {
        true
    }
}
