//! One computation on the submissions that this node has stored: from the coordinator's list to signed components.

use std::sync::{Mutex, PoisonError};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::kept_keys::{Kept, KeptKeys};
use tacit_mpc_core::network::{Network, NetworkError};
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_protocol::accepted::{PublicFacts, SubmissionEntry};
use tacit_protocol::control::{Computed, Refusal};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::phase::Phase;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::Released;
use tacit_protocol::sealing::AtRestKey;
use tacit_protocol::submission::{Header, OpenedSubmission};
use tacit_protocol::verdict::Verdict;
use tacit_scoring::{Asked, Dispute, ScoringError, Submissions};
use tracing::warn;

use crate::intake::Intake;
use crate::metrics::SessionMeter;
use crate::notices::{Announcer, NotAnnounced, Reminders};
use crate::repair::{Need, Peers, repair};
use crate::store::{ComponentsAt, Recorded, StoreError, StoredSubmission};

/// A computation that the coordinator asks for.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// The job to compute.
    pub job: std::sync::Arc<Job>,
    /// The participants, from this node's point of view.
    pub party: Party,
    /// The submissions, in the order in which all nodes process them.
    pub list: Vec<SubmissionEntry>,
    /// What the salts of contributors' records follow from.
    pub salts: SaltSeed,
}

/// Runs a computation, after peers were asked for parts of submissions that this node lacks. Blocks until it ends, so call it on a
/// thread of its own.
pub(crate) fn compute<N: Network>(
    intake: &Intake,
    key: &SecretKey,
    task: &Task,
    (network, peers): (N, &(impl Peers + Reminders)),
    meter: &SessionMeter,
) -> Result<Computed, Refusal> {
    let Task { job, party, list, salts } = task;
    let cluster = &intake.cluster;
    // The operator may have tightened the policy since the job was opened, or made a mistake in it. The job waits for the operator.
    intake.policy.permits(job.terms()).map_err(|refusal| match refusal {
        Refusal::Policy { rule, detail } => Refusal::PolicyChanged { rule, detail },
        other => other,
    })?;
    let announcer = Announcer { intake, key, peers };
    let submissions = NodeSubmissions::repaired(announcer, task, peers, meter)?;
    let asked = Asked { list, salts };
    let scored = tacit_scoring::run(party.clone(), network, cluster, job, asked, &submissions, &mut UnwrapErr(SysRng));
    let scored = scored.map_err(|error| submissions.refusal(error, meter))?;
    let traffic = scored.outputs.traffic();
    Ok(Computed {
        verdicts: scored.verdicts,
        released: Released::new(scored.subject, intake.me as u8, &scored.outputs, scored.records, key),
        rounds: traffic.rounds,
        bytes_sent: traffic.sent,
    })
}

/// This node's submissions of a list. Components stay sealed in the store until they are opened.
struct NodeSubmissions<'a> {
    intake: &'a Intake,
    job: &'a Job,
    /// The key that the node's part of the job is sealed under.
    key: AtRestKey,
    list: &'a [SubmissionEntry],
    /// What this node says of each entry of the list.
    verdicts: Vec<Verdict>,
    /// For each entry that this node accepts, its header and where its components are.
    accepted: Vec<Option<(Header, ComponentsAt)>>,
    /// Tells the peers of a release before it is recorded.
    announcer: Announcer<'a>,
    /// The digest of the keys of the noise with which this computation releases; `None` if it has none.
    noise: Mutex<Option<Digest>>,
    /// The refusal to return if the store failed, or if outputs were released before. `scoring` only learns that something did not open.
    failure: Mutex<Option<Refusal>>,
}

impl<'a> NodeSubmissions<'a> {
    /// Looks up the submissions. If this node lacks its part of some, it asks its peers for them first. If something is still
    /// lacking and a participant has not answered, the computation ends: this node would refuse what others may hold.
    fn repaired(announcer: Announcer<'a>, task: &'a Task, peers: &impl Peers, meter: &SessionMeter) -> Result<Self, Refusal> {
        let intake = announcer.intake;
        let look_up = || Self::look_up(announcer, &task.job, &task.list).map_err(storage);
        let submissions = look_up()?;
        submissions.check_withdrawals()?;
        let lacking = submissions.lacking();
        if lacking.is_empty() {
            return Ok(submissions);
        }
        let repaired = repair(intake, &task.job, &lacking, Need::Listed, peers).map_err(storage)?;
        if let Some(peer) = task.party.peers().find(|peer| repaired.silent.contains(*peer)) {
            let phase = Phase::AcceptedSet;
            meter.fails(phase, false);
            let error = SessionError::Network {
                phase: phase.engine(),
                source: NetworkError::Silent { peer },
            };
            return Err(session_refusal(intake, &error));
        }
        let submissions = look_up()?;
        submissions.check_withdrawals()?;
        Ok(submissions)
    }

