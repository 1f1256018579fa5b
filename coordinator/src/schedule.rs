//! Decides which nodes compute a job, and how long it waits for the others.

use std::time::{Duration, Instant};

use tacit_mpc_core::sharing::NodeSet;

use crate::active_jobs::ActiveJob;
use crate::nodes::{LinkState, Node, Nodes};

/// How long a job waits for a node that is not connected or fails, before it continues without it.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Whether a node is ready to compute a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is connected and has all submissions.
    Complete,
    /// It is connected, and the submissions it lacks are being delivered.
    Coming,
    /// It is not connected, or delivering to it fails.
    Out {
        /// When this began.
        since: Instant,
    },
}

/// Whether to compute now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Compute with these nodes.
    Go(NodeSet),
    /// Wait for a change, at most until this time.
    Wait(Option<Instant>),
}

/// Chooses the nodes that compute. Nodes of `avoid` are left out if a quorum remains without them.
pub(crate) fn choose(standings: &[Standing], quorum: usize, avoid: NodeSet, now: Instant) -> Choice {
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

/// Whether each node is ready to compute a job that has `submissions` submissions.
pub(crate) fn standings(nodes: &Nodes, active: &ActiveJob, submissions: u64) -> Vec<Standing> {
    let standing = |(index, node): (usize, &Node)| {
        let progress = active.progress(index);
        match (node.state(), progress.error) {
            (LinkState::Down { since, .. }, _) => Standing::Out { since },
            (LinkState::Up(_), _) if progress.opened && progress.cursor >= submissions => Standing::Complete,
            (LinkState::Up(_), Some((_, since))) => Standing::Out { since },
            (LinkState::Up(_), None) => Standing::Coming,
        }
    };
    nodes.iter().enumerate().map(standing).collect()
}

/// What a participant reports about the other nodes when its session fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accusation {
    /// The participant that reports.
    pub node: usize,
    /// The nodes it suspects.
    pub suspects: NodeSet,
    /// True if a node was only silent; false if it received something that no honest node sends.
    pub transient: bool,
}

impl Accusation {
    /// A set of nodes of which at least one deviates from the protocol: a suspect, or the participant that accuses it falsely. `None` if
    /// nodes were only silent.
    pub(crate) fn dispute(&self) -> Option<NodeSet> {
        (!self.transient && !self.suspects.is_empty()).then(|| self.suspects.union([self.node].into_iter().collect()))
    }
}

/// The nodes that more than `threshold` others report as silent, so that at least one honest node does. A node that has reported itself is
/// not among them: it stopped because of what it saw, and the others then found it silent.
pub(crate) fn missed(accusations: &[Accusation], nodes: usize, threshold: usize) -> NodeSet {
    let stopped: NodeSet = accusations.iter().map(|accusation| accusation.node).collect();
    (0..nodes)
        .filter(|node| !stopped.contains(*node))
        .filter(|node| accusations.iter().filter(|accusation| accusation.suspects.contains(*node)).count() > threshold)
        .collect()
}

/// The smallest set of at most `spare` nodes that explains every dispute; of several such sets, the one that others accuse most. Empty if
/// no set that small explains all of them.
pub(crate) fn deviating(seen: &[Accusation], nodes: usize, spare: usize) -> NodeSet {
    let disputes: Vec<NodeSet> = seen.iter().filter_map(Accusation::dispute).collect();
    let explains = |set: NodeSet| disputes.iter().all(|dispute| dispute.minus(set) != *dispute);
    let accused = |set: NodeSet| {
        let by = |accusation: &&Accusation| set.iter().any(|node| node != accusation.node && accusation.suspects.contains(node));
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
    fn a_job_waits_for_deliveries_and_for_a_while_for_nodes_that_are_out() {
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

    fn misses(node: usize, suspects: &[usize]) -> Accusation {
        Accusation {
            node,
            suspects: set(suspects),
            transient: true,
        }
    }

    fn saw(node: usize, suspects: &[usize]) -> Accusation {
        Accusation {
            transient: false,
            ..misses(node, suspects)
        }
    }

    #[test]
    fn a_node_that_stopped_because_of_what_it_saw_is_not_counted_as_silent() {
        assert_eq!(missed(&[misses(0, &[1]), misses(2, &[1]), misses(3, &[0])], 4, 1), set(&[1]));
        assert_eq!(missed(&[misses(0, &[1]), misses(1, &[0])], 4, 1), set(&[]));
        // Node 3 was silent to node 1 only. Node 1 stopped, and the others found node 1 silent.
        let accusations = [misses(1, &[3]), misses(0, &[1]), misses(2, &[1])];
        assert_eq!(missed(&accusations, 4, 1), set(&[]));
        let accusations = [saw(0, &[0, 3]), misses(1, &[0]), misses(2, &[0])];
        assert_eq!(missed(&accusations, 4, 1), set(&[]));
        assert_eq!(deviating(&accusations[..1], 4, 1), set(&[3]));
    }

    #[test]
    fn the_nodes_that_explain_every_dispute_are_left_out() {
        let all = [saw(0, &[0, 3]), saw(1, &[1, 3]), saw(2, &[2, 3])];
        assert_eq!(deviating(&all, 4, 1), set(&[3]));
        // A node that accuses an honest one is believed once. With its next accusation it explains both.
        assert_eq!(deviating(&[saw(3, &[0])], 4, 1), set(&[0]));
        assert_eq!(deviating(&[saw(3, &[0]), saw(3, &[1])], 4, 1), set(&[3]));
        // After a wrong product every node suspects all others, and the liar reports nothing.
        let product = [saw(0, &[1, 2, 3]), saw(1, &[0, 2, 3]), saw(2, &[0, 1, 3])];
        assert_eq!(deviating(&product, 4, 1), set(&[3]));
        // No node can be spared, or no set that small explains every dispute.
        assert_eq!(deviating(&all, 4, 0), set(&[]));
        assert_eq!(deviating(&[saw(0, &[1]), saw(2, &[3])], 4, 1), set(&[]));
        assert_eq!(deviating(&[], 4, 1), set(&[]));
    }
}
