//! A job with submissions, made without the client, and its expected result.

use std::collections::{BTreeMap, BTreeSet};

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61};
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::control::Computed;
use tacit_protocol::fixtures::{credential_of, issuers, share, share_with_credential};
use tacit_protocol::identity::{SecretKey, Signature};
use tacit_protocol::job::{Cancellation, Item, Job, JobSpec, LabelRule};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::release::{OutputName, OutputValues};
use tacit_protocol::submission::Submission;

/// A job and its submissions.
#[derive(Debug)]
pub struct Work {
    /// The job.
    pub job: Job,
    /// The JSON of its signed spec.
    pub spec: Vec<u8>,
    /// The submissions in order.
    pub submissions: Vec<Submission>,
    classes: Vec<Vec<u32>>,
    buyer: SecretKey,
    cluster: Digest,
}

/// The answers of three contributors to three items.
const ANSWERS: [[u32; 3]; 3] = [[1, 0, 1], [1, 0, 0], [1, 1, 0]];

impl Work {
    /// A job of this name with three items, two classes and three submissions.
    pub fn new(cluster: &Cluster, id: &str) -> Self {
        let spec = JobSpec {
            answers_per_item: 3,
            sensitive: false,
            release: BTreeSet::from([Release::Agreement, Release::ClassTotals]),
            label_rule: LabelRule::Plurality,
            ..JobSpec::new(id, Categorical::new(["no", "yes"]), (0..3).map(|i| Item::new(format!("item-{i}"))))
        };
        let mut work = Self::of_spec(cluster, id, spec);
        ANSWERS.iter().for_each(|classes| work.submit(cluster, classes));
        work
    }

    /// A sensitive job of this name: ten contributors answer 20 items with four classes, so that nothing about it is too small to be released.
    pub fn sensitive(cluster: &Cluster, id: &str) -> Self {
        let spec = JobSpec {
            answers_per_item: 10,
            issuers: Some(issuers(2)),
            release: BTreeSet::from([Release::Agreement, Release::ClassTotals]),
            ..JobSpec::new(
                id,
                Categorical::new(["north", "east", "south", "west"]),
                (0..20).map(|i| Item::new(format!("item-{i}"))),
            )
        };
        let mut work = Self::of_spec(cluster, id, spec);
        for contributor in 0..10 {
            let class = |item: u32| (item + contributor * (item % 3)) % 4;
            work.submit(cluster, &(0..20).map(class).collect::<Vec<_>>());
        }
        work
    }

    /// A job of this spec, signed with a new key, without submissions.
    fn of_spec(cluster: &Cluster, id: &str, spec: JobSpec) -> Self {
        let buyer = SecretKey::generate(&mut rand::rng());
        let job = Job::sign(&cluster.digest(), id.parse().unwrap(), spec, &buyer).unwrap();
        Self {
            spec: serde_json::to_vec(&job.to_signed_spec()).unwrap(),
            job,
            buyer,
            cluster: cluster.digest(),
            submissions: Vec::new(),
            classes: Vec::new(),
        }
    }

    /// The buyer's signature over the cancellation of the job with this id and terms of this digest.
    pub fn cancellation(&self, terms: &Digest) -> Signature {
        let cancellation = Cancellation {
            cluster: &self.cluster,
            job: self.job.id(),
            terms,
        };
        cancellation.sign(&self.buyer)
    }

    /// Adds one more contributor's answers.
    pub fn submit(&mut self, cluster: &Cluster, classes: &[u32]) {
        let mut rng = rand::rng();
        let (key, name) = (SecretKey::generate(&mut rng), format!("contributor-{}", self.submissions.len()));
        let answers: Vec<(u32, Answer)> = (0u32..).zip(classes.iter().copied().map(Answer::Class)).collect();
        let made = match credential_of(cluster, &self.job, self.submissions.len() as u32, &key) {
            Some(credential) => share_with_credential(cluster, &self.job, &credential, &key, &answers, &mut rng),
            None => share(cluster, &self.job, &name, &key, &answers, &mut rng),
        };
        let made = made.unwrap();
        self.submissions.push(made);
        self.classes.push(classes.to_vec());
    }

