//! What the participants say of each submission that the coordinator lists.

use tacit_mpc_core::network::Network;
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::session::{SessionError, Setup};
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::verdict::Verdict;

use crate::asked::Asked;
use crate::error::{Dispute, ScoringError};

/// What each participant says of one entry of the list, by node.
type Said = Vec<(usize, Verdict)>;

/// Exchanges what every participant says of each entry of a list that they must all have been given, with the same salts. Two rounds.
///
/// `own` has this node's verdict on each entry. In the result an entry is
/// * [`Verdict::Accepted`] if all accept it;
/// * [`Verdict::Rejected`] for a reason that follows from its header, if more than `t` name that reason;
/// * else [`Verdict::Refused`] by all who do not accept it, more than `t`, for the first of their reasons in the order of
///   [`RejectReason`].
///
/// # Errors
/// A participant was given another list, gives a reason that it cannot have found, or one that this node can see to be wrong;
/// or 1 to `t` participants refuse an entry.
pub(super) fn merge_verdicts<N: Network>(
    setup: &mut Setup<N>,
    party: &Party,
    asked: Asked<'_>,
    own: &[Verdict],
) -> Result<Vec<Verdict>, ScoringError> {
    let phase = Phase::AcceptedSet.engine();
    setup.agree(phase, "the list of submissions", asked.digest().as_bytes())?;
    let code = |verdict: &Verdict| verdict.reason().map_or(0, RejectReason::code);
    let mut by_node: Vec<(usize, Vec<Verdict>)> = Vec::with_capacity(party.present().len());
    for (peer, theirs) in setup.broadcast(phase, own.iter().map(code).collect(), own.len())? {
        let theirs: Option<Vec<Verdict>> = theirs.into_iter().map(of_one_node).collect();
        let malformed = || SessionError::Malformed {
            phase,
            peer,
            what: "verdicts",
        };
        by_node.push((peer, theirs.ok_or_else(malformed)?));
    }
    by_node.push((party.me(), own.to_vec()));
    by_node.sort_by_key(|(node, _)| *node);
    if by_node
        .iter()
        .all(|(_, verdicts)| verdicts.iter().all(|verdict| verdict.is_accepted()))
    {
        return Ok(vec![Verdict::Accepted; own.len()]);
    }

    let said = |entry: usize| -> Said {
        let of = |(node, verdicts): &(usize, Vec<Verdict>)| Some((*node, *verdicts.get(entry)?));
        by_node.iter().filter_map(of).collect()
    };
    let checks_reasons = setup.performs(Check::PublicReasons);
    let threshold = if setup.performs(Check::Refusals) {
        party.access().threshold()
    } else {
        0
    };
    let mut merged = Vec::with_capacity(own.len());
    let mut disputed: Vec<NodeSet> = Vec::new();
    for (entry, own) in own.iter().enumerate() {
        let said = said(entry);
        if checks_reasons {
            no_false_reason(*own, &said)?;
        }
        let by = refusing(&said);
        if (1..=threshold).contains(&by.len()) {
            disputed.push(by);
        }
        merged.push(joined(&said, by, threshold));
    }
    match disputed.first() {
        None => Ok(merged),
        Some(by) => Err(ScoringError::Disputed(Dispute {
            refusing: *by,
            submissions: disputed.iter().filter(|other| *other == by).count() as u64,
            // Who refuses wants to be supplied; it can only tell that those who hold the submission did not do so.
            suspects: if by.contains(party.me()) { party.present().minus(*by) } else { *by },
        })),
    }
}

/// The verdict that a byte stands for; `None` if it stands for none, or for a reason that no node can find out alone.
fn of_one_node(code: u8) -> Option<Verdict> {
    if code == 0 {
        return Some(Verdict::Accepted);
    }
    let reason = RejectReason::from_code(code)?;
    (reason.is_of_header() || reason.is_private()).then_some(Verdict::Rejected(reason))
}

/// A reason that follows from the header, if the verdict has one.
fn of_header(verdict: Verdict) -> Option<RejectReason> {
    verdict.reason().filter(|reason| reason.is_of_header())
}

/// Who has the header of an entry finds the same reasons in it. So nobody is believed who names another.
fn no_false_reason(own: Verdict, said: &Said) -> Result<(), SessionError> {
    let knows_header = |verdict: Verdict| verdict.is_accepted() || of_header(verdict).is_some();
    if !knows_header(own) {
        return Ok(());
    }
    let liar = said
        .iter()
        .find(|(_, theirs)| knows_header(*theirs) && of_header(*theirs) != of_header(own));
    match liar {
        None => Ok(()),
        Some((peer, _)) => Err(SessionError::Disagreement {
            phase: Phase::AcceptedSet.engine(),
            what: "a rule that everybody can check on a submission's header",
            suspects: [*peer].into_iter().collect(),
        }),
    }
}

/// The participants that do not accept an entry.
fn refusing(said: &Said) -> NodeSet {
    said.iter()
        .filter(|(_, verdict)| !verdict.is_accepted())
        .map(|(node, _)| *node)
        .collect()
}

/// The verdict of all on an entry that these nodes do not accept.
fn joined(said: &Said, by: NodeSet, threshold: usize) -> Verdict {
    let reasons = || said.iter().filter_map(|(_, verdict)| verdict.reason());
    let named = |reason: &RejectReason| reasons().filter(|other| other == reason).count();
    // An honest node is among more than `t`, and it has found the reason in the header.
    if let Some(reason) = reasons().find(|reason| reason.is_of_header() && named(reason) > threshold) {
        return Verdict::Rejected(reason);
    }
    let private = reasons().filter(|reason| reason.is_private()).min();
    match private.or_else(|| reasons().min()) {
        None => Verdict::Accepted,
        Some(reason) => Verdict::Refused(reason, by),
    }
}

#[cfg(test)]
mod tests;
