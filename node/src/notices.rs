//! Before a node releases anything of a job for the first time, it tells all its peers for which accepted set and with which noise. They store
//! its first notice of each job. So a node whose store was lost, or replaced by an older copy, is reminded of what it has released, also
//! by peers that take no part in the computation. `docs/security/release.md` has the argument.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::peer::{Answer, NoticeQuestion, Unanswered};
use tacit_protocol::release_notice::{ReleaseNotice, SignedNotice};
use tracing::{debug, error, warn};

use crate::intake::Intake;
use crate::metrics::Asked;
use crate::store::{Announced, StoreError};

/// The peers that remember what this node has announced.
pub(crate) trait Reminders {
    /// Asks all peers that are connected, at once, and waits a bounded time. Returns each answer that came, with the peer that gave it; `None`
    /// if the computation was cancelled meanwhile. Blocks.
    fn ask_all(&self, question: &NoticeQuestion) -> Option<Vec<(usize, Answer)>>;
}

/// Why a release was not announced. Then nothing may be released.
#[derive(Debug)]
pub(crate) enum NotAnnounced {
    /// This node has announced or made another release of the job before.
    ReleasedBefore,
    /// The list names a submission that was withdrawn.
    Withdrawn,
    /// The computation was cancelled before the peers had answered.
    Cancelled,
    /// The store failed, or was altered.
    Store(StoreError),
}

impl From<StoreError> for NotAnnounced {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Announces releases of this node.
#[derive(Clone, Copy)]
pub(crate) struct Announcer<'a> {
    /// What the node has stored.
    pub intake: &'a Intake,
    /// The node's identity key.
    pub key: &'a SecretKey,
    /// Its peers.
    pub peers: &'a dyn Reminders,
}

impl Announcer<'_> {
    /// Makes sure that this node has announced the release of this accepted set with this noise, and that no peer knows of another. Does nothing
    /// if the release is recorded. Blocks.
    ///
    /// Peers are asked before anything is signed, and once more when they are given the notice. A node that signed first could not be
    /// told apart later from one that releases twice: peers that have not heard of its old release would remind it of the new one.
    ///
    /// # Errors
    /// This node has released something else, or may have; or it cannot find out.
    pub(crate) fn announce(
        &self,
        job: &Job,
        list: &[SubmissionEntry],
        (accepted, noise): (&Digest, Option<Digest>),
    ) -> Result<(), NotAnnounced> {
        let Intake { store, cluster, me, .. } = self.intake;
        match store.released(job)? {
            Some(recorded) if recorded == *accepted => return Ok(()),
            Some(_) => return Err(NotAnnounced::ReleasedBefore),
            None => {}
        }
        let release = ReleaseNotice {
            cluster: cluster.digest(),
            job_digest: job.digest(),
            accepted: *accepted,
            noise,
            node: *me as u8,
        };
        let notice = match store.announced(job)? {
            Some(own) if !ReleaseNotice::is_by(&own, *me, cluster, &job.digest()) => return Err(store.altered(job).into()),
            // It was reminded of it, or was cut off before it recorded the release.
            Some(own) if own.value == release => own,
            Some(_) => return Err(NotAnnounced::ReleasedBefore),
            None => {
                if let Some(other) = self.reminded_of(job, &release, None)? {
                    // Stored, so that it need not be reminded again.
                    store.announce(job, &other, &[])?;
                    return Err(NotAnnounced::ReleasedBefore);
                }
                let notice = release.clone().sign(self.key);
                match store.announce(job, &notice, list)? {
                    Announced::ThisRelease => notice,
                    Announced::NotThisRelease => return Err(NotAnnounced::ReleasedBefore),
                    Announced::Withdrawn => return Err(NotAnnounced::Withdrawn),
                }
            }
        };
        match self.reminded_of(job, &release, Some(notice))? {
            Some(_) => Err(NotAnnounced::ReleasedBefore),
            None => Ok(()),
        }
    }

    /// Asks the peers what this node has announced of the job, and gives them its notice if there is one. Returns a notice of this node that
    /// forbids the release.
    fn reminded_of(&self, job: &Job, release: &ReleaseNotice, notice: Option<SignedNotice>) -> Result<Option<SignedNotice>, NotAnnounced> {
        let Intake { cluster, me, .. } = self.intake;
        let question = NoticeQuestion {
            job: job.id().clone(),
            terms: job.digest(),
            notice,
        };
        let answers = self.peers.ask_all(&question).ok_or(NotAnnounced::Cancelled)?;
        let mut forbids = None;
        for (peer, answer) in answers {
            let peer = cluster.node_name(peer);
            match answer {
                Answer::Notice(Some(shown)) if release.is_forbidden_by(&shown, cluster) => {
                    error!(
                        job = %job.id(), peer, announced = %shown.value.accepted, refused = %release.accepted,
                        "a peer shows that this node has announced another release of the job, of which its store says nothing: the store was lost or replaced by an older copy; nothing is released"
                    );
                    forbids = Some(shown);
                }
                Answer::Notice(Some(shown)) if !ReleaseNotice::is_by(&shown, *me, cluster, &job.digest()) => {
                    warn!(job = %job.id(), peer, "a peer shows a notice that this node has not signed: it deviates from the protocol");
                }
                Answer::Notice(_) => {}
                Answer::Refused(why) => debug!(job = %job.id(), peer, %why, "a peer does not remember releases of the job"),
                Answer::Parts(_) => {
                    warn!(job = %job.id(), peer, "a peer answers something else than it was asked: it deviates from the protocol");
                }
            }
        }
        Ok(forbids)
    }
}

/// What this node answers to a peer that asks which release it has announced. Stores the notice that the question gives, if the peer has given
/// none before. Blocks on processor and disk.
pub(crate) fn remind(intake: &Intake, peer: usize, question: &NoticeQuestion) -> Answer {
    let name = intake.cluster.node_name(peer);
    let (outcome, answer) = match first_notice(intake, peer, question) {
        Ok(notice) => (Asked::Answered, Answer::Notice(notice)),
        Err(why) => {
            let outcome = if why == Unanswered::NotSigned {
                Asked::Forbidden
            } else {
                Asked::Refused
            };
            warn!(peer = %name, job = %question.job, %why, "a peer's question is not answered");
            (outcome, Answer::Refused(why))
        }
    };
    intake.metrics.asked(&name, outcome);
    answer
}

/// The first notice that a peer has given of a job, open or ended.
fn first_notice(intake: &Intake, peer: usize, question: &NoticeQuestion) -> Result<Option<SignedNotice>, Unanswered> {
    let Intake { store, cluster, .. } = intake;
    let NoticeQuestion { job, terms, notice } = question;
    let failed = |error: StoreError| {
        error.log();
        Unanswered::Storage
    };
    let before = store.notice_of(peer, terms).map_err(failed)?;
    if before.is_some() {
        return Ok(before);
    }
    // One notice of each peer for each job that was opened here. It stays when the job is dropped: a coordinator must not make peers forget.
    if !store.knows(job, terms).map_err(failed)? {
        return Err(Unanswered::UnknownJob);
    }
    let Some(notice) = notice else { return Ok(None) };
    if !ReleaseNotice::is_by(notice, peer, cluster, terms) {
        return Err(Unanswered::NotSigned);
    }
    store.store_notice(peer, terms, notice).map_err(failed)?;
    store.notice_of(peer, terms).map_err(failed)
}

#[cfg(test)]
mod tests;
