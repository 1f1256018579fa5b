//! The Merkle tree of all records of a job: the tree of [RFC 9162](https://www.rfc-editor.org/rfc/rfc9162), section 2.1, with BLAKE3.
//! Leaves and inner nodes are hashed for different purposes, so neither can stand for the other.

use tacit_mpc_core::digest::Digest;

use super::{Record, RecordProof, SaltSeed};

/// The hash of a record with its salt.
pub(super) fn leaf_hash(salt: &Digest, record: &Record) -> Digest {
    Digest::of("tacit/v1 receipt leaf", &[salt.as_bytes(), &crate::codec::encode(record)])
}

fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::of("tacit/v1 receipt node", &[left.as_bytes(), right.as_bytes()])
}

/// The root above no leaves.
fn empty_root() -> Digest {
    Digest::of("tacit/v1 receipt tree without leaves", &[])
}

/// A tree of records. Its leaves are in the order of their hashes: where a leaf stands says nothing about whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTree {
    /// The records with their salts, in the order of the leaves.
    records: Vec<(Digest, Record)>,
    /// The hashes level by level, from the leaves to the root; a last one without a neighbour stands on the next level again.
    levels: Vec<Vec<Digest>>,
}

impl RecordTree {
    /// The tree of these records, in whatever order they come.
    pub fn new(seed: &SaltSeed, records: Vec<Record>) -> Self {
        let salted = records.into_iter().map(|record| (seed.salt(&record), record));
        let mut leaves: Vec<(Digest, (Digest, Record))> =
            salted.map(|(salt, record)| (leaf_hash(&salt, &record), (salt, record))).collect();
        leaves.sort_unstable_by_key(|(hash, _)| *hash);
        let (hashes, records): (Vec<Digest>, Vec<_>) = leaves.into_iter().unzip();
        let mut levels = vec![hashes];
        while let Some(last) = levels.last().filter(|level| level.len() > 1) {
            let above = last.chunks(2).map(|pair| match pair {
                [left, right] => node_hash(left, right),
                alone => alone[0],
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { records, levels }
    }

    /// The hash at the top.
    pub fn root(&self) -> Digest {
        self.levels
            .last()
            .and_then(|level| level.first())
            .copied()
            .unwrap_or_else(empty_root)
    }

    /// How many leaves the tree has.
    pub fn leaves(&self) -> u64 {
        self.records.len() as u64
    }

    /// Every record with its salt and its path to the root, in the order of the leaves.
    pub fn into_proofs(self) -> impl Iterator<Item = RecordProof> {
        let Self { records, levels } = self;
        records.into_iter().enumerate().map(move |(index, (salt, record))| {
            let sibling = |(depth, level): (usize, &Vec<Digest>)| level.get((index >> depth) ^ 1).copied();
            RecordProof {
                record,
                salt,
                index: index as u64,
                path: levels.iter().enumerate().filter_map(sibling).collect(),
            }
        })
    }
}

/// The root that a leaf has by its path, in a tree of so many leaves; `None` if no leaf of such a tree has an index or a path like this.
pub fn root_of_path(leaf: Digest, index: u64, leaves: u64, path: &[Digest]) -> Option<Digest> {
    let (mut index, mut last) = (index, leaves.checked_sub(1).filter(|last| index <= *last)?);
    let mut hash = leaf;
    let mut path = path.iter();
    while last > 0 {
        if index % 2 == 1 {
            hash = node_hash(path.next()?, &hash);
        } else if index < last {
            hash = node_hash(&hash, path.next()?);
        }
        (index, last) = (index / 2, last / 2);
    }
    path.next().is_none().then_some(hash)
}
