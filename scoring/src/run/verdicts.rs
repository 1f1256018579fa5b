//! What the participants say of each submission that the coordinator lists.

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{SessionError, Setup};
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;

/// Exchanges what every participant says of each entry of a list that they must all have been given. Two rounds.
///
/// `verdicts` has one byte for each entry: 0 for "accepted", else the code of a reason. The result has, for each entry, the
/// smallest code of any participant that does not accept it, or 0 where all accept, and who does not.
///
/// # Errors
/// A participant was given another list, or says what no node can find out alone.
pub(super) fn merge_verdicts<N: Network>(
    setup: &mut Setup<N>,
    me: usize,
    list: Digest,
    verdicts: &[u8],
) -> Result<Vec<(u8, NodeSet)>, SessionError> {
    let phase = Phase::AcceptedSet.engine();
    setup.agree(phase, "the list of submissions", list.as_bytes())?;
    let of = |node: usize, verdict: u8| (verdict, (verdict != 0).then_some(node).into_iter().collect::<NodeSet>());
    let mut merged: Vec<_> = verdicts.iter().map(|verdict| of(me, *verdict)).collect();
    for (peer, theirs) in setup.broadcast(phase, verdicts.to_vec(), verdicts.len())? {
        let may_say = |code: u8| code == 0 || RejectReason::from_code(code).is_some_and(RejectReason::is_of_one_node);
        if !theirs.iter().all(|verdict| may_say(*verdict)) {
            return Err(SessionError::Malformed {
                phase,
                peer,
                what: "verdicts",
            });
        }
        for ((verdict, refused_by), theirs) in merged.iter_mut().zip(theirs) {
            if *verdict == 0 || (theirs != 0 && theirs < *verdict) {
                *verdict = theirs;
            }
            *refused_by = refused_by.union(of(peer, theirs).1);
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_mpc_core::testing::sessions::{id, world};

    #[test]
    fn verdicts_merge_to_the_smallest_reason() {
        let verdicts = [[0, 3, 0, 5], [0, 0, 0, 2], [0, 4, 7, 0]];
        let results = world(3, 1, 4).run(|party, network, _| {
            let own = verdicts[party.me()];
            merge_verdicts(&mut Setup::new(party.clone(), network), party.me(), id(), &own)
        });
        for merged in results {
            let by = |nodes: &[usize]| nodes.iter().copied().collect();
            assert_eq!(merged.unwrap(), [(0, by(&[])), (3, by(&[0, 2])), (7, by(&[2])), (2, by(&[0, 1]))]);
        }
    }

    #[test]
    fn a_node_cannot_say_what_only_all_can_find_out() {
        use RejectReason::{KeyConflict, MalformedAnswer};
        for code in [MalformedAnswer.code(), KeyConflict.code(), 200] {
            let results = world(3, 1, 4).run(|party, network, _| {
                let own = [if party.me() == 2 { code } else { 0 }];
                merge_verdicts(&mut Setup::new(party.clone(), network), party.me(), id(), &own)
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
            merge_verdicts(&mut Setup::new(party.clone(), network), party.me(), list, &[0])
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
