//! What a node, or all of them, say of a submission in the list.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::sharing::NodeSet;

use crate::reject::RejectReason;

/// Whether a submission is accepted. In messages and digests it is two bytes: 0 for "accepted", else the code of the reason; then
/// the mask of the nodes that refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u8, NodeSet)", try_from = "(u8, NodeSet)")]
pub enum Verdict {
    /// The submission is accepted.
    Accepted,
    /// The submission does not count, for a reason that every node can check or that all found together.
    Rejected(RejectReason),
    /// The submission does not count, because these nodes say that they cannot use what they were given. There are more of them
    /// than may be corrupt.
    Refused(RejectReason, NodeSet),
}

/// The bytes stand for no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither 0 nor the code of a reason to reject a submission, or an accepted submission is refused by somebody")]
pub struct UnknownVerdict(pub u8);

impl Verdict {
    /// Whether the submission is accepted.
    pub fn is_accepted(self) -> bool {
        self == Self::Accepted
    }

    /// Why the submission is rejected; `None` if it is accepted.
    pub fn reason(self) -> Option<RejectReason> {
        match self {
            Self::Accepted => None,
            Self::Rejected(reason) | Self::Refused(reason, _) => Some(reason),
        }
    }

    /// The nodes that refuse the submission, if it does not count because of them; else none.
    pub fn refused_by(self) -> NodeSet {
        match self {
            Self::Refused(_, by) => by,
            Self::Accepted | Self::Rejected(_) => NodeSet::default(),
        }
    }
}

impl From<Option<RejectReason>> for Verdict {
    fn from(reason: Option<RejectReason>) -> Self {
        reason.map_or(Self::Accepted, Self::Rejected)
    }
}

impl From<Verdict> for (u8, NodeSet) {
    fn from(verdict: Verdict) -> Self {
        (verdict.reason().map_or(0, RejectReason::code), verdict.refused_by())
    }
}

impl TryFrom<(u8, NodeSet)> for Verdict {
    type Error = UnknownVerdict;

    fn try_from((code, by): (u8, NodeSet)) -> Result<Self, UnknownVerdict> {
        match (RejectReason::from_code(code), by.is_empty()) {
            (None, true) if code == 0 => Ok(Self::Accepted),
            (None, _) => Err(UnknownVerdict(code)),
            (Some(reason), true) => Ok(Self::Rejected(reason)),
            (Some(reason), false) => Ok(Self::Refused(reason, by)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn a_verdict_is_two_bytes() {
        let by: NodeSet = [0, 2].into_iter().collect();
        let reasons = RejectReason::ALL.map(|reason| Verdict::from(Some(reason)));
        for (byte, verdict) in [Verdict::Accepted].into_iter().chain(reasons).enumerate() {
            assert_eq!(encode(&verdict), [byte as u8, 0]);
            assert_eq!(decode::<Verdict>(&[byte as u8, 0], "a verdict").unwrap(), verdict);
        }
        let refused = Verdict::Refused(RejectReason::Unsealable, by);
        assert_eq!(encode(&refused), [RejectReason::Unsealable.code(), 5]);
        assert_eq!(decode::<Verdict>(&encode(&refused), "a verdict").unwrap(), refused);
        let unknown = RejectReason::ALL.len() as u8 + 1;
        for wrong in [[unknown, 0], [unknown, 1], [0, 1]] {
            assert!(decode::<Verdict>(&wrong, "a verdict").is_err(), "{wrong:?}");
        }
    }
}
