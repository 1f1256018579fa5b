//! Answers the coordinator's requests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tacit_link::{Connection, Responder};
use tacit_metrics::Queue;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::NetworkError;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_program::unix_time;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::credential::Revocation;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId, SignedSpec};
use tacit_protocol::lane::LaneId;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::reject::RejectReason;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::compute::{Task, compute, unreachable};
use crate::erasure::{cancelled, certified, too_old};
use crate::intake::Intake;
use crate::lanes::{LaneNetwork, LaneOptions, Lanes};
use crate::mesh::Mesh;
use crate::metrics::SessionMeter;
use crate::quiet_repair::{MeshPeers, QuietRepair};
use crate::running::Running;
use crate::store::{OpenedJob, Revoked, StoreError};
use crate::withdraw::withdraw;

/// How long a computation waits until fewer than `max_sessions` run.
const SESSION_QUEUE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often jobs are looked for that are too old.
const LOOK_FOR_OLD_JOBS: Duration = Duration::from_secs(600);
/// How many requests are read and handled at once, not counting computations.
const REQUESTS: usize = 4;

/// The service for the coordinator.
#[derive(Debug)]
pub(crate) struct Service {
    intake: Arc<Intake>,
    key: SecretKey,
    mesh: Arc<Mesh>,
    lanes: Arc<Lanes>,
    quiet: QuietRepair,
    round_timeout: Duration,
    requests: Queue,
    sessions: Queue,
    /// The computations that run.
    running: Arc<Running>,
    /// The newest connection of the coordinator.
    coordinator: Mutex<Option<Connection>>,
    stop: CancellationToken,
}

impl Service {
    /// Creates the service. Cancelling `stop` ends its computations.
    pub(crate) fn new(
        intake: Arc<Intake>,
        key: SecretKey,
        mesh: Arc<Mesh>,
        lanes: Arc<Lanes>,
        quiet: QuietRepair,
        limits: (Duration, usize),
        stop: CancellationToken,
    ) -> Self {
        let (round_timeout, max_sessions) = limits;
        let queues = &intake.metrics.queues;
        Self {
            requests: queues.queue("requests", REQUESTS),
            sessions: queues.queue("sessions", max_sessions),
            intake,
            key,
            mesh,
            lanes,
            quiet,
            round_timeout,
            running: Arc::default(),
            coordinator: Mutex::default(),
            stop,
        }
    }

    /// Answers requests on a connection until it ends.
    pub(crate) async fn serve(self: Arc<Self>, connection: Connection) {
        info!("the coordinator is connected");
        let replaced = self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(connection.clone());
        if let Some(replaced) = replaced {
            replaced.close("another connection took its place");
        }
        loop {
            match connection.accept().await {
                Ok(responder) => {
                    tokio::spawn(Arc::clone(&self).answer(responder));
                }
                Err(error) => return info!(%error, "the coordinator is disconnected"),
            }
        }
    }

    /// Whether the coordinator is connected.
    pub(crate) fn has_coordinator(&self) -> bool {
        let coordinator = self.coordinator.lock().unwrap_or_else(PoisonError::into_inner);
        coordinator.as_ref().is_some_and(|connection| !connection.is_closed())
    }

    async fn answer(self: Arc<Self>, mut responder: Responder) {
        let reply = {
            let permit = self.requests.enter().await;
            let request = match responder.read().await {
                Ok(request) => request,
                Err(error) => {
                    warn!(%error, "a request could not be read");
                    let refusal = Reply::Refused(Refusal::Malformed(error.to_string()));
                    // If the connection has failed, the reply is lost too.
                    let _ = responder.reply(&refusal).await;
                    return;
                }
            };
            match request {
                Request::OpenJob { id, spec } => self.blocking(move |intake| open_job(intake, id, &spec)).await,
                Request::Deliver { job, submissions } => {
                    let quiet = self.quiet.clone();
                    self.blocking(move |intake| deliver(intake, &quiet, &job, &submissions)).await
                }
                Request::Cancel { job, signature } => {
                    let id = job.clone();
                    self.erase(&id, move |intake| cancelled(intake, &job, signature.as_ref())).await
                }
                Request::Certified { job, certificate } => {
                    let id = job.clone();
                    self.erase(&id, move |intake| certified(intake, &job, &certificate)).await
                }
                Request::Revoke(revocation) => self.blocking(move |intake| revoke(intake, &revocation)).await,
                Request::Withdraw { job, header, signature } => {
                    let key = self.key.clone();
                    let running = Arc::clone(&self.running);
                    self.blocking(move |intake| {
                        let known = intake.known_job(&job)?;
                        // A computation that begins after this is stopped by its record: the store decides which came first.
                        withdraw(intake, &key, &known, (&header, &signature), running.computes(&job))
                    })
                    .await
                }
                Request::SealingKey => match self.intake.keys.newest() {
                    Some(newest) => Ok(Reply::SealingKey(Box::new(newest))),
                    None => Err(Refusal::Storage("it has no sealing key: its log says why".to_owned())),
                },
                Request::Compute {
                    job,
                    attempt,
                    participants,
                    list,
                    salts,
                } => {
                    drop(permit);
                    self.compute(job, (attempt, participants), (list, salts), &mut responder).await
                }
            }
        };
        if let Err(error) = responder.reply(&reply.unwrap_or_else(Reply::Refused)).await {
            debug!(%error, "a reply could not be sent");
        }
    }