    /// Refuses a list that names a submission which its contributor has withdrawn. More than t nodes know of a withdrawal with receipts of a
    /// quorum, so an honest one among any participants stops such a computation. This saves the work; the record of the release decides.
    fn check_withdrawals(&self) -> Result<(), Refusal> {
        let withdrawn = |verdict: &Verdict| verdict.reason() == Some(RejectReason::Withdrawn);
        if self.verdicts.iter().any(withdrawn) {
            return Err(self.withdrawn());
        }
        Ok(())
    }

    /// The refusal of a list that names withdrawn submissions, with the signatures of the withdrawals: a coordinator that was restored from a
    /// backup has forgotten them.
    fn withdrawn(&self) -> Refusal {
        match self.intake.store.withdrawn_of(self.job.id(), self.list) {
            Ok(withdrawn) => Refusal::Withdrawn(withdrawn),
            Err(error) => storage(error),
        }
    }

    /// The digests of the submissions of which this node's part is missing or spoilt.
    fn lacking(&self) -> Vec<Digest> {
        let lacks = |verdict: &Verdict| verdict.reason().is_some_and(RejectReason::is_private);
        let entries = self.list.iter().zip(&self.verdicts).filter(|(_, verdict)| lacks(verdict));
        entries.map(|(listed, _)| listed.submission).collect()
    }

    /// Notes the accepted submissions of which the sealed components do not open any more, so that the next computation repairs
    /// them. Reads all of them, so it is called only after one did not open.
    fn note_unopened(&self) -> Result<(), StoreError> {
        let mut unopened = Vec::new();
        for (entry, listed) in self.list.iter().enumerate() {
            if self.verdicts[entry].is_accepted() && self.opened(entry)?.is_none() {
                unopened.push(listed.submission);
            }
        }
        self.intake.store.spoil(self.job.id(), &unopened)
    }

    fn look_up(announcer: Announcer<'a>, job: &'a Job, list: &'a [SubmissionEntry]) -> Result<Self, StoreError> {
        let intake = announcer.intake;
        let digests: Vec<_> = list.iter().map(|listed| listed.submission).collect();
        let mut submissions = Self {
            intake,
            job,
            key: intake.store.key(job)?,
            list,
            verdicts: vec![Verdict::Rejected(RejectReason::NotDelivered); list.len()],
            accepted: vec![None; list.len()],
            announcer,
            noise: Mutex::default(),
            failure: Mutex::default(),
        };
        intake.store.for_each_stored(job.id(), &digests, |index, found| {
            let (bytes, at) = match found {
                StoredSubmission::Rejected(reason) => return submissions.verdicts[index] = Verdict::Rejected(reason),
                StoredSubmission::Spoilt(reason, bytes) => (bytes, Err(reason)),
                StoredSubmission::Accepted(bytes, at) => (bytes, Ok(at)),
            };
            let header = Header::from_stored(bytes, &digests[index]);
            // What follows from the header comes first: all nodes that have it find the same.
            let reason = match &header {
                // The coordinator must list as many answers as the contributor has signed for.
                Some(header) if header.statement.items.len() != list[index].answers as usize => Some(RejectReason::Malformed),
                Some(header) if !is_for(header, intake, job) => Some(RejectReason::WrongJob),
                Some(_) => at.err(),
                None => Some(RejectReason::NotDelivered),
            };
            submissions.verdicts[index] = reason.into();
            if let (None, Ok(at)) = (reason, at) {
                submissions.accepted[index] = header.map(|header| (header, at));
            }
        })?;
        Ok(submissions)
    }

    /// Opens this node's components of an entry; `None` if there are none that open.
    fn opened(&self, entry: usize) -> Result<Option<OpenedSubmission>, StoreError> {
        let Intake { cluster, me, store, .. } = self.intake;
        let Some(Some((header, at))) = self.accepted.get(entry) else {
            return Ok(None);
        };
        let digest = &self.list[entry].submission;
        let sealed = store.components(*at)?;
        Ok(sealed.and_then(|sealed| header.open_at_rest(cluster, self.job, (*me, digest), &self.key, sealed)))
    }

