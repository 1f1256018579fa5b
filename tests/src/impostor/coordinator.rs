//! A coordinator that a test plays: it has the coordinator's key and sends any requests to the nodes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tacit_link::{Connection, Link};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::job::JobId;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::OutputName;
use tokio::runtime::Runtime;

use super::work::{Work, output};
use super::{LOCAL, cluster_of, identity};
use crate::cluster::TestCluster;
use crate::http::get;

/// How long a node may take to answer: far more than its own time-outs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// The result of a computation at one node.
pub type Ended = Result<Computed, Refusal>;

/// A cluster of real nodes whose coordinator is played by the test.
#[derive(Debug)]
pub struct ImpostorCoordinator {
    /// The nodes.
    pub nodes: TestCluster,
    /// The cluster file.
    pub cluster: Arc<Cluster>,
    connections: Vec<Connection>,
    link: Link,
    runtime: Runtime,
}

impl ImpostorCoordinator {
    /// Starts nodes with this time-out of a round, and connects to them.
    pub fn start(nodes: usize, threshold: usize, round_timeout: Duration) -> Self {
        let mut cluster = TestCluster::lay_out(nodes, threshold);
        for node in 0..nodes {
            TestCluster::configure(&cluster.node_folder(node), "round_timeout_seconds", round_timeout.as_secs());
            cluster.start_node(node);
        }
        cluster.ready();
        let runtime = Runtime::new().unwrap();
        let file = cluster_of(&cluster);
        let key = identity(&cluster.coordinator_folder());
        let link = runtime.block_on(async { Link::bind(LOCAL, &key, Arc::clone(&file)).unwrap() });
        let mut impostor = Self {
            nodes: cluster,
            cluster: file,
            connections: Vec::new(),
            link,
            runtime,
        };
        impostor.connect();
        impostor
    }

    /// Connects to all nodes. This replaces earlier connections of the coordinator.
    pub fn connect(&mut self) {
        let link = &self.link;
        self.connections = self.runtime.block_on(async {
            let mut connections = Vec::new();
            for node in 0..self.cluster.nodes().len() {
                connections.push(link.connect(node).await.unwrap());
            }
            connections
        });
    }

    /// Ends the play: the nodes run on, and a real coordinator can take its place.
    pub fn into_nodes(self) -> TestCluster {
        let Self { nodes, link, runtime, .. } = self;
        runtime.block_on(link.close());
        nodes
    }

    /// All nodes.
    pub fn all(&self) -> NodeSet {
        NodeSet::all(self.cluster.nodes().len())
    }

    /// The address at which a node itself listens, behind its relay.
    pub fn address(&self, node: usize) -> SocketAddr {
        self.nodes.nodes[node].as_ref().unwrap().listens()
    }

    /// Sends requests to these nodes at once and waits for the last reply to each.
    pub fn ask_all(&self, requests: &[(usize, Request)]) -> Vec<Reply> {
        self.runtime.block_on(async {
            let mut asked = Vec::new();
            for (node, request) in requests {
                asked.push(self.connections[*node].request(request).await.unwrap());
            }
            let mut last = Vec::new();
            for mut replies in asked {
                let answer = async {
                    loop {
                        match replies.next().await.unwrap() {
                            Reply::Progress(_) => {}
                            reply => return reply,
                        }
                    }
                };
                last.push(tokio::time::timeout(ANSWER_TIMEOUT, answer).await.unwrap());
            }
            last
        })
    }

    /// Sends one request and waits for its last reply.
    pub fn ask(&self, node: usize, request: Request) -> Reply {
        self.ask_all(&[(node, request)]).remove(0)
    }

    /// Opens a job at a node, which must accept it.
    pub fn open(&self, node: usize, id: &JobId, spec: &[u8]) {
        let (id, spec) = (id.clone(), spec.to_vec());
        let reply = self.ask(node, Request::OpenJob { id, spec });
        assert!(matches!(reply, Reply::Opened(_)), "{reply:?}");
    }

    /// Delivers submissions to a node. Returns the reason for each that it rejected.
    pub fn deliver(&self, node: usize, work: &Work, submissions: Vec<(Digest, Vec<u8>)>) -> Vec<Option<RejectReason>> {
        let job = work.job.id().clone();
        match self.ask(node, Request::Deliver { job, submissions }) {
            Reply::Delivered(outcomes) => outcomes,
            reply => panic!("{reply:?}"),
        }
    }

    /// Opens a job and delivers all its submissions to all nodes, as an honest coordinator does.
    pub fn prepare(&self, id: &str) -> Work {
        let work = Work::new(&self.cluster, id);
        self.prepare_work(&work);
        work
    }