    /// The signed spec of another job of the same buyer under the same id.
    pub fn other_spec(&self) -> Vec<u8> {
        let mut spec = self.job.to_signed_spec().spec;
        spec.name.push('!');
        let other = Job::sign(&self.cluster, self.job.id().clone(), spec, &self.buyer).unwrap();
        serde_json::to_vec(&other.to_signed_spec()).unwrap()
    }

    /// The list's entry of a submission.
    pub fn listed(&self, submission: usize) -> SubmissionEntry {
        let header = &self.submissions[submission].header.value;
        SubmissionEntry {
            submission: header.digest(),
            answers: u32::try_from(header.statement.items.len()).unwrap(),
        }
    }

    /// The list of all submissions in order.
    pub fn list(&self) -> Vec<SubmissionEntry> {
        (0..self.submissions.len()).map(|i| self.listed(i)).collect()
    }

    /// A submission as it is delivered to a node, with its digest.
    pub fn delivery(&self, submission: usize, node: usize) -> (Digest, Vec<u8>) {
        let delivery = self.submissions[submission].delivery(node).unwrap();
        (delivery.header.value.digest(), encode(&delivery))
    }

    /// All deliveries to a node.
    pub fn deliveries(&self, node: usize) -> Vec<(Digest, Vec<u8>)> {
        (0..self.submissions.len()).map(|i| self.delivery(i, node)).collect()
    }

    /// How often each class was answered in these submissions.
    pub fn totals(&self, submissions: &[usize]) -> Vec<Fp61> {
        let count = |class: u32| submissions.iter().flat_map(|s| &self.classes[*s]).filter(|c| **c == class).count();
        let classes = 0..self.job.terms().classes().len() as u32;
        classes.map(|class| Fp61::reduce(count(class) as u64)).collect()
    }
}

/// The values of an output as the nodes opened it, or added up from the components that they released. What several nodes release must be
/// the same at all of them.
pub fn output(cluster: &Cluster, released: &[Computed], name: OutputName) -> Vec<Fp61> {
    let mut components: BTreeMap<u8, &Vec<Fp61>> = BTreeMap::new();
    let mut opened: Option<&Vec<Fp61>> = None;
    for node in released {
        let output = node.released.outputs().iter().find(|output| output.name == name).unwrap();
        match &output.values {
            OutputValues::Components(of_node) => {
                for (number, values) in of_node {
                    assert_eq!(*components.entry(*number).or_insert(values), values, "component {number}");
                }
            }
            OutputValues::Opened(values) => assert_eq!(*opened.get_or_insert(values), values, "{name:?}"),
        }
    }
    if let Some(opened) = opened {
        return opened.clone();
    }
    assert_eq!(components.len(), cluster.access().components());
    let sum = |i: usize| {
        components
            .values()
            .map(|values| values[i])
            .fold(Fp61::ZERO, |sum, value| sum + value)
    };
    (0..components[&0].len()).map(sum).collect()
}

/// The released values of sums of products: all of the agreement output except the class shares at its end. Values that are linear in
/// the answers need no mask and are the same each time.
pub fn released_products(released: &[Computed], classes: usize) -> BTreeSet<u64> {
    let agreement = released
        .iter()
        .flat_map(|node| node.released.outputs().iter().filter(|output| output.name == OutputName::Agreement));
    let values = agreement.flat_map(|output| match &output.values {
        OutputValues::Components(components) => components.values(),
        OutputValues::Opened(_) => panic!("agreement is released in components"),
    });
    let products = values.flat_map(|values| &values[..values.len() - classes]);
    products.map(|value| value.to_u64()).collect()
}
