//! One computation on the submissions that this node has stored: from the coordinator's list to signed components.

mod noise_keys;
mod refusal;

use std::sync::{Mutex, PoisonError};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::{Network, NetworkError};
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::Party;
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
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
use tacit_scoring::{Asked, ScoringError, Submissions};

use crate::intake::Intake;
use crate::metrics::SessionMeter;
use crate::notices::{Announcer, NotAnnounced, Reminders};
use crate::repair::{Need, Peers, repair};
use crate::store::{ComponentsAt, Recorded, StoreError, StoredSubmission};
use refusal::{is_transient, phase_of, refusal_of, session_refusal};

pub(crate) use refusal::unreachable;

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
        let look_up = || Self::look_up(announcer, &task.job, &task.list).map_err(StoreError::into_refusal);
        let submissions = look_up()?;
        submissions.check_withdrawals()?;
        let lacking = submissions.lacking();
        if lacking.is_empty() {
            return Ok(submissions);
        }
        let repaired = repair(intake, &task.job, &lacking, Need::Listed, peers);
        let repaired = repaired.map_err(StoreError::into_refusal)?;
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
            Err(error) => error.into_refusal(),
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
            NotAnnounced::Store(error) => error.into_refusal(),
        })
    }

    fn failed(&self, refusal: Refusal) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    /// The refusal for a computation that ended with this error.
    fn refusal(&self, error: ScoringError, meter: &SessionMeter) -> Refusal {
        if let Some(phase) = phase_of(&error) {
            let deviation = matches!(&error, ScoringError::Session(error) if !is_transient(error));
            meter.fails(phase, deviation);
        }
        if matches!(error, ScoringError::Unopened(_))
            && let Err(error) = self.note_unopened()
        {
            error.log();
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| refusal_of(self.intake, error))
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
            self.failed(error.into_refusal());
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

    fn record_release(&self, accepted: &Digest) -> bool {
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
                self.failed(error.into_refusal());
                false
            }
        }
    }

    fn noise_keys(&self, party: &Party) -> Result<Option<OwnKeys>, ScoringError> {
        self.open_noise_keys(party).map_err(|refusal| {
            self.failed(refusal);
            ScoringError::NotRecorded
        })
    }

    fn store_noise_keys(&self, keys: &StoredKeys) -> bool {
        match self.seal_noise_keys(keys) {
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

/// Whether a stored submission is for this job and cluster as they are now.
fn is_for(header: &Header, intake: &Intake, job: &Job) -> bool {
    header.statement.job_digest == job.digest() && header.statement.cluster == intake.cluster.digest()
}

#[cfg(test)]
mod tests;
