//! Who holds which component, who multiplies which pair, who receives which correction.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The largest cluster: `C(7, 3) = 35` components.
pub const MAX_NODES: usize = 7;

/// A set of nodes, as a bit mask over node indices.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NodeSet(u8);

impl NodeSet {
    /// The set of nodes `0..n`.
    pub fn all(n: usize) -> Self {
        (0..n).collect()
    }

    /// Whether node `i` is in the set.
    pub fn contains(self, i: usize) -> bool {
        i < 8 && self.0 & (1 << i) != 0
    }

    /// How many nodes the set has.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set has no node.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The nodes of both sets.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The nodes of this set that are not in `other`.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set without node `i`.
    pub fn without(self, i: usize) -> Self {
        self.minus([i].into_iter().collect())
    }

    /// The node indices, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> + Clone {
        (0..8).filter(move |i| self.contains(*i))
    }
}

impl FromIterator<usize> for NodeSet {
    /// Indices of 8 and above cannot occur in a cluster of at most [`MAX_NODES`] and are left out.
    fn from_iter<I: IntoIterator<Item = usize>>(nodes: I) -> Self {
        Self(nodes.into_iter().filter(|i| *i < 8).fold(0, |mask, i| mask | (1 << i)))
    }
}

/// A list of indices in text, the mask in binary.
impl Serialize for NodeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_seq(self.iter())
        } else {
            serializer.serialize_u8(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for NodeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(Vec::<usize>::deserialize(deserializer)?.into_iter().collect())
        } else {
            u8::deserialize(deserializer).map(Self)
        }
    }
}

impl fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Index of a component among all `C(N, t)`, in ascending order of the sets' masks.
pub type Component = usize;

/// Why there is no such access structure or party.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The cluster size or threshold is outside `1 ≤ t < N/2`, `N ≤ 7`.
    #[error(
        "{nodes} nodes with threshold {threshold}: the threshold must be at least 1 and below half of the nodes, and a cluster has at most {MAX_NODES} nodes"
    )]
    Bounds {
        /// N.
        nodes: usize,
        /// t.
        threshold: usize,
    },
    /// Fewer than the quorum take part, or some that are not in the cluster.
    #[error("participants {participants:?}: at least {needed} of the cluster's {nodes} nodes have to take part")]
    Participants {
        /// Who was to take part.
        participants: NodeSet,
        /// [`AccessStructure::quorum`].
        needed: usize,
        /// N.
        nodes: usize,
    },
    /// The node is not among the participants.
    #[error("node {0} is not among the participants")]
    NotTakingPart(usize),
}

/// The sets `T` of `t` out of `N` nodes, one for each component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessStructure {
    nodes: usize,
    threshold: usize,
    excluded: Vec<NodeSet>,
}

impl AccessStructure {
    /// The access structure of `nodes` nodes of which `threshold` may be corrupt.
    pub fn new(nodes: usize, threshold: usize) -> Result<Self, AccessError> {
        if threshold == 0 || nodes > MAX_NODES || 2 * threshold >= nodes {
            return Err(AccessError::Bounds { nodes, threshold });
        }
        let excluded = (0..1u8 << nodes).map(NodeSet).filter(|set| set.len() == threshold).collect();
        Ok(Self {
            nodes,
            threshold,
            excluded,
        })
    }

    /// N.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// t.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// `C(N, t)`, the number of components.
    pub fn components(&self) -> usize {
        self.excluded.len()
    }

    /// How many nodes have to take part: `2t + 1` to compute, and more than `(N + t)/2` so that any two
    /// computations have an honest node in common, which never releases a job for two accepted sets.
    pub fn quorum(&self) -> usize {
        (2 * self.threshold + 1).max((self.nodes + self.threshold) / 2 + 1)
    }

    /// The `t` nodes that do not hold `component`.
    pub fn excluded(&self, component: Component) -> NodeSet {
        self.excluded[component]
    }

    /// The nodes of the whole cluster that hold `component`.
    pub fn holders(&self, component: Component) -> NodeSet {
        NodeSet::all(self.nodes).minus(self.excluded[component])
    }

    /// The components node `i` holds, ascending: `C(N-1, t)` of them.
    pub fn held_by(&self, i: usize) -> Vec<Component> {
        (0..self.components()).filter(|c| !self.excluded[*c].contains(i)).collect()
    }
}

