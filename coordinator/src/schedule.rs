//! Which nodes compute a job, and how long it waits for the others.

use std::time::{Duration, Instant};

use tacit_core::sharing::NodeSet;

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

/// The nodes that more than `threshold` others suspect: at least one of those who say so is honest.
pub fn believed(suspicions: &[NodeSet], nodes: usize, threshold: usize) -> NodeSet {
    (0..nodes)
        .filter(|node| suspicions.iter().filter(|suspects| suspects.contains(*node)).count() > threshold)
        .collect()
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
        assert_eq!(believed(&[one, one, set(&[0])], 4, 1), one);
    }
}
