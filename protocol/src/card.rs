//! Cards: the public entry of a member that its `init` prints, and how cards become a cluster file.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cluster::{Cluster, ClusterError, ClusterFile, CoordinatorEntry, NodeEntry, one_line};
use crate::identity::PublicKey;
use crate::versions::PROTOCOL_VERSIONS;
use tacit_mpc_core::digest::Digest;

/// Parts of the names of secret fields. No field of a card has one of them in its name.
const SECRETS: [&str; 5] = ["secret", "token", "private", "password", "seed"];

/// The entries of one member, or of several, in the cluster file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The coordinator's entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<CoordinatorEntry>,
    /// The entries of nodes.
    #[serde(default, rename = "node", skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeEntry>,
}

/// Why cards do not make a cluster file. Messages repeat nothing of a card but the names of fields and members, because a
/// secret may be pasted in by mistake.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CardError {
    /// Not UTF-8, not TOML, or not the fields of a card.
    #[error("not a card, as `tacit-node init` and `tacit-coordinator init` print them: {0}")]
    Syntax(String),
    /// The text has a field that holds a secret.
    #[error(
        "field `{0}` is a secret, and a card goes to everyone: send the card alone; if others have seen this file, make a new key or token"
    )]
    Secret(String),
    /// The text is a secret key instead of a card.
    #[error("this is a secret key, not a card: send what `init` printed; if others have seen this file, make a new key")]
    Key,
    /// The card of the coordinator is missing.
    #[error("no card of the coordinator is among them: add what `tacit-coordinator init` printed")]
    NoCoordinator,
    /// More than one card is of a coordinator.
    #[error("two cards are of coordinators, {0} and {1}: a cluster has one")]
    TwoCoordinators(String, String),
    /// The cards together are not a valid cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl Card {
    /// Reads a card, or several in one text.
    ///
    /// # Errors
    /// The text is not a card, or holds a secret.
    pub fn parse(bytes: &[u8]) -> Result<Self, CardError> {
        let text = std::str::from_utf8(bytes).map_err(|e| CardError::Syntax(format!("byte {} is not UTF-8", e.valid_up_to())))?;
        let key = |line: &str| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
        if text.lines().any(|line| key(line.trim())) {
            return Err(CardError::Key);
        }
        // Before the fields are parsed, because the parser's message could repeat a secret value.
        let table: toml::Table = toml::from_str(text).map_err(|e| CardError::Syntax(one_line(&e, text)))?;
        if let Some(field) = secret_in(&table) {
            return Err(CardError::Secret(field));
        }
        let card: Self = toml::from_str(text).map_err(|e| CardError::Syntax(one_line(&e, text)))?;
        if card == Self::default() {
            return Err(CardError::Syntax("it has neither `[coordinator]` nor `[[node]]`".to_owned()));
        }
        Ok(card)
    }
}

fn secret_in(table: &toml::Table) -> Option<String> {
    table.iter().find_map(|(field, value)| match value {
        _ if SECRETS.iter().any(|word| field.to_ascii_lowercase().contains(word)) => Some(field.clone()),
        toml::Value::Table(table) => secret_in(table),
        toml::Value::Array(values) => values.iter().find_map(|value| secret_in(value.as_table()?)),
        _ => None,
    })
}

/// The text of the cluster file that has these cards, nodes in the order of the cards.
///
/// # Errors
/// There is not exactly one coordinator, or every member would refuse the file: see [`Cluster::parse`].
pub fn cluster_text(name: &str, threshold: usize, cards: impl IntoIterator<Item = Card>) -> Result<String, CardError> {
    let mut all = Card::default();
    for card in cards {
        if let (Some(one), Some(other)) = (&all.coordinator, &card.coordinator) {
            return Err(CardError::TwoCoordinators(one.url.clone(), other.url.clone()));
        }
        all.coordinator = all.coordinator.or(card.coordinator);
        all.nodes.extend(card.nodes);
    }
    let file = ClusterFile {
        protocol: PROTOCOL_VERSIONS.max,
        name: name.to_owned(),
        threshold,
        coordinator: all.coordinator.ok_or(CardError::NoCoordinator)?,
        nodes: all.nodes,
    };
    let text = toml::to_string(&file).map_err(|e| CardError::Syntax(e.to_string()))?;
    Cluster::parse(text.as_bytes())?;
    Ok(text)
}

impl NodeEntry {
    /// A short text that stands for the node's key when people compare it by voice: eight groups of four hex digits.
    pub fn fingerprint(&self) -> String {
        fingerprint(&[self.identity.as_bytes()])
    }
}

