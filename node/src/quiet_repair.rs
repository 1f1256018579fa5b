//! Asking peers over the mesh; and the quiet repair, soon after a delivery that was spoilt and before any computation waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tacit_link::LinkError;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::job::JobId;
use tacit_protocol::peer::{Answer, NoticeQuestion, PeerQuestion, Question};
use tacit_protocol::reject::RejectReason;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::intake::Intake;
use crate::mesh::Mesh;
use crate::notices::Reminders;
use crate::repair::{Need, Peers, repair};
use crate::store::StoreError;

/// How long a peer may take to answer one question.
const ANSWER: Duration = Duration::from_secs(10);
/// How long all peers together may take to answer which release this node has announced, and not more than half of the time for questions.
const REMINDERS: Duration = Duration::from_secs(1);
/// How long a node that has just started waits for a peer's connection before it releases something: peers try again every few seconds.
const LONGEST_SETTLING: Duration = Duration::from_secs(5);
/// How long the quiet repair waits, so that the peers have got their deliveries too.
const PAUSE: Duration = Duration::from_secs(2);
/// How long one quiet repair may take.
const LONGEST: Duration = Duration::from_secs(60);
/// How many submissions wait for the quiet repair. Those beyond are repaired when they are computed.
const WAITING: usize = 1024;

/// The peers, asked over the mesh until a deadline.
#[derive(Debug)]
pub(crate) struct MeshPeers {
    mesh: Arc<Mesh>,
    /// The peers that are waited for if they are not connected.
    needed: NodeSet,
    deadline: Instant,
    /// How long answers about announced releases are waited for.
    reminders: Duration,
    /// How long a peer that is not connected is waited for then, if this node has just started.
    settling: Duration,
    stop: CancellationToken,
    runtime: Handle,
}

impl MeshPeers {
    /// Peers that may be asked for as long as `within`. Must be called inside the runtime; they are asked outside.
    pub(crate) fn new(mesh: &Arc<Mesh>, needed: NodeSet, within: Duration, stop: CancellationToken) -> Self {
        Self {
            mesh: Arc::clone(mesh),
            needed,
            deadline: Instant::now() + within,
            reminders: REMINDERS.min(within / 2),
            settling: LONGEST_SETTLING.min(within / 4),
            stop,
            runtime: Handle::current(),
        }
    }

    async fn answer(&self, peer: usize, question: &Question) -> Option<Answer> {
        let connection = if self.needed.contains(peer) {
            self.mesh.connection(peer, self.deadline).await?
        } else {
            self.mesh.connected_to(peer)?
        };
        let deadline = self.deadline.min(Instant::now() + ANSWER);
        answered(timeout_at(deadline, connection.ask(&PeerQuestion::Parts(question.clone()))).await)
    }

    async fn reminder(&self, peer: usize, question: &PeerQuestion) -> Option<(usize, Answer)> {
        // Who puts an old store in place starts the node again. A coordinator must not be faster than the peers that remember.
        let connection = if self.mesh.is_settling() {
            self.mesh.connection(peer, Instant::now() + self.settling).await?
        } else {
            self.mesh.connected_to(peer)?
        };
        let answer = answered(timeout(self.reminders, connection.ask(question)).await)?;
        Some((peer, answer))
    }
}

/// The answer of a peer, if it came in time.
fn answered(answer: Result<Result<Answer, LinkError>, Elapsed>) -> Option<Answer> {
    match answer.ok()? {
        Ok(answer) => Some(answer),
        Err(error) => {
            debug!(%error, "a peer did not answer a question");
            None
        }
    }
}

impl Reminders for MeshPeers {
    fn ask_all(&self, question: &NoticeQuestion) -> Option<Vec<(usize, Answer)>> {
        let question = PeerQuestion::Notice(question.clone());
        let answers = join_all(self.mesh.peers().map(|peer| self.reminder(peer, &question)));
        let answers = self.runtime.block_on(self.stop.run_until_cancelled(answers))?;
        Some(answers.into_iter().flatten().collect())
    }
}

impl Peers for MeshPeers {
    fn ask(&self, peer: usize, question: &Question) -> Option<Answer> {
        let answer = self.stop.run_until_cancelled(self.answer(peer, question));
        self.runtime.block_on(answer).flatten()
    }
}

/// Takes note of submissions that came spoilt, for a repair soon after.
#[derive(Debug, Clone)]
pub(crate) struct QuietRepair(mpsc::Sender<(JobId, Digest)>);

/// The submissions that [`QuietRepair`] has noted.
#[derive(Debug)]
pub(crate) struct Noted(mpsc::Receiver<(JobId, Digest)>);

/// The two ends: what notes, and what repairs.
pub(crate) fn quiet_repair() -> (QuietRepair, Noted) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (QuietRepair(sender), Noted(receiver))
}

impl QuietRepair {
    /// Notes a submission, unless too many wait already: then it is repaired when it is computed.
    pub(crate) fn note(&self, job: &JobId, submission: Digest) {
        let _ = self.0.try_send((job.clone(), submission));
    }
}

impl Noted {
    /// Repairs what is noted, one batch after the other, each submission once. Returns when nobody notes any more.
    pub(crate) async fn repair_all(mut self, intake: Arc<Intake>, mesh: Arc<Mesh>, stop: CancellationToken) {
        let mut batch = Vec::new();
        while self.0.recv_many(&mut batch, WAITING).await > 0 {
            sleep(PAUSE).await;
            let mut by_job: HashMap<JobId, Vec<Digest>> = HashMap::new();
            for (job, submission) in batch.drain(..) {
                by_job.entry(job).or_default().push(submission);
            }
            for (job, submissions) in by_job {
                let peers = MeshPeers::new(&mesh, NodeSet::default(), LONGEST, stop.clone());
                let intake = Arc::clone(&intake);
                let repairing = tokio::task::spawn_blocking(move || lacking_of(&intake, &job, &submissions, &peers));
                if let Ok(Err(error)) = repairing.await {
                    error.log();
                }
            }
        }
    }
}

/// Repairs those of these submissions that are still not there.
fn lacking_of(intake: &Intake, id: &JobId, submissions: &[Digest], peers: &MeshPeers) -> Result<(), StoreError> {
    let Some(job) = intake.store.job(id, &intake.cluster.digest())? else {
        return Ok(());
    };
    if intake.store.released(&job)?.is_some() {
        return Ok(());
    }
    let outcomes = intake.store.outcomes(id, submissions)?;
    let lacks = |submission: &Digest| {
        outcomes
            .get(submission)
            .is_none_or(|outcome| outcome.is_some_and(RejectReason::is_private))
    };
    let lacking: Vec<Digest> = submissions.iter().copied().filter(lacks).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    repair(intake, &job, &lacking, Need::Delivered, peers).map(drop)
}