    /// The keys of the noise that this node has kept, and whether it has recorded a release.
    fn kept_noise(&self, party: &Party) -> Result<Option<Kept>, Refusal> {
        let Intake { store, me, .. } = self.intake;
        let (sealed, released) = store.noise(self.job).map_err(storage)?;
        let recorded = released.is_some();
        let Some(sealed) = sealed else {
            // Its keys were forgotten with the job: nobody can make the same noise again.
            return if recorded {
                Err(Refusal::ReleasedBefore(self.job.id().clone()))
            } else {
                Ok(None)
            };
        };
        let opened = self.key.open(&noise_binding(self.job, *me), sealed).ok();
        let keys = opened.and_then(|bytes| KeptKeys::from_bytes(party.access(), *me, &bytes));
        match keys {
            Some(keys) => Ok(Some(Kept { keys, recorded })),
            None => {
                let job = self.job.id();
                let text = format!("the keys of the noise of job {job} do not open any more: the store was changed");
                Err(Refusal::Storage(text))
            }
        }
    }

    /// Seals and stores keys of the noise; those that are stored already are left as they are.
    fn keep_noise(&self, keys: &KeptKeys) -> Result<bool, Refusal> {
        let Intake { store, me, .. } = self.intake;
        let binding = noise_binding(self.job, *me);
        let (stored, _) = store.noise(self.job).map_err(storage)?;
        if let Some(stored) = stored
            && self.key.open(&binding, stored).is_ok_and(|stored| stored == keys.to_bytes())
        {
            return Ok(true);
        }
        let sealed = self.key.seal(&binding, &keys.to_bytes(), &mut UnwrapErr(SysRng));
        let sealed = sealed.map_err(|error| Refusal::Storage(error.to_string()))?;
        store.keep_noise(self.job, &sealed).map_err(storage)
    }

    /// Tells the peers for what something is about to be released, unless that is recorded already.
    fn announce(&self, accepted: &Digest) -> Result<(), Refusal> {
        let noise = *self.noise.lock().unwrap_or_else(PoisonError::into_inner);
        let announced = self.announcer.announce(self.job, self.list, (accepted, noise));
        announced.map_err(|why| match why {
            NotAnnounced::ReleasedBefore => Refusal::ReleasedBefore(self.job.id().clone()),
            NotAnnounced::Withdrawn => self.withdrawn(),
            NotAnnounced::Cancelled => {
                let (phase, source) = (Phase::Release.engine(), NetworkError::Cancelled);
                session_refusal(self.intake, &SessionError::Network { phase, source })
            }
            NotAnnounced::Store(error) => storage(error),
        })
    }

    fn failed(&self, refusal: Refusal) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    fn refusal(&self, error: ScoringError, meter: &SessionMeter) -> Refusal {
        let phase = match &error {
            ScoringError::Session(error) => error.phase().map(Phase::from),
            ScoringError::AcceptedSet(_) | ScoringError::NotPermitted | ScoringError::Disputed(_) => Some(Phase::AcceptedSet),
            ScoringError::Unopened(_) | ScoringError::Gold(_) => Some(Phase::Validate),
            ScoringError::NotRecorded => Some(Phase::Release),
            ScoringError::NotComputed(_) | ScoringError::Records(_) => Some(Phase::Agreement),
        };
        if let Some(phase) = phase {
            let deviation = matches!(&error, ScoringError::Session(error) if !is_transient(error));
            meter.fails(phase, deviation);
        }
        if matches!(error, ScoringError::Unopened(_))
            && let Err(error) = self.note_unopened()
        {
            warn!(%error, "the store failed");
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| match error {
            ScoringError::Session(error) => session_refusal(self.intake, &error),
            ScoringError::AcceptedSet(error) => Refusal::Malformed(error.to_string()),
            ScoringError::Disputed(dispute) => disputed(self.intake, &dispute),
            ScoringError::Gold(error) => Refusal::Gold(error.to_string()),
            error @ (ScoringError::Unopened(_) | ScoringError::NotRecorded | ScoringError::NotPermitted) => {
                Refusal::Storage(error.to_string())
            }
            // It counts as an attempt, so that the job ends: another attempt would fail alike.
            error @ (ScoringError::NotComputed(_) | ScoringError::Records(_)) => Refusal::Job(error.to_string()),
        })
    }
}

