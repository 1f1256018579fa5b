//! The config file, and everything it names: read and checked before anything runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tacit_link::ProbeFinding;
use tacit_protocol::cluster::{Cluster, ClusterError};
use tacit_protocol::identity::SecretKey;
use thiserror::Error;

use crate::buyers::Buyers;
use crate::key_file;
use crate::store::StoreError;

/// Whether contributors may enrol themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentMode {
    /// Anyone may, under a name that is free.
    #[default]
    Open,
    /// Nobody new may.
    Closed,
}

/// The contents of the config file. Paths are relative to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The cluster file.
    #[serde(default = "default_cluster")]
    pub cluster: PathBuf,
    /// The file with the coordinator's secret key.
    #[serde(default = "default_identity_key")]
    pub identity_key: PathBuf,
    /// The folder of the store.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// Where the HTTP API listens.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Where health and metrics are served.
    #[serde(default = "default_admin")]
    pub admin: SocketAddr,
    /// The file with the buyers' hashed tokens; without it nobody can open jobs.
    #[serde(default)]
    pub buyers: Option<PathBuf>,
    /// Whether contributors may enrol themselves.
    #[serde(default)]
    pub enrolment: EnrolmentMode,
    /// How many computations of one job may fail before the job fails.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: u32,
    /// How much is logged, in the syntax of RUST_LOG, which goes before it.
    #[serde(default)]
    pub log: Option<String>,
}

fn default_cluster() -> PathBuf {
    "cluster.toml".into()
}

fn default_identity_key() -> PathBuf {
    "identity.key".into()
}

fn default_data() -> PathBuf {
    "data".into()
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_admin() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4481))
}

fn default_max_attempts() -> u32 {
    3
}

/// Something that keeps the coordinator from running, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path} ({what}): {reason}")]
    Read {
        /// What the file is.
        what: &'static str,
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file is not TOML, or does not have these fields.
    #[error("{path}, line {line}: {problem}")]
    Syntax {
        /// Which.
        path: String,
        /// Where.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A field's value cannot be used.
    #[error("{path}: field `{field}` {problem}")]
    Field {
        /// The file.
        path: String,
        /// Which.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Others than the owner can read a secret.
    #[error("{path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`, and make a new key if anyone may have read it")]
    Exposed {
        /// Which.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The key file does not hold a key.
    #[error(
        "{path} does not hold a key: expected 32 bytes in hexadecimal; restore it from a backup, or make another with `tacit-coordinator init`"
    )]
    Key {
        /// Which.
        path: String,
    },
    /// `tacit demo` made a file.
    #[error(
        "{0} was made by `tacit demo`, for trying out only: make keys with `tacit-coordinator init`, and a cluster file with `tacit cluster create`"
    )]
    Demo(String),
    /// The key is one of tests.
    #[error("{0} holds a key that anyone can guess, as tests use them: make another with `tacit-coordinator init`")]
    TestKey(String),
    /// A node cannot be talked to.
    #[error(transparent)]
    Node(#[from] ProbeFinding),
    /// Nodes cannot be probed.
    #[error("cannot start the runtime: {0}")]
    Runtime(String),
    /// The cluster file is refused.
    #[error("{path}: {error}")]
    Cluster {
        /// Which.
        path: String,
        /// Why.
        error: ClusterError,
    },
    /// The cluster file names another key for the coordinator.
    #[error(
        "{cluster}: field `coordinator.identity` is {named}, but {key} holds the key of {ours}: use the key that belongs to this cluster file, or correct the file at every member"
    )]
    OtherIdentity {
        /// The cluster file.
        cluster: String,
        /// The public key it names.
        named: String,
        /// The key file.
        key: String,
        /// The public key of that.
        ours: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A port cannot be listened on.
    #[error("cannot listen on TCP {address}: {reason}: stop the other program, or change `{field}` in {path}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
        /// The field that names it.
        field: &'static str,
        /// The config file.
        path: String,
    },
}

/// Everything that is read before anything runs.
pub struct Loaded {
    /// The config file's contents, with absolute or working-directory paths.
    pub config: Config,
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The cluster file's text.
    pub cluster_text: String,
    /// The coordinator's key.
    pub key: SecretKey,
    /// The buyers.
    pub buyers: Buyers,
}

