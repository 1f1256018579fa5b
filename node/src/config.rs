//! The config file. Paths in it are relative to its folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tacit_protocol::cluster::Cluster;

use crate::policy::Policy;
use crate::sealing_key_files::Lifetime;
use crate::store::Room;
use crate::web::Web;

/// The contents of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The cluster file, the same at every member.
    pub cluster: PathBuf,
    /// The Ed25519 key this node is known by.
    pub identity_key: PathBuf,
    /// The folder that holds the store, and the keys that contributors seal to.
    pub data: PathBuf,
    /// The UDP address to listen on.
    pub listen: SocketAddr,
    /// Where health and metrics are served.
    pub admin: SocketAddr,
    /// How long a round waits for the message of a peer.
    #[serde(default = "default_round_timeout")]
    pub round_timeout_seconds: u64,
    /// After how long the node draws its next sealing key.
    #[serde(default = "default_sealing_interval")]
    pub sealing_interval_seconds: u64,
    /// How long it keeps the key before: what contributors seal to it must arrive within this time.
    #[serde(default = "default_sealing_overlap")]
    pub sealing_overlap_seconds: u64,
    /// How many jobs may be computed at once.
    #[serde(default = "default_max_sessions")]
    pub max_sessions: usize,
    /// How many jobs, and how large ones, may be open at once.
    #[serde(default)]
    pub room: Room,
    /// How much memory is taken from the system at the start, for later computations. More is taken when it is needed.
    #[serde(default)]
    pub reserve_memory_mb: usize,
    /// What the operator asks of jobs beyond what the protocol does.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub policy: Policy,
    /// Where the page for contributors and buyers is served; nowhere without it. `init` does not write it.
    #[serde(default, skip_serializing)]
    pub web: Option<Web>,
}

pub(crate) fn default_round_timeout() -> u64 {
    30
}

pub(crate) fn default_sealing_interval() -> u64 {
    7 * 24 * 3600
}

pub(crate) fn default_sealing_overlap() -> u64 {
    2 * 24 * 3600
}

pub(crate) fn default_max_sessions() -> usize {
    4
}

impl Config {
    /// Reads a config file, and resolves the paths in it against its folder.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the config file {}", path.display()))?;
        let mut config: Self =
            toml::from_str(&text).map_err(|error| anyhow::anyhow!("config file {}: {}", path.display(), one_line(&error)))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for file in [&mut config.cluster, &mut config.identity_key, &mut config.data] {
            *file = folder.join(&*file);
        }
        if let Some(web) = &mut config.web {
            web.resolve(folder);
            web.check().with_context(|| format!("config file {}", path.display()))?;
        }
        anyhow::ensure!(
            config.round_timeout_seconds > 0,
            "config file {}: field `round_timeout_seconds` must be at least 1",
            path.display()
        );
        anyhow::ensure!(
            config.max_sessions > 0,
            "config file {}: field `max_sessions` must be at least 1",
            path.display()
        );
        let room = &config.room;
        for (field, value) in [
            ("max_open_jobs", room.max_open_jobs),
            ("max_spec_mb", room.max_spec_mb),
            ("max_items", room.max_items),
        ] {
            anyhow::ensure!(value > 0, "config file {}: field `room.{field}` must be at least 1", path.display());
        }
        config
            .lifetime()
            .check()
            .map_err(|problem| anyhow::anyhow!("config file {}: {problem}", path.display()))?;
        config.policy.check().with_context(|| format!("config file {}", path.display()))?;
        Ok(config)
    }

    /// Reads the cluster file.
    pub(crate) fn load_cluster(&self) -> Result<Cluster> {
        self.load_cluster_and_bytes().map(|(cluster, _)| cluster)
    }

    /// Reads the cluster file. Also returns its bytes.
    pub(crate) fn load_cluster_and_bytes(&self) -> Result<(Cluster, Vec<u8>)> {
        let bytes = std::fs::read(&self.cluster).with_context(|| format!("cannot read the cluster file {}", self.cluster.display()))?;
        let cluster = Cluster::parse(&bytes).with_context(|| format!("cluster file {}", self.cluster.display()))?;
        Ok((cluster, bytes))
    }

    /// How long sealing keys live.
    pub(crate) fn lifetime(&self) -> Lifetime {
        Lifetime {
            interval: self.sealing_interval_seconds,
            overlap: self.sealing_overlap_seconds,
        }
    }

    /// How long a round waits for a peer's message.
    pub(crate) fn round_timeout(&self) -> Duration {
        Duration::from_secs(self.round_timeout_seconds)
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error
        .to_string()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_room_for_a_job() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let load = |field: &str, value: u64| {
            let files = "cluster = \"c\"\nidentity_key = \"k\"\ndata = \"d\"\nlisten = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"";
            std::fs::write(&path, format!("{files}\n[room]\n{field} = {value}\n")).unwrap();
            Config::load(&path).map(drop).map_err(|error| error.to_string())
        };
        for field in ["max_open_jobs", "max_spec_mb", "max_items"] {
            assert_eq!(load(field, 1), Ok(()));
            let refused = load(field, 0).unwrap_err();
            assert!(refused.contains(&format!("`room.{field}` must be at least 1")), "{refused}");
        }
    }
}