    /// Opens a job and delivers all its submissions to all nodes.
    pub fn prepare_work(&self, work: &Work) {
        for node in self.all().iter() {
            self.open(node, work.job.id(), &work.spec);
            let outcomes = self.deliver(node, work, work.deliveries(node));
            assert!(outcomes.iter().all(Option::is_none), "{outcomes:?}");
        }
    }

    /// Lets each of these nodes compute, with an attempt, participants and a list of its own.
    pub fn compute_each(&self, work: &Work, told: &[(usize, u32, NodeSet, Vec<SubmissionEntry>)]) -> Vec<Ended> {
        let request = |(node, attempt, participants, list): &(usize, u32, NodeSet, Vec<SubmissionEntry>)| {
            let job = work.job.id().clone();
            let (attempt, participants, list) = (*attempt, *participants, list.clone());
            (
                *node,
                Request::Compute {
                    job,
                    attempt,
                    participants,
                    list,
                    salts: SaltSeed::from_bytes([7; 32]),
                },
            )
        };
        let requests: Vec<_> = told.iter().map(request).collect();
        self.ask_all(&requests).into_iter().map(ended).collect()
    }

    /// Lets the participants compute with the same list.
    pub fn compute(&self, work: &Work, attempt: u32, participants: NodeSet, list: &[SubmissionEntry]) -> Vec<Ended> {
        let told: Vec<_> = participants
            .iter()
            .map(|node| (node, attempt, participants, list.to_vec()))
            .collect();
        self.compute_each(work, &told)
    }

    /// A computation that must succeed at all participants. After transient failures it is tried again, as any coordinator does.
    pub fn completes(&self, work: &Work, attempt: u32, participants: NodeSet, list: &[SubmissionEntry]) -> Vec<Computed> {
        let end = Instant::now() + ANSWER_TIMEOUT;
        for retry in 0.. {
            let ended = self.compute(work, attempt + 1000 * retry, participants, list);
            let setbacks: Vec<&Refusal> = ended.iter().filter_map(|one| one.as_ref().err()).collect();
            if setbacks.is_empty() {
                return ended.into_iter().flatten().collect();
            }
            let passing = |refusal: &&Refusal| matches!(refusal, Refusal::Session { transient: true, .. });
            assert!(setbacks.iter().all(passing) && Instant::now() < end, "{setbacks:?}");
        }
        unreachable!("it is tried for ever")
    }

    /// A computation that at least one participant must refuse, because it has released another result of the job. None may release
    /// anything. After transient failures it is tried again.
    pub fn refuses_second_result(&self, work: &Work, attempt: u32, participants: NodeSet, list: &[SubmissionEntry]) {
        for retry in 0..10 {
            let ended = self.compute(work, attempt + retry, participants, list);
            assert!(ended.iter().all(Result::is_err), "a node released outputs");
            if ended.contains(&Err(Refusal::ReleasedBefore(work.job.id().clone()))) {
                return;
            }
        }
        panic!("no node refuses it");
    }

    /// Runs an honest job to its end.
    pub fn honest_job(&self, id: &str) {
        let work = self.prepare(id);
        let computed = self.completes(&work, 1, self.all(), &work.list());
        let totals = output(&self.cluster, &computed, OutputName::ClassTotals);
        assert_eq!(totals, work.totals(&[0, 1, 2]));
    }

    /// Checks that every node is alive, has not panicked and still computes honest jobs.
    pub fn unharmed(&self, id: &str) {
        self.honest_job(id);
        for node in self.nodes.nodes.iter().flatten() {
            assert_eq!(get(node.admin(), "/livez").trim(), "ok");
            assert!(!node.log().contains("panicked"), "{}", node.log());
        }
    }

    /// The number of a node's sessions that failed in a phase.
    pub fn failures(&self, node: usize, phase: &str) -> u64 {
        let line = format!("tacit_node_session_phases_total{{phase=\"{phase}\",result=\"failed\"}} ");
        counted(self.nodes.nodes[node].as_ref().unwrap().admin(), &line)
    }
}

/// The value of a counter.
pub fn counted(admin: &str, line: &str) -> u64 {
    let metrics = get(admin, "/metrics");
    let value = metrics.lines().find_map(|one| one.strip_prefix(line));
    value.unwrap_or_else(|| panic!("{line}: {metrics}")).parse().unwrap()
}

fn ended(reply: Reply) -> Ended {
    match reply {
        Reply::Computed(computed) => Ok(*computed),
        Reply::Refused(refusal) => Err(refusal),
        reply => panic!("{reply:?}"),
    }
}
