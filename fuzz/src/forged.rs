//! A submission that a contributor makes up: the fuzzer chooses its name, its items and the bytes of its components.

use rand_core::CryptoRng;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::fixtures::{Author, Forgery};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::submission::{Submission, SubmissionId};

use crate::Bytes;

/// The parts of a made-up submission.
#[derive(Debug, Clone)]
pub struct ForgedParts {
    /// The contributor's name.
    pub contributor: String,
    /// The submission's id.
    pub id: SubmissionId,
    /// The items that it claims to answer.
    pub items: Vec<u32>,
    /// The bytes of each component, salt included.
    pub payloads: Vec<Vec<u8>>,
}

impl From<Forgery<'_>> for ForgedParts {
    fn from(forgery: Forgery<'_>) -> Self {
        Self {
            contributor: forgery.statement.contributor,
            id: forgery.statement.id,
            items: forgery.statement.items,
            payloads: forgery.payloads,
        }
    }
}

impl ForgedParts {
    /// Takes all parts from the fuzzer's bytes.
    pub fn read(bytes: &mut Bytes<'_>, components: usize) -> Self {
        let contributor = usize::from(bytes.byte() % 8);
        let contributor = String::from_utf8_lossy(bytes.slice(contributor)).into_owned();
        let id = SubmissionId::from_bytes(bytes.array());
        let items = (0..bytes.byte() % 8).map(|_| u32::from_le_bytes(bytes.array())).collect();
        let payloads = (0..components)
            .map(|_| {
                let len = u16::from_le_bytes(bytes.array()) % 1024;
                bytes.slice(len.into()).to_vec()
            })
            .collect();
        Self {
            contributor,
            id,
            items,
            payloads,
        }
    }

    /// The bytes from which [`Self::read`] reads these parts.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![self.contributor.len() as u8];
        bytes.extend_from_slice(self.contributor.as_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.push(self.items.len() as u8);
        self.items.iter().for_each(|item| bytes.extend_from_slice(&item.to_le_bytes()));
        for payload in &self.payloads {
            bytes.extend_from_slice(&(payload.len() as u16).to_le_bytes());
            bytes.extend_from_slice(payload);
        }
        bytes
    }

    /// Seals the components to one node and signs the header. Sealing is slow, so the envelopes of all other nodes are empty.
    pub fn seal_to(self, node: usize, cluster: &Cluster, job: &Job, key: &SecretKey, rng: &mut impl CryptoRng) -> Submission {
        let author = Author {
            name: self.contributor,
            key: key.clone(),
        };
        let forgery = author.with_payloads(cluster, job, self.id, &self.items, self.payloads);
        let mut envelopes = vec![Vec::new(); cluster.nodes().len()];
        envelopes[node] = forgery.seal(&forgery.held_by(node), node, node, rng);
        author.sign(forgery.statement, envelopes)
    }
}
