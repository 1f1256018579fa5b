//! The cluster file, which is what everything is checked with, and the nodes' sealing keys.

use serde::Serialize;
use tacit_protocol::api::{ClusterInfo, ClusterInfoError};
use tacit_protocol::cluster::{self, CoordinatorEntry, NodeEntry};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::sealing_epoch::EpochError;
use tacit_protocol::words::words;
use wasm_bindgen::prelude::*;

use crate::error::{Code, Failure, as_code};
use crate::values::{digest, time, to_object, whole};

/// A checked cluster file.
#[wasm_bindgen]
pub struct Cluster(cluster::Cluster);

/// The keys that submissions are sealed to.
#[wasm_bindgen]
pub struct SealingKeys(cluster::Cluster);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterView<'a> {
    name: &'a str,
    digest: String,
    digest_words: String,
    threshold: usize,
    protocol: u32,
    coordinator: Member<'a>,
    nodes: Vec<Member<'a>>,
}

#[derive(Serialize)]
struct Member<'a> {
    name: &'a str,
    operator: &'a str,
    address: &'a str,
    identity: PublicKey,
    fingerprint: String,
}

impl<'a> From<&'a NodeEntry> for Member<'a> {
    fn from(node: &'a NodeEntry) -> Self {
        Self {
            name: &node.name,
            operator: &node.operator,
            address: &node.address,
            identity: node.identity,
            fingerprint: node.fingerprint(),
        }
    }
}

impl<'a> From<&'a CoordinatorEntry> for Member<'a> {
    fn from(coordinator: &'a CoordinatorEntry) -> Self {
        Self {
            name: "coordinator",
            operator: "",
            address: &coordinator.url,
            identity: coordinator.identity,
            fingerprint: coordinator.fingerprint(),
        }
    }
}

#[wasm_bindgen]
impl Cluster {
    /// Reads and checks cluster.toml, byte for byte as its members have it. Throws `cluster_file`.
    pub fn parse(file: &[u8]) -> Result<Self, Failure> {
        Ok(Self(cluster::Cluster::parse(file).map_err(as_code(Code::ClusterFile))?))
    }

    /// As `parse`, of the file inside a body of `GET /v1/cluster`, if it has this digest, which comes from elsewhere.
    #[wasm_bindgen(js_name = ofCoordinator)]
    pub fn of_coordinator(body: &[u8], #[wasm_bindgen(js_name = digest)] wanted: &str) -> Result<Self, Failure> {
        let wanted = digest(wanted)?;
        let this = Self::parse(info(body)?.file.as_bytes())?;
        if this.0.digest() == wanted {
            Ok(this)
        } else {
            Err(other_cluster(this.digest(), wanted.to_string()))
        }
    }

    /// The digest of the file.
    #[wasm_bindgen(getter)]
    pub fn digest(&self) -> String {
        self.0.digest().to_string()
    }

    /// The cluster, its coordinator and its nodes.
    #[wasm_bindgen(unchecked_return_type = "ClusterView")]
    pub fn view(&self) -> Result<JsValue, Failure> {
        let file = self.0.file();
        to_object(&ClusterView {
            name: &file.name,
            digest: self.digest(),
            digest_words: words(&self.0.digest()),
            threshold: file.threshold,
            protocol: file.protocol,
            coordinator: (&file.coordinator).into(),
            nodes: file.nodes.iter().map(Member::from).collect(),
        })
    }

    /// Checks a body of `GET /v1/cluster`: that the coordinator has this cluster file and speaks this protocol.
    #[wasm_bindgen(js_name = checkCoordinator)]
    pub fn check_coordinator(&self, body: &[u8]) -> Result<(), Failure> {
        self.info(body).map(drop)
    }

    /// Takes the nodes' newest sealing keys from a body of `GET /v1/cluster`: each is signed by its node, and none is older than `seen`, the
    /// epochs that were used before.
    #[wasm_bindgen(js_name = sealingKeys)]
    pub fn sealing_keys(
        &self,
        body: &[u8],
        #[wasm_bindgen(unchecked_param_type = "Float64Array | number[]")] seen: Vec<f64>,
        now: f64,
    ) -> Result<SealingKeys, Failure> {
        let seen: Option<Vec<u64>> = seen.into_iter().map(whole).collect();
        let seen = seen.ok_or_else(|| Failure::new(Code::Syntax, "the epochs that were seen are not whole numbers"))?;
        let statements: Vec<_> = self.info(body)?.nodes.into_iter().map(|node| node.sealing).collect();
        let sealing = self.0.clone().sealing_to(&statements, &seen, time(now)?);
        sealing.map(SealingKeys).map_err(|error| {
            let code = match error.error {
                EpochError::Missing => Code::SealingKeysMissing,
                _ => Code::SealingKeys,
            };
            Failure::new(code, error)
        })
    }
}

impl Cluster {
    pub(crate) fn inner(&self) -> &cluster::Cluster {
        &self.0
    }

    /// The coordinator's description of the cluster, which is this one.
    fn info(&self, body: &[u8]) -> Result<ClusterInfo, Failure> {
        let info = info(body)?;
        if info.digest == self.0.digest() {
            Ok(info)
        } else {
            Err(other_cluster(info.digest.to_string(), self.digest()))
        }
    }
}

#[wasm_bindgen]
impl SealingKeys {
    /// The number of each node's newest key.
    #[wasm_bindgen(getter)]
    pub fn epochs(&self) -> Vec<f64> {
        self.0.sealing_keys().iter().map(|key| key.number as f64).collect()
    }
}

impl SealingKeys {
    /// The cluster with the keys.
    pub(crate) fn cluster(&self) -> &cluster::Cluster {
        &self.0
    }
}

fn info(body: &[u8]) -> Result<ClusterInfo, Failure> {
    ClusterInfo::from_json(body).map_err(|error| {
        let code = match error {
            ClusterInfoError::Syntax(_) => Code::Syntax,
            ClusterInfoError::Version(_) => Code::ProtocolVersion,
        };
        Failure::new(code, error)
    })
}

fn other_cluster(theirs: String, ours: String) -> Failure {
    let text = format_args!(
        "the coordinator is of another cluster: its cluster file has digest {theirs}, the one given here {ours}; compare the two with the operators"
    )
    .to_string();
    Failure::new(Code::OtherCluster, text)
}
