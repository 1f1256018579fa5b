//! A node of a small cluster with jobs and deliveries, for the tests of several modules.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::credential::CheckedCredentials;
use tacit_protocol::fixtures::{ClusterWithKeys, EPOCH, buyer_key, cluster_with_keys, issuers, share};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Item, Job, JobSpec};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::sealing::RecordKey;

use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::sealing_keys::SealingKeys;
use crate::store::{Room, Store};

/// A job and its signed spec, for [`cluster`].
pub(crate) fn job(items: usize) -> (Job, Vec<u8>) {
    job_for(&cluster(), items)
}

/// The same for another cluster.
pub(crate) fn job_for(cluster: &Cluster, items: usize) -> (Job, Vec<u8>) {
    let spec = JobSpec {
        answers_per_item: 3,
        sensitive: false,
        release: BTreeSet::from([Release::Agreement]),
        ..JobSpec::new("job", Categorical::new(["a", "b"]), (0..items).map(|i| Item::new(i.to_string())))
    };
    let job = Job::sign(&cluster.digest(), "job".parse().unwrap(), spec, &buyer_key()).unwrap();
    let text = serde_json::to_vec(&job.to_signed_spec()).unwrap();
    (job, text)
}

/// A cluster of three nodes.
pub(crate) fn cluster() -> Cluster {
    cluster_with_keys(3, 1).cluster
}

/// The key that authenticates the records of a store.
pub(crate) fn records() -> RecordKey {
    RecordKey::of(&SecretKey::from_bytes(&[8; 32]))
}

/// The intake of node 0 of that cluster.
pub(crate) fn intake(folder: &Path) -> Intake {
    intake_of(folder, (3, 1), 0)
}

/// The intake of one node of a cluster of this size and threshold.
pub(crate) fn intake_of(folder: &Path, (nodes, threshold): (usize, usize), me: usize) -> Intake {
    let ClusterWithKeys {
        cluster,
        sealing,
        identities,
    } = cluster_with_keys(nodes, threshold);
    let cluster = Arc::new(cluster);
    let metrics = Metrics::new(&cluster, me).unwrap();
    let store = Arc::new(Store::open(folder, metrics.store.clone(), RecordKey::of(&identities[me])).unwrap());
    Intake {
        cluster,
        me,
        keys: Arc::new(SealingKeys::of_tests(EPOCH, sealing[me].clone(), identities[me].clone())),
        store,
        room: Room::default(),
        metrics,
        policy: Policy::default(),
        credentials: CheckedCredentials::default(),
    }
}

/// A new submission as it is delivered to node 0, with the envelope that is for `node`, and its digest.
pub(crate) fn delivered(intake: &Intake, job: &Job, node: usize) -> (Digest, Vec<u8>) {
    let mut rng = UnwrapErr(SysRng);
    let key = SecretKey::generate(&mut rng);
    let submission = share(&intake.cluster, job, "alice", &key, &[(0, Answer::Class(1))], &mut rng).unwrap();
    let mut delivery = submission.delivery(0).unwrap();
    delivery.envelope = submission.delivery(node).unwrap().envelope;
    (delivery.header.value.digest(), encode(&delivery))
}

/// The job for people of a pool only, of whom two of three issuers must sign.
pub(crate) fn invited_job() -> (Job, Vec<u8>) {
    let mut spec = job(4).0.to_signed_spec().spec;
    spec.issuers = Some(issuers(2));
    let job = Job::sign(&cluster().digest(), "invited".parse().unwrap(), spec, &buyer_key()).unwrap();
    let text = serde_json::to_vec(&job.to_signed_spec()).unwrap();
    (job, text)
}
