//! Repairs submissions of which this node's part is missing or spoilt: it asks the peers that hold its components for them.
//!
//! Whatever a peer answers is compared with the header that the contributor signed. So it does not matter which peer answers, and
//! what does not fit leaves no trace but a line in the log and a count.

use std::collections::{BTreeMap, HashSet};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::job::Job;
use tacit_protocol::peer::{Answer, FULL_ANSWER_BYTES, MAX_WANTED, Parts, Question, Wanted};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Gathering;
use tracing::{info, warn};

use crate::intake::Intake;
use crate::store::{Author, NewSubmission, StoreError, StoredSubmission};

/// How this node asks its peers.
pub(crate) trait Peers {
    /// Asks a peer and waits for its answer; `None` if none comes in time. Blocks.
    fn ask(&self, peer: usize, question: &Question) -> Option<Answer>;
}

/// Why submissions are repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// They were delivered here and came spoilt. The rules of the door hold: what the issuers have revoked is not taken.
    Delivered,
    /// The list of a computation names them. What others hold of revoked people counts.
    Listed,
}

/// What came of a repair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Repaired {
    /// How many submissions are accepted now.
    pub repaired: usize,
    /// How many are still missing or spoilt.
    pub lacking: usize,
    /// Peers that did not answer while something was lacking.
    pub silent: NodeSet,
}

/// Asks peers for this node's part of submissions that are listed by these digests, and stores what is complete. Blocks.
///
/// # Errors
/// The store fails.
pub(crate) fn repair(intake: &Intake, job: &Job, digests: &[Digest], need: Need, peers: &impl Peers) -> Result<Repaired, StoreError> {
    let mut seen = HashSet::with_capacity(digests.len());
    let digests: Vec<Digest> = digests.iter().copied().filter(|digest| seen.insert(*digest)).collect();
    let mut repair = Repair {
        intake,
        job,
        need,
        peers,
        silent: NodeSet::default(),
    };
    let mut repaired = 0;
    for some in digests.chunks(MAX_WANTED) {
        let headers = repair.headers(some)?;
        let mut lot = Vec::new();
        let mut bytes = 0;
        // As many at once as fit one answer, so that memory does not grow with what is lacking.
        for gathering in headers {
            bytes += gathering.missing_bytes();
            lot.push(gathering);
            if bytes >= FULL_ANSWER_BYTES {
                repaired += repair.components(std::mem::take(&mut lot))?;
                bytes = 0;
            }
        }
        repaired += repair.components(lot)?;
    }
    let lacking = digests.len() - repaired;
    intake.metrics.repaired(repaired as u64, lacking as u64);
    if repaired > 0 {
        info!(job = %job.id(), repaired, lacking, "submissions were repaired with parts of peers");
    }
    Ok(Repaired {
        repaired,
        lacking,
        silent: if lacking == 0 { NodeSet::default() } else { repair.silent },
    })
}

struct Repair<'a, P> {
    intake: &'a Intake,
    job: &'a Job,
    need: Need,
    peers: &'a P,
    silent: NodeSet,
}

