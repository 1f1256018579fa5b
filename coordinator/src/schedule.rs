//! Which nodes compute a job, and how long it waits for the others.

use std::time::{Duration, Instant};

use tacit_mpc_core::sharing::NodeSet;

use crate::app::App;
use crate::board::Live;
use crate::nodes::LinkState;

/// How long a job waits for a node that is away or in trouble before it goes on without it.
pub const GRACE: Duration = Duration::from_secs(2);

/// Where a node stands with a job that is to be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is connected and has everything.
    Complete,
    /// It is getting what it does not have.
    Coming,
    /// It is away or in trouble.
    Out {
        /// Since when.
        since: Instant,
    },
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Compute with these nodes.
    Go(NodeSet),
    /// Wait, at most until then.
    Wait(Option<Instant>),
}

/// Chooses who computes. Nodes of `avoid` are left out when enough remain without them.
pub fn choose(standings: &[Standing], quorum: usize, avoid: NodeSet, now: Instant) -> Choice {
    let having = |wanted: fn(&Standing) -> bool| standings.iter().enumerate().filter(move |(_, s)| wanted(s)).map(|(node, _)| node);
    let complete: NodeSet = having(|s| *s == Standing::Complete).collect();
    if complete.len() < quorum || having(|s| *s == Standing::Coming).any(|node| !avoid.contains(node)) {
        return Choice::Wait(None);
    }
    let grace = |standing: &Standing| match standing {
        Standing::Out { since } => Some(*since + GRACE).filter(|end| *end > now),
        Standing::Complete | Standing::Coming => None,
    };
    match standings.iter().filter_map(grace).max() {
        Some(end) => Choice::Wait(Some(end)),
        None if complete.minus(avoid).len() >= quorum => Choice::Go(complete.minus(avoid)),
        None => Choice::Go(complete),
    }
}

/// Where each node stands with a job that has `submissions` submissions.
pub fn standings(app: &App, live: &Live, submissions: u64) -> Vec<Standing> {
    let standing = |(index, node): (usize, &crate::nodes::Node)| {
        let place = live.place(index);
        match (node.state(), place.trouble) {
            (LinkState::Down { since, .. }, _) => Standing::Out { since },
            (LinkState::Up(_), _) if place.opened && place.cursor >= submissions => Standing::Complete,
            (LinkState::Up(_), Some((_, since))) => Standing::Out { since },
            (LinkState::Up(_), None) => Standing::Coming,
        }
    };
    app.nodes.iter().enumerate().map(standing).collect()
}

/// What a participant said of a computation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Who.
    pub node: usize,
    /// Whom it suspects.
    pub suspects: NodeSet,
    /// Whether it only missed somebody; otherwise it saw what no honest node sends.
    pub transient: bool,
}

impl Word {
    /// Nodes of which at least one deviates: one that was seen, or the one that claims to have seen it.
    pub fn dispute(&self) -> Option<NodeSet> {
        (!self.transient && !self.suspects.is_empty()).then(|| self.suspects.union([self.node].into_iter().collect()))
    }
}

/// The nodes that more than `threshold` others miss: at least one of those who say so is honest. A node
/// that stopped, because of what it saw or because it missed somebody itself, is missed too and is not meant:
/// it has said so.
pub fn missed(words: &[Word], nodes: usize, threshold: usize) -> NodeSet {
    let stopped: NodeSet = words.iter().map(|word| word.node).collect();
    (0..nodes)
        .filter(|node| !stopped.contains(*node))
        .filter(|node| words.iter().filter(|word| word.suspects.contains(*node)).count() > threshold)
        .collect()
}

