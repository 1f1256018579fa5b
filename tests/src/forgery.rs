//! Submissions that no honest client makes, put together from the public parts of the format: any numbers
//! in place of answers, any payload in any envelope, sealed to any node.

use rand::rngs::ThreadRng;
use rand::{Rng, rng};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61, encode_vector};
use tacit_mpc_core::sharing::{CompressedComponent, compress};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::Job;
use tacit_protocol::sealing::Binding;
use tacit_protocol::submission::{Header, Statement, Submission, SubmissionId};

/// A contributor with its key.
#[derive(Debug, Clone)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The key.
    pub key: SecretKey,
}

/// A submission before its envelopes are sealed and its header is signed.
#[derive(Debug)]
pub struct Forgery<'a> {
    cluster: &'a Cluster,
    /// What will be signed, and what the envelopes are bound to.
    pub statement: Statement,
    /// Every component as it is sealed: a salt, then a seed or the elements.
    pub payloads: Vec<Vec<u8>>,
    /// The component whose elements are sent.
    pub explicit: usize,
    /// What envelopes say they are.
    pub envelope: &'static [u8],
}

impl Author {
    /// A contributor with a new key.
    pub fn new(name: &str) -> Self {
        let (name, key) = (name.to_owned(), SecretKey::generate(&mut rng()));
        Self { name, key }
    }

    /// Shares these elements as if they were the rows of answers to these items.
    pub fn share<'a>(&self, cluster: &'a Cluster, job: &Job, items: &[u32], elements: &[Fp61]) -> Forgery<'a> {
        let mut rng = rng();
        let id: [u8; SubmissionId::LEN] = random(&mut rng);
        let components = cluster.access().components();
        let word = u64::from_le_bytes(id[..8].try_into().unwrap());
        let explicit = (word % components as u64) as usize;
        let payload = |component: &CompressedComponent<Fp61>, rng: &mut ThreadRng| {
            let salt: [u8; 32] = random(rng);
            match component {
                CompressedComponent::Seed(seed) => [salt.as_slice(), seed].concat(),
                CompressedComponent::Explicit(values) => [salt.as_slice(), &encode_vector(values)].concat(),
            }
        };
        let shares = compress(elements, components, explicit, &mut rng);
        let mut forgery = Forgery {
            cluster,
            explicit,
            envelope: b"tacit/v1 envelope",
            payloads: shares.iter().map(|share| payload(share, &mut rng)).collect(),
            statement: Statement {
                cluster: cluster.digest(),
                job: job.id().clone(),
                job_digest: job.digest(),
                contributor: self.name.clone(),
                key: self.key.public(),
                id: SubmissionId::from_bytes(id),
                items: items.to_vec(),
                components: Vec::new(),
            },
        };
        forgery.name_payloads();
        forgery
    }

    /// Signs a header that names these envelopes.
    pub fn sign(&self, statement: Statement, envelopes: Vec<Vec<u8>>) -> Submission {
        self.sign_for(Purpose::Submission, statement, envelopes)
    }

    /// Signs a header that names these envelopes, for any purpose.
    pub fn sign_for(&self, purpose: Purpose, statement: Statement, envelopes: Vec<Vec<u8>>) -> Submission {
        let header = Header {
            statement,
            envelopes: envelopes.iter().map(|e| Digest::of("tacit/v1 envelope", &[e])).collect(),
        };
        Submission {
            header: Signed::new(header, purpose, &self.key),
            envelopes,
        }
    }
}

impl Forgery<'_> {
    /// Names the payloads as they are now in the statement.
    pub fn name_payloads(&mut self) {
        let id = self.statement.id;
        let named = self.payloads.iter().enumerate();
        self.statement.components = named
            .map(|(c, payload)| Digest::of("tacit/v1 component", &[id.as_bytes(), &[c as u8], payload]))
            .collect();
    }

    /// What a node's envelope holds if all is well.
    pub fn held_by(&self, node: usize) -> Vec<u8> {
        let held = self.cluster.access().held_by(node);
        held.into_iter().flat_map(|component| self.payloads[component].clone()).collect()
    }

    /// Seals something to one node, as what another one is sent.
    pub fn seal(&self, plaintext: &[u8], to: usize, bound_to: usize) -> Vec<u8> {
        let statement = &self.statement;
        let cluster = statement.cluster.as_bytes().as_slice();
        let binding = Binding {
            info: &[self.envelope, cluster, statement.job_digest.as_bytes()].concat(),
            aad: &encode(&(statement, bound_to as u8)),
        };
        self.cluster.nodes()[to].sealing.seal(binding, plaintext, &mut rng()).unwrap()
    }

    /// The envelopes as they should be.
    pub fn envelopes(&self) -> Vec<Vec<u8>> {
        let nodes = 0..self.cluster.nodes().len();
        nodes.map(|node| self.seal(&self.held_by(node), node, node)).collect()
    }
}

/// Elements with these values; negative ones count down from the modulus.
pub fn elements(values: &[i64]) -> Vec<Fp61> {
    values.iter().map(|value| Fp61::from_i64(*value)).collect()
}

/// Half of one: two of them add up to one, and neither is a bit.
pub fn half() -> Fp61 {
    Fp61::from_i64(2).inverse()
}

fn random<const N: usize>(rng: &mut ThreadRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
