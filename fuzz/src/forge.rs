//! What somebody signs who owns the keys and says whatever it likes: submissions of a contributor,
//! certificates of nodes that all collude.

use rand_core::CryptoRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Fp61, encode_vector};
use tacit_mpc_core::sharing::{CompressedComponent, NodeSet, compress};
use tacit_protocol::certificate::{Certificate, NodeSignature};
use tacit_protocol::cluster::{Cluster, NodeEntry};
use tacit_protocol::codec::encode;
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::Job;
use tacit_protocol::release::{ReleasedOutput, session_id, statement};
use tacit_protocol::sealing::Binding;
use tacit_protocol::submission::{Header, Statement, Submission, SubmissionId};

use crate::Bytes;
use crate::bench::{BENCH, Bench};

/// What the contributor makes up.
#[derive(Debug, Clone)]
pub struct Forgery {
    /// Its name.
    pub contributor: String,
    /// The submission's id.
    pub id: SubmissionId,
    /// The items it claims to answer.
    pub items: Vec<u32>,
    /// What it says is each component, salt included.
    pub payloads: Vec<Vec<u8>>,
}

impl Forgery {
    /// Takes everything from the fuzzer.
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

    /// [`Self::read`] gives this back.
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

    /// Shares of any numbers, in the right form.
    pub fn sharing<R: CryptoRng>(cluster: &Cluster, items: Vec<u32>, numbers: &[u64], rng: &mut R) -> Self {
        let mut id = [0; SubmissionId::LEN];
        rng.fill_bytes(&mut id);
        let components = cluster.access().components();
        let word = u64::from_le_bytes(std::array::from_fn(|i| id[i]));
        let secret: Vec<Fp61> = numbers.iter().map(|number| Fp61::reduce(*number)).collect();
        let payload = |component: &CompressedComponent<Fp61>| {
            let salt = [9; 32];
            match component {
                CompressedComponent::Seed(seed) => [salt.as_slice(), seed].concat(),
                CompressedComponent::Explicit(values) => [salt.as_slice(), &encode_vector(values)].concat(),
            }
        };
        let explicit = (word % components as u64) as usize;
        Self {
            contributor: "forger".to_owned(),
            id: SubmissionId::from_bytes(id),
            items,
            payloads: compress(&secret, components, explicit, rng).iter().map(payload).collect(),
        }
    }

    /// Digests, seals and signs what was made up. Sealing takes long, so that it can be done for some nodes
    /// only; the others' envelopes are empty.
    pub fn seal<R: CryptoRng>(self, cluster: &Cluster, nodes: NodeSet, job: &Job, key: &SecretKey, rng: &mut R) -> Submission {
        let Self {
            contributor,
            id,
            items,
            payloads,
        } = self;
        let digest =
            |(component, payload): (usize, &Vec<u8>)| Digest::of("tacit/v1 component", &[id.as_bytes(), &[component as u8], payload]);
        let statement = Statement {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor,
            key: key.public(),
            id,
            items,
            components: payloads.iter().enumerate().map(digest).collect(),
        };
        let info = [
            b"tacit/v1 envelope".as_slice(),
            statement.cluster.as_bytes(),
            statement.job_digest.as_bytes(),
        ]
        .concat();
        let envelope = |(node, entry): (usize, &NodeEntry)| {
            if !nodes.contains(node) {
                return Vec::new();
            }
            let held = cluster.access().held_by(node);
            let plaintext: Vec<u8> = held.iter().flat_map(|component| payloads[*component].iter().copied()).collect();
            let aad = encode(&(&statement, node as u8));
            let binding = Binding { info: &info, aad: &aad };
            entry.sealing.seal(binding, &plaintext, rng).expect("sealing to a node")
        };
        let envelopes: Vec<Vec<u8>> = cluster.nodes().iter().enumerate().map(envelope).collect();
        let header = Header {
            statement,
            envelopes: envelopes.iter().map(|e| Digest::of("tacit/v1 envelope", &[e])).collect(),
        };
        Submission {
            header: Signed::new(header, Purpose::Submission, key),
            envelopes,
        }
    }
}

/// Binds a certificate to what it says and signs it with every participant's key, as nodes do that all
/// collude.
pub fn certify(mut certificate: Certificate) -> Certificate {
    let Bench { cluster, identities, .. } = &*BENCH;
    let subject = &mut certificate.subject;
    subject.cluster = cluster.digest();
    subject.job = certificate.terms.digest();
    subject.facts = certificate.facts.digest();
    subject.session = session_id(cluster, subject.job, subject.candidates, subject.participants);
    let sign = |node: usize| {
        let held = cluster.access().held_by(node);
        let outputs: Vec<ReleasedOutput> = certificate.outputs.iter().map(|output| output.part(&held)).collect();
        let signed = statement(&certificate.subject, node as u8, &outputs);
        NodeSignature {
            node: node as u8,
            signature: identities[node].sign(Purpose::Release, &signed),
        }
    };
    let participants = certificate.subject.participants.iter().filter(|node| *node < cluster.nodes().len());
    certificate.signatures = participants.map(sign).collect();
    certificate
}