impl CoordinatorEntry {
    /// A short text that stands for the coordinator's key when people compare it by voice: eight groups of four hex digits.
    pub fn fingerprint(&self) -> String {
        fingerprint(&[self.identity.as_bytes()])
    }
}

/// A short text that stands for a buyer's or an issuer's key in the same way.
pub fn key_fingerprint(key: &PublicKey) -> String {
    fingerprint(&[key.as_bytes()])
}

/// Half of a digest in groups of four digits. Finding another key with the same 128 bits takes 2^128 attempts.
fn fingerprint(keys: &[&[u8]]) -> String {
    let digest = Digest::of("tacit/v1 fingerprint", keys).to_string();
    let groups: Vec<&str> = (0..32).step_by(4).map(|at| &digest[at..at + 4]).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::cluster_with_keys;

    #[test]
    fn a_key_alone_has_the_fingerprint_of_the_node_that_has_it() {
        let file = cluster_with_keys(3, 1).cluster.file().clone();
        let node = &file.nodes[1];
        assert_eq!(key_fingerprint(&node.identity), node.fingerprint());
    }

    fn cards() -> Vec<Card> {
        let file = cluster_with_keys(3, 1).cluster.file().clone();
        let nodes = file.nodes.into_iter().map(|node| Card {
            coordinator: None,
            nodes: vec![node],
        });
        let coordinator = Card {
            coordinator: Some(file.coordinator),
            nodes: Vec::new(),
        };
        nodes.chain([coordinator]).collect()
    }

    #[test]
    fn cards_as_they_are_printed_make_a_cluster_file() {
        let printed: Vec<String> = cards().iter().map(|card| toml::to_string(card).unwrap()).collect();
        let one_by_one = printed.iter().map(|text| Card::parse(text.as_bytes()).unwrap());
        let text = cluster_text("signs", 1, one_by_one).unwrap();
        let cluster = Cluster::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (cluster.file().name.as_str(), cluster.nodes()),
            ("signs", cluster_with_keys(3, 1).cluster.nodes())
        );
        // One after the other in one file they mean the same.
        let together = Card::parse(printed.concat().as_bytes()).unwrap();
        assert_eq!(cluster_text("signs", 1, [together]).unwrap(), text);
    }

    #[test]
    fn cards_that_do_not_fit_are_named() {
        let refused = |threshold, cards: Vec<Card>| cluster_text("x", threshold, cards).unwrap_err().to_string();
        let all = cards();
        assert!(refused(2, all.clone()).contains("threshold"));
        assert!(refused(1, all[..3].to_vec()).contains("no card of the coordinator"));
        assert!(refused(1, [&all[..], &all[3..]].concat()).contains("two cards"));
        let twice = refused(1, [&all[..], &all[..1]].concat());
        assert!(twice.contains("node `node-0` and node `node-0` have the same"), "{twice}");
        let mut same = all;
        same[1].nodes[0].address = same[0].nodes[0].address.clone();
        assert!(refused(1, same).contains("the same address"));
    }

    #[test]
    fn secrets_and_unknown_fields_are_refused_and_not_repeated() {
        let key = "c0ffee".repeat(11)[..64].to_owned();
        let card = toml::to_string(&cards()[3]).unwrap();
        for (text, says) in [
            (format!("buyer_token = \"{key}\"\n{card}"), "`buyer_token` is a secret"),
            (format!("{card}secret_key = \"{key}\"\n"), "`secret_key` is a secret"),
            (format!("[[node]]\nname = \"n\"\nSeed = \"{key}\"\n"), "`Seed` is a secret"),
            (format!("{key}\n"), "this is a secret key"),
            (format!("# ours\n {key}\n"), "this is a secret key"),
            (format!("suite = \"x-wing\"\nsecret_key = \"{key}\"\n"), "is a secret"),
            (format!("{card}note = \"{key}\"\n"), "unknown field `note`"),
            (String::new(), "neither"),
        ] {
            let error = Card::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(
                error.contains(says) && !error.contains("c0ffee") && !error.contains('\n'),
                "{error}"
            );
        }
        assert!(Card::parse(b"\xff").is_err());
    }

    #[test]
    fn the_key_is_in_the_fingerprint() {
        let node = cluster_with_keys(3, 1).cluster.nodes()[0].clone();
        let fingerprint = node.fingerprint();
        assert_eq!(fingerprint.len(), 39);
        let mut other = node;
        other.identity = cluster_with_keys(3, 1).cluster.nodes()[1].identity;
        assert_ne!(other.fingerprint(), fingerprint);
    }
}
