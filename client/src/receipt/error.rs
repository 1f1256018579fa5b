//! Why what a coordinator passes on as certified is refused.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::certificate::CertificateError;
use tacit_protocol::receipt::RootError;
use thiserror::Error;

/// Why what a coordinator passes on as certified is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The nodes have not signed the root.
    #[error("what the coordinator calls certified is not: {0}; do not rely on it, keep your receipts, and tell the operators")]
    Root(#[from] RootError),
    /// The nodes have certified a job of other terms.
    #[error(
        "what is certified is for a job of other terms than you answered: their digest is {theirs}, yours {ours}; keep your receipts, and \
         tell the operators"
    )]
    OtherTerms {
        /// The digest of the certified job's terms.
        theirs: Digest,
        /// The digest of the terms that were answered.
        ours: Digest,
    },
    /// A record is not under the root.
    #[error(
        "a record does not fit the root that the nodes have signed: the coordinator has altered it; keep your receipts, and tell the \
         operators"
    )]
    Leaf,
    /// A record is about somebody else, or there is more than one about the contributor.
    #[error("the coordinator gave a record of somebody else: {0}; keep your receipts, and tell the operators")]
    NotYours(String),
    /// A submission has no record.
    #[error(
        "submission {submission}: the nodes have certified nothing about it: the coordinator left it out: keep this receipt \
         ({receipt}), and show it to the operators"
    )]
    LeftOut {
        /// The submission's id.
        submission: String,
        /// Where its receipt is kept.
        receipt: String,
    },
    /// A submission that was withdrawn stands in what is certified.
    #[error("submission {submission}: you have withdrawn it, and yet it is certified; {}", proof(.nodes))]
    Withdrawn {
        /// The submission's id.
        submission: String,
        /// The names of the nodes that have signed both that they erased it and what is certified with it.
        nodes: Vec<String>,
    },
    /// The numbers of a record contradict each other, or what was sent.
    #[error("the certified numbers do not add up: {0}; keep your receipts, and tell the operators")]
    Sum(String),
    /// The coordinator names other nodes as refusing a submission than the nodes have certified.
    #[error(
        "submission {submission}: the coordinator says that it was refused by {}, but by what all nodes have signed it was refused by {}; \
         blame no node for it, and tell the operators", names(.said), names(.certified)
    )]
    Refusers {
        /// The submission's id.
        submission: String,
        /// The names of the nodes that the coordinator accuses.
        said: Vec<String>,
        /// The names of the nodes that the record names.
        certified: Vec<String>,
    },
    /// The pay does not follow from the record by the terms.
    #[error("you are certified {certified} micro-units, but by the terms {due} are due: keep your receipts, and tell the operators")]
    Pay {
        /// The certified pay; 0 if there is none.
        certified: u64,
        /// What follows from the record by the terms; 0 if there is no pay.
        due: u64,
    },
    /// No pay follows from the record by the terms.
    #[error("no pay follows from what is certified to you: {0}; keep your receipts, and tell the operators")]
    Scores(CertificateError),
}

/// Names in a sentence.
fn names(nodes: &[String]) -> String {
    if nodes.is_empty() { "no node".to_owned() } else { nodes.join(", ") }
}

/// What the nodes that have signed both prove.
fn proof(nodes: &[String]) -> String {
    if nodes.is_empty() {
        return "no node that certifies it has signed that it erased it, so nothing proves whose fault that is: tell the operators"
            .to_owned();
    }
    format!(
        "{} signed that it is erased, and signed this: keep both, which together prove that they deviate, and tell the operators",
        nodes.join(", ")
    )
}