/// One node's view of a computation by the nodes `present`: everything about the access structure
/// that all of them have to work out alike.
#[derive(Debug, Clone)]
pub struct Party {
    access: AccessStructure,
    present: NodeSet,
    me: usize,
    held: Vec<Component>,
    /// For each held `S` (by position): positions of the held `T` whose product with `S` is mine.
    products: Vec<Vec<usize>>,
    /// For every node, the component that takes the correction when it reshares; `None` if absent.
    correction: Vec<Option<Component>>,
}

impl Party {
    /// Node `me` of a computation by `present`.
    pub fn new(access: &AccessStructure, present: NodeSet, me: usize) -> Result<Self, AccessError> {
        let needed = access.quorum();
        if present.len() < needed || !present.minus(NodeSet::all(access.nodes)).is_empty() {
            return Err(AccessError::Participants {
                participants: present,
                needed,
                nodes: access.nodes,
            });
        }
        if !present.contains(me) {
            return Err(AccessError::NotTakingPart(me));
        }
        let held = access.held_by(me);
        let position = |component| held.iter().position(|c| *c == component);
        let mut products = vec![Vec::new(); held.len()];
        for (s, t, node) in assign_products(access, present) {
            if node == me
                && let (Some(s), Some(t)) = (position(s), position(t))
            {
                products[s].push(t);
            }
        }
        let correction = assign_corrections(access, present);
        Ok(Self {
            access: access.clone(),
            present,
            me,
            held,
            products,
            correction,
        })
    }

    /// The access structure.
    pub fn access(&self) -> &AccessStructure {
        &self.access
    }

    /// The nodes that take part.
    pub fn present(&self) -> NodeSet {
        self.present
    }

    /// The participants other than this node, ascending.
    pub fn peers(&self) -> impl Iterator<Item = usize> + Clone {
        self.present.without(self.me).iter()
    }

    /// This node's index.
    pub fn me(&self) -> usize {
        self.me
    }

    /// The components this node holds, ascending.
    pub fn held(&self) -> &[Component] {
        &self.held
    }

    /// Where `component` stands in [`Self::held`], if this node holds it.
    pub fn position(&self, component: Component) -> Option<usize> {
        self.held.binary_search(&component).ok()
    }

    /// The participants that hold `component`.
    pub fn holders(&self, component: Component) -> NodeSet {
        self.present.minus(self.access.excluded(component))
    }

    /// For the held component at position `s`: the positions `t` for which this node is the one
    /// responsible for the product of the components `(s, t)`.
    pub fn products_with(&self, s: usize) -> &[usize] {
        &self.products[s]
    }

    /// The component that takes the correction when participant `node` reshares.
    pub fn correction_component(&self, node: usize) -> Option<Component> {
        self.correction.get(node).copied().flatten()
    }

    /// Which participant sends `component` to `receiver` in an opening; the other holders send
    /// digests. The choice rotates with the receiver so that sending is spread.
    pub fn opener(&self, component: Component, receiver: usize) -> Option<usize> {
        let holders = self.holders(component);
        holders
            .iter()
            .cycle()
            .skip(receiver % holders.len().max(1))
            .take(holders.len())
            .next()
    }
}

/// For every ordered pair of components one participant that holds both, spread evenly. One exists:
/// the two excluded sets have at most `2t` nodes and more take part.
fn assign_products(access: &AccessStructure, present: NodeSet) -> Vec<(Component, Component, usize)> {
    let mut load = [0usize; 8];
    let mut pairs: Vec<_> = (0..access.components())
        .flat_map(|s| (0..access.components()).map(move |t| (s, t)))
        .map(|(s, t)| (s, t, present.minus(access.excluded(s).union(access.excluded(t)))))
        .collect();
    // Pairs with the least choice first, so that the free ones can even out the load.
    pairs.sort_by_key(|(s, t, candidates)| (candidates.len(), *s, *t));
    pairs
        .into_iter()
        .filter_map(|(s, t, candidates)| {
            // Ties go round, or the first nodes would get more.
            let node = candidates
                .iter()
                .min_by_key(|i| (load[*i], (i + access.nodes * s - s) % access.nodes))?;
            load[node] += 1;
            Some((s, t, node))
        })
        .collect()
}