/// The fewest nodes, at most `spare`, that explain everything that was seen so far; of several the ones that
/// others accuse most. None where no so few do.
pub fn deviating(seen: &[Word], nodes: usize, spare: usize) -> NodeSet {
    let disputes: Vec<NodeSet> = seen.iter().filter_map(Word::dispute).collect();
    let explains = |set: NodeSet| disputes.iter().all(|dispute| dispute.minus(set) != *dispute);
    let accused = |set: NodeSet| {
        let by = |word: &&Word| set.iter().any(|node| node != word.node && word.suspects.contains(node));
        seen.iter().filter(by).count()
    };
    let sets = (0..1usize << nodes).map(|mask| (0..nodes).filter(move |node| mask >> node & 1 == 1).collect::<NodeSet>());
    sets.filter(|set| set.len() <= spare && explains(*set))
        .min_by_key(|set| (set.len(), std::cmp::Reverse(accused(*set))))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(nodes: &[usize]) -> NodeSet {
        nodes.iter().copied().collect()
    }

    #[test]
    fn waits_for_nodes_that_are_coming_and_a_grace_for_those_that_are_out() {
        use Standing::{Coming, Complete, Out};
        let now = Instant::now();
        let later = now + GRACE;
        let none = NodeSet::default();
        let out = Out { since: now };
        assert_eq!(choose(&[Complete, Complete, Complete], 3, none, now), Choice::Go(NodeSet::all(3)));
        assert_eq!(choose(&[Complete, Complete, Coming], 3, none, now), Choice::Wait(None));
        assert_eq!(choose(&[Complete, Complete, out], 3, none, later), Choice::Wait(None));
        assert_eq!(
            choose(&[Complete, Complete, out, Complete], 3, none, now),
            Choice::Wait(Some(later))
        );
        assert_eq!(
            choose(&[Complete, Complete, out, Complete], 3, none, later),
            Choice::Go(set(&[0, 1, 3]))
        );
        assert_eq!(choose(&[Complete, Complete, Coming, Complete], 3, none, later), Choice::Wait(None));
    }

    #[test]
    fn suspects_are_left_out_when_enough_remain() {
        let now = Instant::now();
        let four = [Standing::Complete; 4];
        let one = set(&[1]);
        assert_eq!(choose(&four, 3, one, now), Choice::Go(set(&[0, 2, 3])));
        assert_eq!(choose(&four, 3, set(&[1, 2]), now), Choice::Go(NodeSet::all(4)));
    }

    fn misses(node: usize, suspects: &[usize]) -> Word {
        Word {
            node,
            suspects: set(suspects),
            transient: true,
        }
    }

    fn saw(node: usize, suspects: &[usize]) -> Word {
        Word {
            transient: false,
            ..misses(node, suspects)
        }
    }

    #[test]
    fn a_node_that_stopped_because_of_what_it_saw_is_not_missed() {
        assert_eq!(missed(&[misses(0, &[1]), misses(2, &[1]), misses(3, &[0])], 4, 1), set(&[1]));
        assert_eq!(missed(&[misses(0, &[1]), misses(1, &[0])], 4, 1), set(&[]));
        // Node 3 was silent to node 1 alone, which stopped, and the others missed that.
        let words = [misses(1, &[3]), misses(0, &[1]), misses(2, &[1])];
        assert_eq!(missed(&words, 4, 1), set(&[]));
        let words = [saw(0, &[0, 3]), misses(1, &[0]), misses(2, &[0])];
        assert_eq!(missed(&words, 4, 1), set(&[]));
        assert_eq!(deviating(&words[..1], 4, 1), set(&[3]));
    }

    #[test]
    fn whoever_explains_all_that_was_seen_is_left_out() {
        let all = [saw(0, &[0, 3]), saw(1, &[1, 3]), saw(2, &[2, 3])];
        assert_eq!(deviating(&all, 4, 1), set(&[3]));
        // One that accuses an honest node is believed once; the next time it is found out.
        assert_eq!(deviating(&[saw(3, &[0])], 4, 1), set(&[0]));
        assert_eq!(deviating(&[saw(3, &[0]), saw(3, &[1])], 4, 1), set(&[3]));
        // A wrong product: everyone suspects everyone else, and the liar is silent.
        let product = [saw(0, &[1, 2, 3]), saw(1, &[0, 2, 3]), saw(2, &[0, 1, 3])];
        assert_eq!(deviating(&product, 4, 1), set(&[3]));
        // Nobody can be spared, or no so few explain it.
        assert_eq!(deviating(&all, 4, 0), set(&[]));
        assert_eq!(deviating(&[saw(0, &[1]), saw(2, &[3])], 4, 1), set(&[]));
        assert_eq!(deviating(&[], 4, 1), set(&[]));
    }
}
