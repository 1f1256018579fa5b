//! One computation on this node's kept submissions, from the coordinator's list to signed components.

use std::sync::{Mutex, PoisonError};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::{Network, NetworkError};
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::Party;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::control::{Computed, Refusal};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::Released;
use tacit_protocol::submission::{Delivery, Header, OpenedSubmission};
use tacit_scoring::{ScoringError, Submissions};

use crate::intake::Intake;
use crate::metrics::SessionMeter;
use crate::store::{Found, Place, StoreError};

/// What the coordinator asks to be computed.
#[derive(Debug, Clone)]
pub struct Task {
    /// The job.
    pub job: std::sync::Arc<Job>,
    /// Who takes part, as this node sees it.
    pub party: Party,
    /// The submissions in order.
    pub list: Vec<SubmissionEntry>,
}

/// Runs a computation. Blocks; call it on a thread of its own.
pub fn compute<N: Network>(intake: &Intake, key: &SecretKey, task: &Task, network: N, meter: &SessionMeter) -> Result<Computed, Refusal> {
    let Task { job, party, list } = task;
    let cluster = &intake.cluster;
    let kept = Kept::look_up(intake, job, list).map_err(storage)?;
    let scored = tacit_scoring::run(party.clone(), network, cluster, job, list, &kept, &mut UnwrapErr(SysRng));
    let scored = scored.map_err(|error| kept.refusal(error, meter))?;
    let traffic = scored.outputs.traffic();
    Ok(Computed {
        verdicts: scored.verdicts,
        released: Released::new(scored.subject, intake.me as u8, &scored.outputs, key),
        rounds: traffic.rounds,
        bytes_sent: traffic.sent,
    })
}

/// This node's kept submissions of a list. Components stay in the store until they are opened.
struct Kept<'a> {
    intake: &'a Intake,
    job: &'a Job,
    list: &'a [SubmissionEntry],
    verdicts: Vec<u8>,
    headers: Vec<Option<Header>>,
    places: Vec<Option<Place>>,
    /// What the store said, where it stopped the computation.
    failure: Mutex<Option<Refusal>>,
}

impl<'a> Kept<'a> {
    fn look_up(intake: &'a Intake, job: &'a Job, list: &'a [SubmissionEntry]) -> Result<Self, StoreError> {
        let digests: Vec<_> = list.iter().map(|listed| listed.submission).collect();
        let mut kept = Self {
            intake,
            job,
            list,
            verdicts: vec![RejectReason::NotDelivered.code(); list.len()],
            headers: vec![None; list.len()],
            places: vec![None; list.len()],
            failure: Mutex::default(),
        };
        intake.store.for_each_kept(job.id(), &digests, |index, found| {
            let (bytes, place) = match found {
                Found::Rejected(reason) => return kept.verdicts[index] = reason.code(),
                Found::Accepted(bytes, place) => (bytes, place),
            };
            let header = match place {
                Place::Row(_) => Header::from_stored(bytes, &digests[index]),
                // Of an earlier release: nothing but the contributor's signature says that it was not replaced.
                Place::Envelope => Delivery::decode(bytes).ok().and_then(|delivery| {
                    let intact =
                        delivery.header.value.digest() == digests[index] && Header::check(&delivery.header, &intake.cluster, job).is_ok();
                    intact.then_some(delivery.header.value)
                }),
            };
            let reason = match &header {
                // The coordinator must list as many answers as the contributor has signed for.
                Some(header) if header.statement.items.len() != list[index].answers as usize => Some(RejectReason::Malformed),
                Some(header) if !is_for(header, intake, job) => Some(RejectReason::WrongJob),
                Some(_) => None,
                None => Some(RejectReason::NotDelivered),
            };
            kept.verdicts[index] = reason.map_or(0, RejectReason::code);
            if reason.is_none() {
                kept.headers[index] = header;
                kept.places[index] = Some(place);
            }
        })?;
        Ok(kept)
    }

    /// Opens what is kept of an entry; `None` if it does not open.
    fn opened(&self, entry: usize) -> Result<Option<OpenedSubmission>, StoreError> {
        let Intake {
            cluster,
            me,
            key,
            resting,
            store,
            ..
        } = self.intake;
        let Some(Some((header, place))) = self.headers.get(entry).map(|header| header.as_ref().zip(self.places[entry])) else {
            return Ok(None);
        };
        let digest = &self.list[entry].submission;
        Ok(match place {
            Place::Row(number) => store
                .components(number)?
                .and_then(|sealed| header.open_at_rest(cluster, self.job, (*me, digest), resting, sealed)),
            Place::Envelope => store
                .delivery(self.job.id(), digest)?
                .and_then(|delivery| Delivery::decode(&delivery).ok())
                .filter(|delivery| delivery.header.value.digest() == *digest)
                .and_then(|delivery| delivery.open(cluster, self.job, *me, key).ok()),
        })
    }

    fn failed(&self, refusal: Refusal) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    fn refusal(&self, error: ScoringError, meter: &SessionMeter) -> Refusal {
        let phase = match &error {
            ScoringError::Session(error) => error.phase().map(Phase::from),
            ScoringError::AcceptedSet(_) => Some(Phase::AcceptedSet),
            ScoringError::Unopened(_) | ScoringError::Gold(_) => Some(Phase::Validate),
            ScoringError::NotRecorded => Some(Phase::Release),
        };
        if let Some(phase) = phase {
            let deviation = matches!(&error, ScoringError::Session(error) if !is_transient(error));
            meter.fails(phase, deviation);
        }
        let kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.unwrap_or_else(|| match error {
            ScoringError::Session(error) => session_refusal(self.intake, &error),
            ScoringError::AcceptedSet(error) => Refusal::Malformed(error.to_string()),
            ScoringError::Gold(error) => Refusal::Gold(error.to_string()),
            error @ (ScoringError::Unopened(_) | ScoringError::NotRecorded) => Refusal::Storage(error.to_string()),
        })
    }
}

impl Submissions for Kept<'_> {
    fn verdicts(&self) -> &[u8] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        self.headers.get(entry)?.as_ref()
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        self.opened(entry).unwrap_or_else(|error| {
            self.failed(storage(error));
            None
        })
    }

    fn record(&self, accepted: &Digest) -> bool {
        match self.intake.store.record_release(self.job, accepted) {
            Ok(true) => true,
            Ok(false) => {
                self.failed(Refusal::ReleasedBefore(self.job.id().clone()));
                false
            }
            Err(error) => {
                self.failed(storage(error));
                false
            }
        }
    }
}

/// Whether a kept submission is for this job and cluster as they are now.
fn is_for(header: &Header, intake: &Intake, job: &Job) -> bool {
    header.statement.job_digest == job.digest() && header.statement.cluster == intake.cluster.digest()
}

/// A refusal that names phase and suspects, with the nodes' names.
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

/// Whether the same computation may well succeed another time: someone was silent, gone, or gave it up.
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

/// A refusal for peers that could not be reached before the first round.
pub fn unreachable(intake: &Intake, error: NetworkError) -> Refusal {
    let phase = Phase::AcceptedSet.engine();
    session_refusal(intake, &SessionError::Network { phase, source: error })
}

fn storage(error: StoreError) -> Refusal {
    Refusal::Storage(error.to_string())
}

#[cfg(test)]
mod tests;