impl<P: Peers> Repair<'_, P> {
    /// The peers, beginning with the one after this node, so that not all nodes ask the same one first.
    fn order(&self) -> Vec<usize> {
        let (nodes, me) = (self.intake.cluster.nodes().len(), self.intake.me);
        (1..nodes).map(|step| (me + step) % nodes).collect()
    }

    /// Finds the headers of submissions that this node lacks, in its store or at peers. Where a header says that nobody may accept
    /// the submission, that is noted. Of a submission for which there is no room nothing is noted, and no component is asked for.
    fn headers(&mut self, digests: &[Digest]) -> Result<Vec<Gathering>, StoreError> {
        let Intake { cluster, me, store, .. } = self.intake;
        let mut found: BTreeMap<usize, Gathering> = BTreeMap::new();
        let mut refused: BTreeMap<usize, RejectReason> = BTreeMap::new();
        let mut stored: Vec<(usize, Vec<u8>)> = Vec::new();
        store.for_each_stored(self.job.id(), digests, |index, one| match one {
            StoredSubmission::Rejected(reason) => drop(refused.insert(index, reason)),
            StoredSubmission::Spoilt(_, header) | StoredSubmission::Accepted(header, _) => stored.push((index, header.to_vec())),
        })?;
        for (index, signed) in stored {
            if let Ok(gathering) = Gathering::new(&signed, &digests[index], cluster, self.job, *me) {
                found.insert(index, gathering);
            }
        }
        let kept: HashSet<usize> = found.keys().chain(refused.keys()).copied().collect();
        for peer in self.order() {
            let wanted = |index: &usize| Wanted {
                submission: digests[*index],
                header: true,
                components: Vec::new(),
            };
            let missing: Vec<usize> = (0..digests.len())
                .filter(|index| !found.contains_key(index) && !refused.contains_key(index))
                .collect();
            let mut wrong = 0;
            for (index, parts) in self.ask(peer, &missing, wanted) {
                if parts.header.is_empty() {
                    continue;
                }
                match Gathering::new(&parts.header, &digests[index], cluster, self.job, *me) {
                    Ok(gathering) => drop(found.insert(index, gathering)),
                    Err(reason) if reason.is_of_header() => drop(refused.insert(index, reason)),
                    Err(_) => wrong += 1,
                }
            }
            self.wrong(peer, wrong);
        }
        if self.need == Need::Delivered {
            for (index, one) in std::mem::take(&mut found) {
                if !self.intake.is_revoked(self.job, &self.author(&one))? {
                    found.insert(index, one);
                }
            }
        }
        let new = |index: &usize, author, reason, header: &[u8]| NewSubmission {
            digest: digests[*index],
            author,
            reason: Some(reason),
            header: header.to_vec(),
            sealed: Vec::new(),
        };
        // What was learnt stays, whatever comes of the rest.
        let learnt: Vec<NewSubmission> = found
            .iter()
            .map(|(index, one)| (index, Some(self.author(one)), RejectReason::NotDelivered, one.signed_header()))
            .chain(refused.iter().map(|(index, reason)| (index, None, *reason, [].as_slice())))
            .filter(|(index, ..)| !kept.contains(index))
            .map(|(index, author, reason, header)| new(index, author, reason, header))
            .collect();
        if !learnt.is_empty() {
            let no_room = store.store_learnt(self.job, cluster.nodes().len(), &learnt)?;
            found.retain(|_, one| !no_room.contains(one.digest()));
        }
        Ok(found.into_values().collect())
    }

    /// Who has signed a submission.
    fn author(&self, one: &Gathering) -> Author {
        Author::of(self.job, one.statement())
    }

    /// Collects the components of these submissions and stores what is complete. Returns how many are.
    fn components(&mut self, mut lot: Vec<Gathering>) -> Result<usize, StoreError> {
        let Intake { cluster, me, store, .. } = self.intake;
        for peer in self.order() {
            let held = |component: &usize| cluster.access().holders(*component).contains(peer);
            let of = |gathering: &Gathering| Wanted {
                submission: *gathering.digest(),
                header: false,
                components: gathering.missing().filter(held).map(|component| component as u8).collect(),
            };
            let wanted: Vec<Wanted> = lot.iter().map(of).collect();
            let missing: Vec<usize> = (0..lot.len()).filter(|index| !wanted[*index].components.is_empty()).collect();
            let mut wrong = 0;
            for (index, mut parts) in self.ask(peer, &missing, |index| wanted[*index].clone()) {
                let payloads = std::mem::take(&mut parts.payloads);
                for (component, payload) in wanted[index].components.iter().zip(payloads) {
                    if !payload.is_empty() && !lot[index].take((*component).into(), payload) {
                        wrong += 1;
                    }
                }
            }
            self.wrong(peer, wrong);
        }
        let mut repaired = Vec::new();
        let key = store.key(self.job)?;
        for gathering in &lot {
            let sealed = gathering.seal_at_rest(cluster, self.job, *me, &key, &mut UnwrapErr(SysRng));
            if let Some(Ok(sealed)) = sealed {
                repaired.push(NewSubmission {
                    digest: *gathering.digest(),
                    author: Some(self.author(gathering)),
                    reason: None,
                    header: gathering.signed_header().to_vec(),
                    sealed,
                });
            }
        }
        if repaired.is_empty() {
            return Ok(0);
        }
        store.store_repaired(self.job, &repaired)
    }

    /// Asks a peer for parts of the submissions of these indices, as often as it takes. Gives each index with what came.
    fn ask(&mut self, peer: usize, indices: &[usize], wanted: impl Fn(&usize) -> Wanted) -> Vec<(usize, Parts)> {
        let mut came = Vec::new();
        let mut rest = indices;
        while !rest.is_empty() && !self.silent.contains(peer) {
            let question = Question {
                job: self.job.id().clone(),
                terms: self.job.digest(),
                wanted: rest.iter().map(&wanted).collect(),
            };
            match self.peers.ask(peer, &question) {
                Some(Answer::Parts(parts)) if (1..=rest.len()).contains(&parts.len()) => {
                    let (answered, later) = rest.split_at(parts.len());
                    came.extend(answered.iter().copied().zip(parts));
                    rest = later;
                }
                Some(Answer::Parts(_) | Answer::Notice(_)) => {
                    self.wrong(peer, 1);
                    break;
                }
                Some(Answer::Refused(why)) => {
                    let peer = self.intake.cluster.node_name(peer);
                    warn!(job = %self.job.id(), peer, %why, "a peer does not supply what this node lacks");
                    break;
                }
                None => self.silent = self.silent.union([peer].into_iter().collect()),
            }
        }
        came
    }

    /// Notes that a peer has supplied what no header names.
    fn wrong(&self, peer: usize, parts: u64) {
        if parts == 0 {
            return;
        }
        let peer = self.intake.cluster.node_name(peer);
        self.intake.metrics.supplied_wrong(&peer, parts);
        warn!(job = %self.job.id(), peer, parts, "a peer supplied something else than was asked for: it deviates from the protocol");
    }
}

#[cfg(test)]
mod tests;