    /// Runs work that blocks on processor or disk, outside the threads of the network.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Intake) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        let intake = Arc::clone(&self.intake);
        tokio::task::spawn_blocking(move || work(&intake))
            .await
            .unwrap_or(Err(Refusal::ShuttingDown))
    }

    /// Erases a job, and then ends its computation, which finds nothing to release any more.
    async fn erase(&self, id: &JobId, erase: impl FnOnce(&Intake) -> Result<Reply, Refusal> + Send + 'static) -> Result<Reply, Refusal> {
        let erased = self.blocking(erase).await;
        if erased.is_ok() {
            self.running.cancel(id);
        }
        erased
    }

    /// Erases the jobs that are open for longer than the policy lets any job be, at the start, and then every [`LOOK_FOR_OLD_JOBS`].
    pub(crate) async fn erase_old_jobs(self: Arc<Self>) {
        loop {
            match self.blocking(|intake| too_old(intake).map_err(StoreError::into_refusal)).await {
                Ok(erased) => erased.iter().for_each(|id| self.running.cancel(id)),
                Err(error) => warn!(%error, "jobs that are too old are not erased yet"),
            }
            sleep(LOOK_FOR_OLD_JOBS).await;
        }
    }

    async fn compute(
        &self,
        id: JobId,
        (attempt, participants): (u32, NodeSet),
        (list, salts): (Vec<SubmissionEntry>, SaltSeed),
        responder: &mut Responder,
    ) -> Result<Reply, Refusal> {
        let job = self.blocking({
            let id = id.clone();
            move |intake| intake.known_job(&id)
        });
        let job = job.await?;
        // Checked before any peer is waited for: a node that cannot take part must not blame its peers.
        let party = Party::new(self.intake.cluster.access(), participants, self.intake.me)
            .map_err(|error| Refusal::Malformed(error.to_string()))?;
        // The coordinator has given up the attempt before this one. It may hold the place that this one waits for.
        self.running.cancel(&id);
        let Some(_permit) = self.sessions.enter_within(SESSION_QUEUE_TIMEOUT).await else {
            return Err(Refusal::Busy(
                "it computes as many jobs at once as it may: try again later".to_owned(),
            ));
        };
        let stop = self.stop.child_token();
        let run = self.running.begin(&id, stop.clone());
        let meter = Arc::new(SessionMeter::begin(&self.intake.metrics));
        let result = self
            .run_session(Task { job, party, list, salts }, attempt, stop, &meter, responder)
            .await;
        meter.end(result.is_ok());
        drop(run);
        match &result {
            Ok(computed) => {
                let session = computed.released.subject().session;
                info!(job = %id, attempt, %session, rounds = computed.rounds, bytes_sent = computed.bytes_sent, "outputs released");
            }
            Err(refusal) => {
                warn!(job = %id, attempt, %refusal, "a computation failed");
            }
        }
        result.map(|computed| Reply::Computed(Box::new(computed)))
    }

    /// Runs one session on a thread of its own and reports its phases. It ends early if the coordinator abandons the request.
    async fn run_session(
        &self,
        task: Task,
        attempt: u32,
        stop: CancellationToken,
        meter: &Arc<SessionMeter>,
        responder: &mut Responder,
    ) -> Result<Computed, Refusal> {
        let peers: Vec<usize> = task.party.peers().collect();
        let id = LaneId {
            job: task.job.digest(),
            attempt,
            participants: task.party.present(),
        };
        let (progress, mut phases) = mpsc::unbounded_channel();
        let options = LaneOptions {
            timeout: self.round_timeout,
            stop: stop.clone(),
            progress,
            meter: Arc::clone(meter),
        };
        let opening = LaneNetwork::open(&self.mesh, &self.lanes, peers, id, options);
        let opened = tokio::select! {
            opened = opening => opened,
            () = responder.abandoned() => Err(NetworkError::Cancelled),
        };
        let network = opened.map_err(|error| unreachable(&self.intake, error))?;
        let (intake, key, meter) = (Arc::clone(&self.intake), self.key.clone(), Arc::clone(meter));
        // The other participants wait in the first round meanwhile, so this node must not use up all of its time.
        let peers = MeshPeers::new(&self.mesh, task.party.present(), self.round_timeout / 2, stop.clone());
        let mut session = tokio::task::spawn_blocking(move || compute(&intake, &key, &task, (network, &peers), &meter));
        let mut wanted = true;
        loop {
            tokio::select! {
                biased;
                Some(phase) = phases.recv() => {
                    if wanted && responder.reply(&Reply::Progress(phase)).await.is_err() {
                        wanted = false;
                        stop.cancel();
                    }
                }
                ended = &mut session => return ended.unwrap_or(Err(Refusal::ShuttingDown)),
                () = responder.abandoned(), if wanted => {
                    wanted = false;
                    stop.cancel();
                }
            }
        }
    }
}

