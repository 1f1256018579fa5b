//! Answers the questions of peers: those that lack parts of submissions which this node holds, and those that announce a release.

use std::sync::Arc;
use std::time::Duration;

use tacit_link::Questioner;
use tacit_mpc_core::sharing::Component;
use tacit_protocol::job::Job;
use tacit_protocol::peer::{Answer, FULL_ANSWER_BYTES, Parts, PeerQuestion, Question, Unanswered, Wanted};
use tacit_protocol::sealing::AtRestKey;
use tacit_protocol::submission::Header;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use crate::intake::Intake;
use crate::metrics::Asked;
use crate::notices::remind;
use crate::store::{StoreError, StoredSubmission};

/// How long a question may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a question a peer waits this many times as long as the answer took to look up: so a peer that asks without end takes no more
/// than a quarter of one processor from other work.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Answers the questions of peers, one at a time for each peer.
#[derive(Debug)]
pub(crate) struct Supplier {
    intake: Arc<Intake>,
    /// The turn of each node of the cluster.
    turns: Vec<Semaphore>,
    /// The turn of each node for notices, which nobody waits for long: parts of submissions must not stand before them.
    turns_for_notices: Vec<Semaphore>,
}

impl Supplier {
    /// Answers out of what this node has stored.
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        let turns = || intake.cluster.nodes().iter().map(|_| Semaphore::new(1)).collect();
        Self {
            turns: turns(),
            turns_for_notices: turns(),
            intake,
        }
    }

    /// Reads a peer's question and answers it. How many wait for their turn is limited by the streams that a connection may have.
    pub(crate) async fn answer(self: Arc<Self>, peer: usize, mut questioner: Questioner) {
        let question = match timeout(PATIENCE, questioner.read()).await {
            Ok(Ok(question)) => question,
            Ok(Err(error)) => return debug!(%error, "a peer's question could not be read"),
            Err(_) => return,
        };
        let turns = match &question {
            PeerQuestion::Parts(_) => &self.turns,
            PeerQuestion::Notice(_) => &self.turns_for_notices,
        };
        let Some(turn) = turns.get(peer) else { return };
        // The semaphore is never closed.
        let Ok(_turn) = turn.acquire().await else { return };
        let began = Instant::now();
        let looking = tokio::task::spawn_blocking({
            let intake = Arc::clone(&self.intake);
            move || match &question {
                PeerQuestion::Parts(question) => supply(&intake, peer, question),
                PeerQuestion::Notice(question) => remind(&intake, peer, question),
            }
        });
        // The task fails to run only when the runtime shuts down.
        let Ok(answer) = looking.await else { return };
        let took = began.elapsed();
        if let Ok(Err(error)) = timeout(PATIENCE, questioner.answer(&answer)).await {
            debug!(%error, "an answer to a peer could not be sent");
        }
        sleep((took * REST).min(LONGEST_REST)).await;
    }
}

/// What this node answers to a peer that lacks parts of submissions. Blocks on processor and disk.
pub(crate) fn supply(intake: &Intake, peer: usize, question: &Question) -> Answer {
    let answer = question.check(intake.cluster.access(), peer).and_then(|()| parts(intake, question));
    let name = intake.cluster.node_name(peer);
    match answer {
        Ok(parts) => {
            intake.metrics.asked(&name, Asked::Answered);
            Answer::Parts(parts)
        }
        Err(why) => {
            let outcome = if why == Unanswered::Forbidden {
                Asked::Forbidden
            } else {
                Asked::Refused
            };
            intake.metrics.asked(&name, outcome);
            warn!(peer = %name, job = %question.job, %why, "a peer's question is not answered");
            Answer::Refused(why)
        }
    }
}

fn parts(intake: &Intake, question: &Question) -> Result<Vec<Parts>, Unanswered> {
    let failed = |error: StoreError| {
        error.log();
        Unanswered::Storage
    };
    let job = intake.store.job(&question.job, &intake.cluster.digest()).map_err(failed)?;
    let job = job.filter(|job| job.digest() == question.terms).ok_or(Unanswered::UnknownJob)?;
    let mut answer = Vec::with_capacity(question.wanted.len());
    let mut bytes = 0;
    let Ok(key) = intake.store.key(&job) else {
        return Err(Unanswered::UnknownJob);
    };
    for wanted in &question.wanted {
        let parts = parts_of(intake, &job, &key, wanted).map_err(failed)?;
        bytes += parts.bytes();
        answer.push(parts);
        if bytes >= FULL_ANSWER_BYTES {
            break;
        }
    }
    Ok(answer)
}

/// What this node has of one submission. Components are those of an accepted submission: of a spoilt one there is the header alone.
fn parts_of(intake: &Intake, job: &Job, key: &AtRestKey, wanted: &Wanted) -> Result<Parts, StoreError> {
    let (mut signed, mut at) = (Vec::new(), None);
    intake
        .store
        .for_each_stored(job.id(), &[wanted.submission], |_, found| match found {
            StoredSubmission::Rejected(_) => {}
            StoredSubmission::Spoilt(_, header) => signed = header.to_vec(),
            StoredSubmission::Accepted(header, components) => (signed, at) = (header.to_vec(), Some(components)),
        })?;
    let mut parts = Parts::default();
    let header = Header::from_stored(&signed, &wanted.submission);
    if let (Some(header), Some(at), false) = (&header, at, wanted.components.is_empty())
        && let Some(sealed) = intake.store.components(at)?
    {
        let of = (intake.me, &wanted.submission);
        let components: Vec<Component> = wanted.components.iter().copied().map(Component::from).collect();
        let payloads = header.payloads_at_rest(&intake.cluster, job, of, (key, sealed), &components);
        parts.payloads = payloads.unwrap_or_default();
    }
    if wanted.header && header.is_some() {
        parts.header = signed;
    }
    Ok(parts)
}
