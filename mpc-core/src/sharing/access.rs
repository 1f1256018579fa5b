//! Which node holds which component, multiplies which pair of components, and sends which correction to whom.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The largest number of nodes of a cluster. With `t = 3` it has `C(7, 3) = 35` components.
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

    /// The union of both sets.
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
    /// Collects node indices. Indices of 8 and above cannot occur in a cluster of at most [`MAX_NODES`] nodes and are ignored.
    fn from_iter<I: IntoIterator<Item = usize>>(nodes: I) -> Self {
        Self(nodes.into_iter().filter(|i| *i < 8).fold(0, |mask, i| mask | (1 << i)))
    }
}

/// As a list of node indices in text formats, as one byte, the mask, in binary formats.
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

/// The index of a component among all `C(N, t)`. Components are in ascending order of the bit masks of the sets `T` of nodes
/// that do not hold them.
pub type Component = usize;

/// Why an access structure or a party cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The cluster size or threshold is outside `1 ≤ t < N/2`, `N ≤ 7`.
    #[error(
        "{nodes} nodes with threshold {threshold}: the threshold must be at least 1 and below half of the nodes, and a cluster has at most {MAX_NODES} nodes"
    )]
    Bounds {
        /// The number of nodes, N.
        nodes: usize,
        /// The threshold, t.
        threshold: usize,
    },
    /// Fewer nodes than the quorum take part, or some of them are not in the cluster.
    #[error("participants {participants:?}: at least {needed} of the cluster's {nodes} nodes have to take part")]
    Participants {
        /// The nodes that were to take part.
        participants: NodeSet,
        /// How many have to take part: [`AccessStructure::quorum`].
        needed: usize,
        /// The number of nodes of the cluster, N.
        nodes: usize,
    },
    /// The node is not among the participants.
    #[error("node {0} is not among the participants")]
    NotTakingPart(usize),
}

/// Who holds which component: for each set `T` of `t` out of `N` nodes there is a component that all other nodes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessStructure {
    nodes: usize,
    threshold: usize,
    excluded: Vec<NodeSet>,
}

impl AccessStructure {
    /// The access structure of `nodes` nodes of which `threshold` may be corrupt.
    ///
    /// # Errors
    /// [`AccessError::Bounds`], unless `1 ≤ threshold < nodes / 2` and `nodes ≤` [`MAX_NODES`].
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

    /// The number of nodes of the cluster, N.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// How many nodes may be corrupt, t.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The number of components, `C(N, t)`.
    pub fn components(&self) -> usize {
        self.excluded.len()
    }

    /// How many nodes have to take part: at least `2t + 1`, so that every pair of components has a participant that holds both;
    /// and more than `(N + t)/2`, so that any two computations have an honest participant in common, which never releases the
    /// same outputs for two different inputs.
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

    /// The components that node `i` holds, ascending: `C(N-1, t)` of them.
    pub fn held_by(&self, i: usize) -> Vec<Component> {
        (0..self.components()).filter(|c| !self.excluded[*c].contains(i)).collect()
    }
}

/// One node's view of a computation by some nodes of a cluster. All participants derive the same assignment of products,
/// corrections and openings from the access structure and the set of participants.
#[derive(Debug, Clone)]
pub struct Party {
    access: AccessStructure,
    present: NodeSet,
    me: usize,
    held: Vec<Component>,
    /// For the held component at each position: the positions of those by which this node multiplies it.
    products: Vec<Vec<usize>>,
    /// For every node, the component that its correction is added to when it reshares; `None` if it does not take part.
    correction: Vec<Option<Component>>,
}

impl Party {
    /// The view of node `me` of a computation by the nodes `present`.
    ///
    /// # Errors
    /// Fewer nodes than [`AccessStructure::quorum`] take part, some are not in the cluster, or `me` does not take part.
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

    /// The access structure of the cluster.
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

    /// The components that this node holds, ascending.
    pub fn held(&self) -> &[Component] {
        &self.held
    }

    /// The position of `component` in [`Self::held`]; `None` if this node does not hold it.
    pub fn position(&self, component: Component) -> Option<usize> {
        self.held.binary_search(&component).ok()
    }

    /// The participants that hold `component`.
    pub fn holders(&self, component: Component) -> NodeSet {
        self.present.minus(self.access.excluded(component))
    }

    /// For the held component of `x` at position `s`: the positions `t` of the components of `y` by which this node multiplies
    /// it. Every pair of components is assigned to exactly one participant. See [`Self::local_product`].
    pub(crate) fn products_with(&self, s: usize) -> &[usize] {
        &self.products[s]
    }

    /// The component that the correction of `node` is added to when it reshares; `None` if it does not take part.
    pub fn correction_component(&self, node: usize) -> Option<Component> {
        self.correction.get(node).copied().flatten()
    }

    /// The nodes to which the correction of `sender` goes: the other participating holders of its
    /// [`Self::correction_component`]. Empty if it does not take part.
    pub fn correction_receivers(&self, sender: usize) -> NodeSet {
        let component = self.correction_component(sender);
        component.map(|c| self.holders(c).without(sender)).unwrap_or_default()
    }

    /// The participant that sends the values of `component` to `receiver` in an opening; the other holders send digests. The
    /// choice depends on the receiver, so that all holders send about the same amount.
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

/// Assigns every ordered pair of components to one participant that holds both, and spreads them evenly. There is always one:
/// at most `2t` nodes lack one of the components, and more take part.
fn assign_products(access: &AccessStructure, present: NodeSet) -> Vec<(Component, Component, usize)> {
    let mut load = [0usize; 8];
    let mut pairs: Vec<_> = (0..access.components())
        .flat_map(|s| (0..access.components()).map(move |t| (s, t)))
        .map(|(s, t)| (s, t, present.minus(access.excluded(s).union(access.excluded(t)))))
        .collect();
    // Pairs with the fewest candidates first, so that the others can even out the load.
    pairs.sort_by_key(|(s, t, candidates)| (candidates.len(), *s, *t));
    pairs
        .into_iter()
        .filter_map(|(s, t, candidates)| {
            // Ties are broken in rotation; otherwise the first nodes would get more pairs.
            let node = candidates
                .iter()
                .min_by_key(|i| (load[*i], (i + access.nodes * s - s) % access.nodes))?;
            load[node] += 1;
            Some((s, t, node))
        })
        .collect()
}

/// Assigns a component to every participant, to whose other participating holders it sends its corrections: one with the fewest
/// such holders, so chosen that all nodes receive about the same number.
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
mod tests;