impl Submissions for NodeSubmissions<'_> {
    fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        self.accepted.get(entry)?.as_ref().map(|(header, _)| header)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        self.opened(entry).unwrap_or_else(|error| {
            self.failed(storage(error));
            None
        })
    }

    fn permits(&self, facts: &PublicFacts) -> bool {
        match self.intake.policy.permits_release(self.job.terms(), facts) {
            Ok(()) => true,
            Err(refusal) => {
                self.failed(refusal);
                false
            }
        }
    }

    fn record(&self, accepted: &Digest) -> bool {
        if let Err(refusal) = self.announce(accepted) {
            self.failed(refusal);
            return false;
        }
        match self.intake.store.record_release(self.job, accepted, self.list) {
            Ok(Recorded::ThisSet) => true,
            Ok(Recorded::NotThisSet) => {
                self.failed(Refusal::ReleasedBefore(self.job.id().clone()));
                false
            }
            Ok(Recorded::Withdrawn) => {
                self.failed(self.withdrawn());
                false
            }
            Err(error) => {
                self.failed(storage(error));
                false
            }
        }
    }

    fn kept(&self, party: &Party) -> Result<Option<Kept>, ScoringError> {
        self.kept_noise(party).map_err(|refusal| {
            self.failed(refusal);
            ScoringError::NotRecorded
        })
    }

    fn keep(&self, keys: &KeptKeys) -> bool {
        match self.keep_noise(keys) {
            Ok(true) => {
                *self.noise.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.digest());
                true
            }
            Ok(false) => {
                self.failed(Refusal::ReleasedBefore(self.job.id().clone()));
                false
            }
            Err(refusal) => {
                self.failed(refusal);
                false
            }
        }
    }
}

/// The job and node that sealed keys of noise are bound to.
fn noise_binding(job: &Job, me: usize) -> Vec<u8> {
    [b"tacit/v1 kept noise".as_slice(), job.digest().as_bytes(), &[me as u8]].concat()
}

/// Whether a stored submission is for this job and cluster as they are now.
fn is_for(header: &Header, intake: &Intake, job: &Job) -> bool {
    header.statement.job_digest == job.digest() && header.statement.cluster == intake.cluster.digest()
}

/// The refusal for a session that failed, with its phase and the names of the suspects.
fn session_refusal(intake: &Intake, error: &SessionError) -> Refusal {
    let names: Vec<String> = error.suspects().iter().map(|node| intake.cluster.node_name(node)).collect();
    let suspects = if names.is_empty() {
        String::new()
    } else {
        format!(" (suspects: {})", names.join(", "))
    };
    Refusal::Session {
        phase: error.phase().map(Phase::from),
        suspects: error.suspects(),
        transient: is_transient(error),
        message: format!("{error}{suspects}"),
    }
}

/// The refusal where a few nodes refuse what the others hold, with the names of these nodes.
fn disputed(intake: &Intake, dispute: &Dispute) -> Refusal {
    let Dispute {
        refusing,
        submissions,
        suspects,
    } = *dispute;
    let names = |nodes: NodeSet| {
        nodes
            .iter()
            .map(|node| intake.cluster.node_name(node))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let message = if refusing.contains(intake.me) {
        let holding = names(suspects);
        format!("it lacks its part of {submissions} submissions that {holding} say they hold and did not supply")
    } else {
        format!("{} refuse {submissions} submissions that all others hold", names(refusing))
    };
    Refusal::Disputed {
        refusing,
        suspects,
        message: format!("{message}: there are no outputs while they do"),
    }
}

/// Whether the same computation may succeed when it is repeated: a node was silent or lost, or the computation was cancelled.
fn is_transient(error: &SessionError) -> bool {
    use NetworkError::{Cancelled, Lost, Silent};
    matches!(
        error,
        SessionError::Network {
            source: Silent { .. } | Lost { .. } | Cancelled,
            ..
        }
    )
}

/// The refusal for peers that could not be reached before the first round.
pub(crate) fn unreachable(intake: &Intake, error: NetworkError) -> Refusal {
    let phase = Phase::AcceptedSet.engine();
    session_refusal(intake, &SessionError::Network { phase, source: error })
}

fn storage(error: StoreError) -> Refusal {
    error.into()
}

#[cfg(test)]
mod tests;