fn open_job(intake: &Intake, id: JobId, spec: &[u8]) -> Result<Reply, Refusal> {
    let cluster = intake.cluster.digest();
    let job = SignedSpec::from_json(spec)
        .and_then(|spec| Job::open(&cluster, id, spec))
        .and_then(|job| job.terms().fits(intake.cluster.access()).map(|()| job))
        .map_err(|error| Refusal::Job(error.to_string()))?;
    intake.policy.permits(job.terms())?;
    intake.policy.permits_closing(job.terms(), unix_time())?;
    let digest = match intake.store.open_job(&job, spec, &intake.room).map_err(StoreError::into_refusal)? {
        OpenedJob::Open(digest) => digest,
        OpenedJob::Ended => return Err(Refusal::Ended(job.id().clone())),
        OpenedJob::NoRoom(limit, value) => {
            return Err(Refusal::Policy {
                rule: format!("room.{limit}"),
                detail: format!("with this job, the open jobs would exceed {value}: wait until others have ended, or cancel some"),
            });
        }
    };
    if digest != job.digest() {
        return Err(Refusal::OtherSpec(job.id().clone()));
    }
    info!(job = %job.id(), digest = %digest, "job open");
    Ok(Reply::Opened(digest))
}

fn revoke(intake: &Intake, revocation: &Revocation) -> Result<Reply, Refusal> {
    revocation
        .check()
        .map_err(|error| Refusal::Malformed(format!("the revocation: {error}")))?;
    let (pool, numbers) = (&revocation.issuers.pool, revocation.serials.len());
    match intake.store.revoke(revocation).map_err(StoreError::into_refusal)? {
        Revoked::Stored => {
            info!(%pool, numbers, "numbers of a pool are revoked");
            Ok(Reply::Revoked)
        }
        Revoked::Unknown => Err(Refusal::Malformed(format!(
            "no open job at this node names these issuers of pool `{pool}`"
        ))),
        Revoked::Full => Err(Refusal::Policy {
            rule: "quota".to_owned(),
            detail: format!("the issuers of pool `{pool}` have revoked as many numbers as a node stores: begin a new pool"),
        }),
    }
}

fn deliver(intake: &Intake, quiet: &QuietRepair, id: &JobId, submissions: &[(Digest, Vec<u8>)]) -> Result<Reply, Refusal> {
    let job = intake.known_job(id)?;
    let outcomes = intake.deliver(&job, submissions).map_err(StoreError::into_refusal)?;
    for ((digest, _), outcome) in submissions.iter().zip(&outcomes) {
        // Only what came spoilt: whatever else the door refuses must not come in by another way.
        if outcome.is_some_and(RejectReason::is_private) {
            quiet.note(id, *digest);
        }
    }
    Ok(Reply::Delivered(outcomes))
}
