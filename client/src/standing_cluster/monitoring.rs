//! Prometheus with the rules that operators use, for a cluster on this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;
use tacit_client::files::{self, Access};

use super::address;
use super::directory::Directory;
use super::program::{Program, Ready, Turn, admin_port};

/// The files that `deploy` ships, under their paths there.
const SHIPPED: [(&str, &str); 3] = [
    ("prometheus.yml", include_str!("../../../deploy/prometheus/prometheus.yml")),
    ("rules/alerts.yml", include_str!("../../../deploy/prometheus/rules/alerts.yml")),
    (
        "rules/recording.yml",
        include_str!("../../../deploy/prometheus/rules/recording.yml"),
    ),
];
const PROGRAM: &str = "prometheus";

/// A Prometheus that watches the cluster.
#[derive(Debug)]
pub(super) struct Monitoring {
    binary: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
}

impl Monitoring {
    /// Makes the folder of Prometheus, or brings its files up to date. `None` if Prometheus is not installed.
    pub(super) fn prepare(directory: &Directory) -> Result<Option<Self>> {
        let Some(binary) = on_path(PROGRAM) else { return Ok(None) };
        let folder = directory.monitoring_folder();
        for (name, text) in SHIPPED {
            write(&folder, name, text)?;
        }
        let target = |folder: PathBuf, labels| -> Result<serde_json::Value> {
            let admin = admin_port(&folder.join("config.toml"))?;
            Ok(json!({ "targets": [admin.to_string()], "labels": labels }))
        };
        let nodes = directory.node_folders()?.into_iter();
        let nodes: Vec<_> = nodes
            .map(|(name, folder)| target(folder, json!({ "node": name })))
            .collect::<Result<_>>()?;
        let coordinator = target(directory.coordinator_folder(), json!({}))?;
        // JSON is YAML.
        write(&folder, "targets/tacit-node.yml", &json!(nodes).to_string())?;
        write(&folder, "targets/tacit-coordinator.yml", &json!([coordinator]).to_string())?;
        let address = address::of(&folder)?;
        Ok(Some(Self { binary, folder, address }))
    }

    /// The Prometheus that an earlier `tacit up` has made, which may run; `None` if there is none.
    pub(super) fn existing(directory: &Directory) -> Result<Option<Self>> {
        let folder = directory.monitoring_folder();
        let Some(address) = address::existing(&folder)? else {
            return Ok(None);
        };
        // To recognise the process, its name is enough.
        let binary = on_path(PROGRAM).unwrap_or_else(|| PROGRAM.into());
        Ok(Some(Self { binary, folder, address }))
    }

    /// Its URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it is run.
    pub(super) fn program(&self) -> Program {
        Program {
            name: PROGRAM.to_owned(),
            turn: Turn::Monitoring,
            binary: self.binary.clone(),
            folder: self.folder.clone(),
            arguments: vec![
                "--config.file=prometheus.yml".to_owned(),
                "--storage.tsdb.path=data".to_owned(),
                format!("--web.listen-address={}", self.address),
            ],
            announcement: "Server is ready to receive web requests",
            ready: Ready::At(format!("{}/-/ready", self.url())),
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        files::make_folder(parent, Access::Private)?;
    }
    Ok(files::write(&path, text.as_bytes(), Access::Public)?)
}

/// The path of a program, if one of the folders of PATH has it.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&folders).map(|folder| folder.join(name));
    let found = candidates.find(|path| path.is_file())?;
    std::path::absolute(found).ok()
}
