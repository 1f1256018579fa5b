//! What one node asks another outside computations: parts of submissions that it should hold and lacks, because its envelope
//! does not open or did not come; and, before it releases anything, whether it has announced another release of the job before. Each question
//! has a QUIC stream of its own, on the connection of the two nodes.

use std::fmt;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::{AccessStructure, Component};
use zeroize::Zeroize;

use crate::job::JobId;
use crate::release_notice::SignedNotice;

/// The most submissions that one question may name.
pub const MAX_WANTED: usize = 64;

/// The largest question, in bytes.
pub const MAX_QUESTION_BYTES: usize = 16 << 10;

/// A node adds no further submission to an answer that has this many bytes.
pub const FULL_ANSWER_BYTES: usize = 8 << 20;

/// The largest answer, in bytes: a full one, and the longest header and component that may come on top.
pub const MAX_ANSWER_BYTES: usize = FULL_ANSWER_BYTES + (4 << 20);

/// What one node asks another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerQuestion {
    /// For parts of submissions.
    Parts(Question),
    /// For the notice of a release that it gave to the peer before.
    Notice(NoticeQuestion),
}

/// Which notice of a release the node that asks has given to the peer before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeQuestion {
    /// The job's id.
    pub job: JobId,
    /// The digest of the job's terms.
    pub terms: Digest,
    /// A notice of the node that asks. A peer that has none of this node and job stores it.
    pub notice: Option<SignedNotice>,
}

/// What a node lacks of the submissions of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The job's id.
    pub job: JobId,
    /// The digest of the job's terms.
    pub terms: Digest,
    /// What is wanted, of at most [`MAX_WANTED`] submissions.
    pub wanted: Vec<Wanted>,
}

/// What a node lacks of one submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The digest by which the submission is listed.
    pub submission: Digest,
    /// Whether the signed header is wanted.
    pub header: bool,
    /// The wanted components. The node that asks must hold them by the cluster's access structure.
    pub components: Vec<u8>,
}

/// The answer to a [`PeerQuestion`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// What the node has of the first submissions that were asked for, in their order; at least of one, unless none was. The
    /// rest did not fit: it has to be asked for again.
    Parts(Vec<Parts>),
    /// The node does not answer.
    Refused(Unanswered),
    /// The first notice that the node was given by the node that asks, also if the question has given it; `None` if it has none.
    Notice(Option<SignedNotice>),
}

/// Why a node does not answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Unanswered {
    /// The node that asks must not hold a component it asks for.
    #[error("a component was asked for that the asking node must not hold")]
    Forbidden,
    /// The question names more submissions or components than one may.
    #[error("more was asked for than one question may ask for")]
    TooMuch,
    /// The job is not open here under these terms.
    #[error("the job is not open under these terms")]
    UnknownJob,
    /// The store failed.
    #[error("the store failed")]
    Storage,
    /// The notice is not one of the asking node and this job.
    #[error("a notice was given that the asking node has not signed for this job")]
    NotSigned,
}

/// What a node has of one submission. Payloads are secret shares: never printed; zeroized on drop.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// The encoded signed header; empty if it was not asked for or is not there.
    #[serde(with = "serde_bytes")]
    pub header: Vec<u8>,
    /// For each component that was asked for, its payload, salt and component; empty if it is not there.
    #[serde(with = "crate::codec::byte_strings")]
    pub payloads: Vec<Vec<u8>>,
}

impl Parts {
    /// The bytes of header and payloads together.
    pub fn bytes(&self) -> usize {
        self.header.len() + self.payloads.iter().map(Vec::len).sum::<usize>()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parts(header of {} bytes, {} payloads)", self.header.len(), self.payloads.len())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.payloads.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl Question {
    /// Checks what may be asked for by the node `asking`, whatever the answering node has.
    ///
    /// # Errors
    /// [`Unanswered::TooMuch`], or [`Unanswered::Forbidden`] if `asking` must not hold some component, which it does not hold by
    /// itself either: `t` nodes that ask would collect what all of them together must not know.
    pub fn check(&self, access: &AccessStructure, asking: usize) -> Result<(), Unanswered> {
        if self.wanted.len() > MAX_WANTED || self.wanted.iter().any(|one| one.components.len() > access.components()) {
            return Err(Unanswered::TooMuch);
        }
        let may_hold = |component: &u8| {
            let component = Component::from(*component);
            component < access.components() && access.holders(component).contains(asking)
        };
        if self.wanted.iter().flat_map(|one| &one.components).all(may_hold) {
            Ok(())
        } else {
            Err(Unanswered::Forbidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::encode;

    fn question(submissions: usize, components: Vec<u8>) -> Question {
        let wanted = Wanted {
            submission: Digest::of("test", &[]),
            header: true,
            components,
        };
        Question {
            job: "job".parse().unwrap(),
            terms: Digest::of("terms", &[]),
            wanted: vec![wanted; submissions],
        }
    }

    #[test]
    fn a_node_may_ask_for_what_it_holds_and_for_nothing_else() {
        for (nodes, threshold) in [(3, 1), (4, 1), (5, 2), (7, 3)] {
            let access = AccessStructure::new(nodes, threshold).unwrap();
            for asking in 0..nodes {
                let held = access.held_by(asking);
                for component in 0..access.components() as u8 + 2 {
                    let due = if held.contains(&component.into()) {
                        Ok(())
                    } else {
                        Err(Unanswered::Forbidden)
                    };
                    assert_eq!(question(1, vec![component]).check(&access, asking), due, "{asking} {component}");
                    // Among many that it may ask for, too.
                    let mut many: Vec<u8> = held.iter().map(|held| *held as u8).collect();
                    many[0] = component;
                    assert_eq!(question(2, many).check(&access, asking), due, "{asking} {component}");
                }
            }
        }
    }

    #[test]
    fn questions_are_bounded() {
        let access = AccessStructure::new(7, 3).unwrap();
        let all: Vec<u8> = access.held_by(0).into_iter().map(|component| component as u8).collect();
        let largest = question(MAX_WANTED, all.clone());
        assert_eq!(largest.check(&access, 0), Ok(()));
        assert!(encode(&PeerQuestion::Parts(largest)).len() <= MAX_QUESTION_BYTES);
        assert_eq!(question(MAX_WANTED + 1, all).check(&access, 0), Err(Unanswered::TooMuch));
        assert_eq!(question(1, vec![0; 36]).check(&access, 0), Err(Unanswered::TooMuch));
    }

    #[test]
    fn payloads_are_not_printed() {
        let parts = Parts {
            header: vec![1; 3],
            payloads: vec![vec![0xa5; 40]],
        };
        assert_eq!(format!("{parts:?}"), "Parts(header of 3 bytes, 1 payloads)");
        assert_eq!(parts.bytes(), 43);
    }
}
