//! A cluster of simulated nodes for tests. They store what they receive and sign invented outputs without computing anything: certificates
//! verify, but the numbers mean nothing.

mod node;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tacit_program::sqlite::DatabaseError;
use tacit_protocol::api::{Enrolment, enrolment_statement};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_text, cluster_with_keys, credential_of, share, share_with_credential};
use tacit_protocol::identity::{Purpose, SecretKey, Signature};
use tacit_protocol::job::{Gold, Item, Job, JobSpec};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::submission::Submission;

use crate::app::{App, Shared};
use crate::buyers::Buyers;
use crate::config::{Config, Loaded};
use crate::store::{Store, StoreError};
use node::TestDial;
pub(crate) use node::{AlterRelease, TestNode};

/// The token of the buyer in tests.
pub(crate) const TOKEN: &str = "test-token";

/// The token of a second buyer.
pub(crate) const OTHER_TOKEN: &str = "other-token";

/// The token of a third buyer, to whom [`bound_key`] belongs.
pub(crate) const BOUND_TOKEN: &str = "bound-token";

/// The key that belongs to [`BOUND_TOKEN`].
pub(crate) fn bound_key() -> SecretKey {
    SecretKey::from_bytes(&[0xb0; 32])
}

/// A cluster of simulated nodes.
pub(crate) struct TestCluster {
    pub cluster: Arc<Cluster>,
    text: String,
    key: SecretKey,
    pub nodes: Vec<Arc<TestNode>>,
}

impl TestCluster {
    pub(crate) fn new(nodes: usize, threshold: usize) -> Self {
        let ClusterWithKeys {
            cluster, mut identities, ..
        } = cluster_with_keys(nodes, threshold);
        let key = identities.pop().unwrap();
        let text = cluster_text(cluster.file());
        let cluster = Arc::new(cluster);
        let node = |(index, key): (usize, SecretKey)| Arc::new(TestNode::new(index, key, Arc::clone(&cluster)));
        let nodes = identities.into_iter().enumerate().map(node).collect();
        Self { cluster, text, key, nodes }
    }

    /// Starts a coordinator of this cluster on a store in `data`. It connects to the nodes that are up.
    pub(crate) async fn start(&self, data: &std::path::Path) -> Shared {
        let mut config: Config = toml::from_str("max_attempts = 2\nquotas.items = 5000\nquotas.enrolments_per_address = 3").unwrap();
        config.data = data.to_owned();
        let path = data.join("buyers.toml");
        std::fs::write(
            &path,
            Buyers::file_text("test", TOKEN)
                + &Buyers::entry("other", OTHER_TOKEN, None)
                + &Buyers::entry("bound", BOUND_TOKEN, Some(&bound_key().public())),
        )
        .unwrap();
        let loaded = Loaded {
            config,
            cluster: Arc::clone(&self.cluster),
            cluster_text: self.text.clone(),
            key: self.key.clone(),
            buyers: Buyers::read(&path).unwrap(),
            certificate: None,
        };
        let metrics = crate::api::metrics(&loaded).unwrap();
        // A query that the previous coordinator has begun may keep the store open for a moment.
        let opened = Mutex::new(None);
        eventually("the store is free", async || {
            let store = Store::open(data, self.nodes.len(), metrics.store.clone());
            let free = !matches!(store, Err(StoreError::Database(DatabaseError::InUse { .. })));
            *opened.lock().unwrap() = Some(store);
            free
        })
        .await;
        let store = opened.into_inner().unwrap().unwrap().unwrap();
        let app = App::new(loaded, store, metrics);
        crate::jobs::start(&app, Arc::new(TestDial(self.nodes.clone()))).await.unwrap();
        app
    }

    /// An enrolment of this contributor.
    pub(crate) fn enrolment(&self, contributor: &str, key: &SecretKey) -> Enrolment {
        let signature = key.sign(Purpose::Enrolment, &enrolment_statement(&self.cluster.digest(), contributor));
        Enrolment {
            contributor: contributor.to_owned(),
            key: key.public(),
            signature,
        }
    }

    /// Gold answers to a job: answer 0 to the first item.
    pub(crate) fn gold(&self, job: &Job, key: &SecretKey) -> Submission {
        Submission::create_gold(&self.cluster, job, key, &[(0, Answer::Class(0))], 0, &mut rand::rng()).unwrap()
    }

    /// A submission with the answer 0 to these items.
    pub(crate) fn submission(&self, job: &Job, contributor: &str, key: &SecretKey, items: &[u32]) -> Submission {
        let answers: Vec<(u32, Answer)> = items.iter().map(|item| (*item, Answer::Class(0))).collect();
        share(&self.cluster, job, contributor, key, &answers, &mut rand::rng()).unwrap()
    }

    /// A submission of the person with this number of the job's issuers, with the answer 0 to these items.
    pub(crate) fn invited_submission(&self, job: &Job, number: u32, key: &SecretKey, items: &[u32]) -> Submission {
        let answers: Vec<(u32, Answer)> = items.iter().map(|item| (*item, Answer::Class(0))).collect();
        let credential = credential_of(&self.cluster, job, number, key).unwrap();
        share_with_credential(&self.cluster, job, &credential, key, &answers, &mut rand::rng()).unwrap()
    }
}

/// The key of a contributor, made of one repeated byte.
pub(crate) fn contributor_key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32])
}

/// A job of `items` items with two answers each.
pub(crate) fn spec(items: usize) -> JobSpec {
    JobSpec {
        answers_per_item: 2,
        sensitive: false,
        release: [Release::ClassTotals].into(),
        ..JobSpec::new(
            "signs",
            Categorical::new(["stop", "yield"]),
            (0..items).map(|item| Item::new(format!("item-{item}"))),
        )
    }
}

/// The same job with gold answers, signed with `key`.
pub(crate) fn gold_spec(items: usize, key: &SecretKey) -> JobSpec {
    JobSpec {
        release: [Release::Scores].into(),
        gold: Some(Gold { key: key.public() }),
        ..spec(items)
    }
}

/// Something that stands in the place of a buyer's signature where nobody checks it.
pub(crate) fn cancellation() -> Signature {
    Signature::from_bytes([9; 64])
}

/// Stops a coordinator as the end of its process would, and waits until its store is free.
pub(crate) async fn stop(app: Shared) {
    app.shutdown.cancel();
    app.tasks.close();
    app.tasks.wait().await;
    assert_eq!(Arc::strong_count(&app), 1, "something holds on to the coordinator");
}

/// How long a test waits for something that has to happen.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until this is true.
///
/// # Panics
/// It does not become true in time.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let became_so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(DEADLINE, became_so).await;
    assert!(in_time.is_ok(), "it does not become true that {what}");
}
