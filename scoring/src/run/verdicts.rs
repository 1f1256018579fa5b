//! What the participants say of each submission that the coordinator lists.

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{SessionError, Setup};
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::verdict::Verdict;

/// Exchanges what every participant says of each entry of a list that they must all have been given. Two rounds.
///
/// `verdicts` has this node's verdict on each entry. The result has, for each entry, the first reason, in the order of
/// [`RejectReason`], of any participant that does not accept it, or [`Verdict::Accepted`] where all accept, and who does not.
///
/// # Errors
/// A participant was given another list, or gives a reason that no node can find out alone.
pub(super) fn merge_verdicts<N: Network>(
    setup: &mut Setup<N>,
    me: usize,
    list: Digest,
    verdicts: &[Verdict],
) -> Result<Vec<(Verdict, NodeSet)>, SessionError> {
    let phase = Phase::AcceptedSet.engine();
    setup.agree(phase, "the list of submissions", list.as_bytes())?;
    let refused_by = |node: usize, verdict: Verdict| verdict.reason().map(|_| node).into_iter().collect::<NodeSet>();
    let mut merged: Vec<_> = verdicts.iter().map(|verdict| (*verdict, refused_by(me, *verdict))).collect();
    let bytes = verdicts.iter().copied().map(u8::from).collect();
    for (peer, theirs) in setup.broadcast(phase, bytes, verdicts.len())? {
        let theirs: Option<Vec<Verdict>> = theirs.into_iter().map(of_one_node).collect();
        let theirs = theirs.ok_or(SessionError::Malformed {
            phase,
            peer,
            what: "verdicts",
        })?;
        for ((verdict, refusing), theirs) in merged.iter_mut().zip(theirs) {
            *verdict = verdict.reason().into_iter().chain(theirs.reason()).min().into();
            *refusing = refusing.union(refused_by(peer, theirs));
        }
    }
    Ok(merged)
}

/// The verdict that a byte stands for; `None` if it stands for none, or for a reason that no node can find out alone.
fn of_one_node(byte: u8) -> Option<Verdict> {
    let verdict = Verdict::try_from(byte).ok()?;
    verdict.reason().is_none_or(RejectReason::is_of_one_node).then_some(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_mpc_core::testing::sessions::{id, world};

    #[test]
    fn verdicts_merge_to_the_first_reason() {
        let reason = |code: u8| Verdict::try_from(code).unwrap();
        let verdicts = [[0, 3, 0, 5], [0, 0, 0, 2], [0, 4, 7, 0]];
        let results = world(3, 1, 4).run(|party, network, _| {
            let own = verdicts[party.me()].map(reason);
            merge_verdicts(&mut Setup::new(party.clone(), network), party.me(), id(), &own)
        });
        for merged in results {
            let by = |nodes: &[usize]| nodes.iter().copied().collect();
            let due = [(0, by(&[])), (3, by(&[0, 2])), (7, by(&[2])), (2, by(&[0, 1]))];
            assert_eq!(merged.unwrap(), due.map(|(code, refused_by)| (reason(code), refused_by)));
        }
    }

    #[test]
    fn a_node_cannot_say_what_only_all_can_find_out() {
        use RejectReason::{KeyConflict, MalformedAnswer};
        for code in [MalformedAnswer.code(), KeyConflict.code(), 200] {
            let results = world(3, 1, 4).run(|party, network, _| {
                let mut setup = Setup::new(party.clone(), network);
                if party.me() == 2 {
                    let phase = Phase::AcceptedSet.engine();
                    setup.agree(phase, "the list of submissions", id().as_bytes())?;
                    return setup.broadcast(phase, vec![code], 1).map(|_| Vec::new());
                }
                merge_verdicts(&mut setup, party.me(), id(), &[Verdict::Accepted])
            });
            for result in &results[..2] {
                assert!(matches!(result, Err(SessionError::Malformed { peer: 2, .. })));
            }
        }
    }

    #[test]
    fn different_lists_are_caught() {
        let results = world(3, 1, 4).run(|party, network, _| {
            let list = Digest::of("list", &[&[u8::from(party.me() == 0)]]);
            merge_verdicts(&mut Setup::new(party.clone(), network), party.me(), list, &[Verdict::Accepted])
        });
        assert!(results.iter().all(|result| matches!(
            result,
            Err(SessionError::Disagreement {
                what: "the list of submissions",
                ..
            })
        )));
    }
}
