//! What a node, or all of them, say of a submission in the list.

use serde::{Deserialize, Serialize};

use crate::reject::RejectReason;

/// Whether a submission is accepted. In messages and digests it is one byte: 0 for "accepted", else the code of the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Verdict {
    /// The submission is accepted.
    Accepted,
    /// The submission does not count.
    Rejected(RejectReason),
}

/// The byte stands for no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither 0 nor the code of a reason to reject a submission")]
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
            Self::Rejected(reason) => Some(reason),
        }
    }
}

impl From<Option<RejectReason>> for Verdict {
    fn from(reason: Option<RejectReason>) -> Self {
        reason.map_or(Self::Accepted, Self::Rejected)
    }
}

impl From<Verdict> for u8 {
    fn from(verdict: Verdict) -> Self {
        verdict.reason().map_or(0, RejectReason::code)
    }
}

impl TryFrom<u8> for Verdict {
    type Error = UnknownVerdict;

    fn try_from(byte: u8) -> Result<Self, UnknownVerdict> {
        match byte {
            0 => Ok(Self::Accepted),
            code => RejectReason::from_code(code).map(Self::Rejected).ok_or(UnknownVerdict(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn a_verdict_is_one_byte() {
        let reasons = RejectReason::ALL.map(|reason| Verdict::from(Some(reason)));
        for (byte, verdict) in [Verdict::Accepted].into_iter().chain(reasons).enumerate() {
            assert_eq!(encode(&verdict), [byte as u8]);
            assert_eq!(decode::<Verdict>(&[byte as u8], "a verdict").unwrap(), verdict);
        }
        let unknown = RejectReason::ALL.len() as u8 + 1;
        assert_eq!(Verdict::try_from(unknown), Err(UnknownVerdict(unknown)));
        assert!(decode::<Verdict>(&[unknown], "a verdict").is_err());
    }
}