/// For every participant the component whose present holders it sends its correction to: the
/// cheapest (fewest of them), spread over the nodes.
fn assign_corrections(access: &AccessStructure, present: NodeSet) -> Vec<Option<Component>> {
    let mut load = [0usize; 8];
    (0..access.nodes)
        .map(|i| {
            if !present.contains(i) {
                return None;
            }
            let receivers = |c: Component| present.minus(access.excluded(c)).without(i);
            let chosen = access.held_by(i).into_iter().min_by_key(|c| {
                let busiest = receivers(*c).iter().map(|j| load[j]).max().unwrap_or(0);
                (receivers(*c).len(), busiest, (*c + access.components() - i) % access.components())
            })?;
            for j in receivers(chosen).iter() {
                load[j] += 1;
            }
            Some(chosen)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cluster the product allows, with every set of participants that can compute.
    fn all_parties() -> impl Iterator<Item = (AccessStructure, NodeSet)> {
        (3..=MAX_NODES)
            .flat_map(|n| (1..=(n - 1) / 2).map(move |t| (n, t)))
            .flat_map(|(n, t)| {
                let access = AccessStructure::new(n, t).unwrap();
                let quorum = access.quorum();
                let sets = (0..1u8 << n).map(NodeSet).filter(move |p| p.len() >= quorum);
                sets.map(move |p| (access.clone(), p))
            })
    }

    #[test]
    fn bounds_are_checked() {
        for (n, t) in [(3, 0), (2, 1), (4, 2), (8, 1), (0, 0)] {
            assert!(AccessStructure::new(n, t).is_err(), "N={n} t={t}");
        }
        let access = AccessStructure::new(3, 1).unwrap();
        assert!(Party::new(&access, NodeSet::all(2), 0).is_err());
        assert!(Party::new(&access, NodeSet::all(4), 0).is_err());
        let access = AccessStructure::new(4, 1).unwrap();
        assert!(Party::new(&access, NodeSet::all(3), 3).is_err());
    }

    #[test]
    fn any_t_nodes_miss_a_component_and_any_t_plus_1_hold_all() {
        for (n, t) in [(3, 1), (4, 1), (5, 1), (5, 2), (6, 2), (7, 3)] {
            let access = AccessStructure::new(n, t).unwrap();
            for set in (0..1u8 << n).map(NodeSet) {
                let missing = (0..access.components())
                    .filter(|c| set.iter().all(|i| access.excluded(*c).contains(i)))
                    .count();
                if set.len() == t {
                    assert_eq!(missing, 1);
                }
                if set.len() > t {
                    assert_eq!(missing, 0);
                }
            }
        }
    }

    #[test]
    fn any_two_quorums_have_an_honest_node_in_common() {
        for n in 3..=MAX_NODES {
            for t in 1..=(n - 1) / 2 {
                let quorum = AccessStructure::new(n, t).unwrap().quorum();
                assert!(
                    quorum > 2 * t && quorum <= n - t.min(n - 2 * t - 1) && 2 * quorum - n > t,
                    "N={n} t={t}: {quorum}"
                );
            }
        }
    }

    #[test]
    fn every_pair_is_multiplied_exactly_once() {
        for (access, present) in all_parties() {
            let mut seen = vec![0; access.components() * access.components()];
            for me in present.iter() {
                let party = Party::new(&access, present, me).unwrap();
                for (s, held) in party.held().iter().enumerate() {
                    for t in party.products_with(s) {
                        seen[held * access.components() + party.held()[*t]] += 1;
                    }
                }
            }
            assert!(seen.iter().all(|count| *count == 1), "{access:?} {present:?}");
        }
    }

    #[test]
    fn three_nodes_multiply_three_pairs_and_send_one_correction_each() {
        let access = AccessStructure::new(3, 1).unwrap();
        let present = NodeSet::all(3);
        let mut received = [0; 3];
        for me in 0..3 {
            let party = Party::new(&access, present, me).unwrap();
            let pairs: usize = (0..2).map(|s| party.products_with(s).len()).sum();
            assert_eq!(pairs, 3);
            let receivers = party.holders(party.correction_component(me).unwrap()).without(me);
            assert_eq!(receivers.len(), 1);
            receivers.iter().for_each(|j| received[j] += 1);
        }
        assert_eq!(received, [1, 1, 1]);
    }

    #[test]
    fn corrections_and_openers_are_holders_that_take_part() {
        for (access, present) in all_parties() {
            for me in present.iter() {
                let party = Party::new(&access, present, me).unwrap();
                for node in 0..access.nodes() {
                    match party.correction_component(node) {
                        Some(c) => assert!(party.holders(c).contains(node)),
                        None => assert!(!present.contains(node)),
                    }
                }
                for c in 0..access.components() {
                    assert!(party.holders(c).len() > access.threshold());
                    assert!(party.holders(c).contains(party.opener(c, me).unwrap()));
                }
            }
        }
    }
}