/// Reads the config file and what it names. Gives everything that is wrong, not only the first.
///
/// # Errors
/// Something keeps the coordinator from running; the list is not empty.
pub fn load(path: &Path) -> Result<Loaded, Vec<ConfigError>> {
    let config = read(path).map_err(|e| vec![e])?;
    let mut errors = Vec::new();
    let mut keep = |error: ConfigError| errors.push(error);
    let cluster = read_cluster(&config.cluster).map_err(&mut keep).ok();
    let key = key_file::read(&config.identity_key).map_err(&mut keep).ok();
    let buyers = config
        .buyers
        .as_deref()
        .map_or_else(|| Ok(Buyers::default()), Buyers::read)
        .map_err(&mut keep)
        .ok();
    if let (Some((cluster, _)), Some(key)) = (&cluster, &key) {
        let named = cluster.file().coordinator.identity;
        if named != key.public() {
            errors.push(ConfigError::OtherIdentity {
                cluster: config.cluster.display().to_string(),
                named: named.to_string(),
                key: config.identity_key.display().to_string(),
                ours: key.public().to_string(),
            });
        }
    }
    match (cluster, key, buyers) {
        (Some((cluster, cluster_text)), Some(key), Some(buyers)) if errors.is_empty() => Ok(Loaded {
            config,
            cluster: Arc::new(cluster),
            cluster_text,
            key,
            buyers,
        }),
        _ => Err(errors),
    }
}

/// Reads the config file alone; paths in it are taken from its folder.
///
/// # Errors
/// It cannot be read, or a field is wrong.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let text = read_text(path, "the config file")?;
    let mut config: Config = toml::from_str(&text).map_err(|e| syntax(path, &text, &e))?;
    if config.max_attempts == 0 {
        let problem = "must be 1 or more".to_owned();
        return Err(ConfigError::Field {
            path: path.display().to_string(),
            field: "max_attempts".to_owned(),
            problem,
        });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for one in [&mut config.cluster, &mut config.identity_key, &mut config.data]
        .into_iter()
        .chain(&mut config.buyers)
    {
        *one = folder.join(&*one);
    }
    Ok(config)
}

/// Reads a text file.
///
/// # Errors
/// It cannot be read.
pub fn read_text(path: &Path, what: &'static str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|e| ConfigError::Read {
        what,
        path: path.display().to_string(),
        reason: e.to_string(),
    })
}

/// TOML's error in one line, with its place.
pub fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = error
        .span()
        .map_or(1, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
    ConfigError::Syntax {
        path: path.display().to_string(),
        line,
        problem: error.message().replace('\n', " "),
    }
}

fn read_cluster(path: &Path) -> Result<(Cluster, String), ConfigError> {
    let text = read_text(path, "the cluster file, field `cluster`")?;
    let cluster = Cluster::parse(text.as_bytes()).map_err(|error| ConfigError::Cluster {
        path: path.display().to_string(),
        error,
    })?;
    Ok((cluster, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn an_empty_file_gives_the_defaults_beside_it() {
        let config = config("").unwrap();
        assert!(config.cluster.is_absolute() && config.cluster.ends_with("cluster.toml"));
        assert_eq!(
            (config.max_attempts, config.enrolment, config.buyers),
            (3, EnrolmentMode::Open, None)
        );
    }

    #[test]
    fn errors_name_file_line_and_field() {
        let unknown = config("listen = \"127.0.0.1:1\"\nlisten_on = 1\n").unwrap_err().to_string();
        assert!(
            unknown.contains("config.toml, line 2") && unknown.contains("listen_on"),
            "{unknown}"
        );
        let attempts = config("max_attempts = 0").unwrap_err().to_string();
        assert!(attempts.contains("`max_attempts`"), "{attempts}");
        let address = config("listen = \"here\"").unwrap_err().to_string();
        assert!(address.contains("line 1"), "{address}");
    }

    #[test]
    fn all_findings_are_given_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "buyers = \"buyers.toml\"").unwrap();
        let findings = load(&path).err().unwrap();
        assert_eq!(findings.len(), 3, "{findings:?}");
    }
}
