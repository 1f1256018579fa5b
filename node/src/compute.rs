//! One computation on this node's kept submissions, from the coordinator's list to signed components.

use std::sync::{Mutex, PoisonError};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_core::control::{Computed, Refusal, decode_delivery};
use tacit_core::crowd::Listed;
use tacit_core::digest::Digest;
use tacit_core::identity::SecretKey;
use tacit_core::job::Job;
use tacit_core::network::{Network, NetworkError, Phase};
use tacit_core::reject::RejectReason;
use tacit_core::release::Released;
use tacit_core::scoring::{self, ScoringError, Submissions};
use tacit_core::session::SessionError;
use tacit_core::sharing::Party;
use tacit_core::submission::{Delivery, Header, OpenedSubmission};

use crate::intake::Intake;
use crate::metrics::SessionMeter;
use crate::store::StoreError;

/// What the coordinator asks to be computed.
#[derive(Debug, Clone)]
pub struct Task {
    /// The job.
    pub job: std::sync::Arc<Job>,
    /// Who takes part, as this node sees it.
    pub party: Party,
    /// The submissions in order.
    pub list: Vec<Listed>,
}

/// Runs a computation. Blocks; call it on a thread of its own.
pub fn compute<N: Network>(intake: &Intake, key: &SecretKey, task: &Task, network: N, meter: &SessionMeter) -> Result<Computed, Refusal> {
    let Task { job, party, list } = task;
    let cluster = &intake.cluster;
    let kept = Kept::look_up(intake, job, list).map_err(storage)?;
    let scored = scoring::run(party.clone(), network, cluster, job, list, &kept, &mut UnwrapErr(SysRng));
    let scored = scored.map_err(|error| kept.refusal(error, meter))?;
    let traffic = scored.outputs.traffic();
    Ok(Computed {
        verdicts: scored.verdicts,
        released: Released::new(scored.subject, intake.me as u8, &scored.outputs, key),
        rounds: traffic.rounds,
        bytes_sent: traffic.sent,
    })
}

/// This node's kept submissions of a list. Envelopes stay in the store until they are opened.
struct Kept<'a> {
    intake: &'a Intake,
    job: &'a Job,
    list: &'a [Listed],
    verdicts: Vec<u8>,
    headers: Vec<Option<Header>>,
    /// What the store said, where it stopped the computation.
    failure: Mutex<Option<Refusal>>,
}

impl<'a> Kept<'a> {
    fn look_up(intake: &'a Intake, job: &'a Job, list: &'a [Listed]) -> Result<Self, StoreError> {
        let digests: Vec<_> = list.iter().map(|listed| listed.submission).collect();
        let outcomes = intake.store.outcomes(job.id(), &digests)?;
        let (mut verdicts, mut headers) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
        for listed in list {
            let (reason, header) = match outcomes.get(&listed.submission) {
                None => (Some(RejectReason::NotDelivered), None),
                Some(Some(reason)) => (Some(*reason), None),
                Some(None) => match delivery(intake, job, &listed.submission)?.map(|delivery| delivery.header.value) {
                    // The coordinator must list as many answers as the contributor has signed for.
                    Some(header) if header.statement.items.len() != listed.answers as usize => (Some(RejectReason::Malformed), None),
                    Some(header) if !is_for(&header, intake, job) => (Some(RejectReason::WrongJob), None),
                    Some(header) => (None, Some(header)),
                    None => (Some(RejectReason::NotDelivered), None),
                },
            };
            verdicts.push(reason.map_or(0, RejectReason::code));
            headers.push(header);
        }
        Ok(Self {
            intake,
            job,
            list,
            verdicts,
            headers,
            failure: Mutex::default(),
        })
    }

    fn failed(&self, refusal: Refusal) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    fn refusal(&self, error: ScoringError, meter: &SessionMeter) -> Refusal {
        let phase = match &error {
            ScoringError::Session(error) => error.phase(),
            ScoringError::Crowd(_) => Some(Phase::AcceptedSet),
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
            ScoringError::Crowd(error) => Refusal::Malformed(error.to_string()),
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
        let Intake { cluster, me, key, .. } = self.intake;
        match delivery(self.intake, self.job, &self.list.get(entry)?.submission) {
            Ok(delivery) => delivery?.open(cluster, self.job, *me, key).ok(),
            Err(error) => {
                self.failed(storage(error));
                None
            }
        }
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

fn delivery(intake: &Intake, job: &Job, digest: &Digest) -> Result<Option<Delivery>, StoreError> {
    Ok(intake.store.body(job.id(), digest)?.and_then(|body| decode_delivery(&body).ok()))
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
        phase: error.phase(),
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
    let phase = Phase::AcceptedSet;
    session_refusal(intake, &SessionError::Network { phase, source: error })
}

fn storage(error: StoreError) -> Refusal {
    Refusal::Storage(error.to_string())
}
