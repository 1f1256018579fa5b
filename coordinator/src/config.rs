//! The config file and the files it names. All of them are read and checked before anything runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tacit_link::ProbeFinding;
use tacit_program::key_file::{self, KeyFileError};
use tacit_protocol::cluster::{Cluster, ClusterError};
use tacit_protocol::identity::SecretKey;
use thiserror::Error;

use crate::buyers::Buyers;
use crate::limits::{Limits, Quotas};
use crate::pages::origin_problem;
use crate::store::StoreError;
use crate::toml_file::{self, FileError, read_text};
use tacit_http_server::{Certificate, CertificateError, CertificateFiles, ListenError};

/// Whether contributors may enrol themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EnrolmentMode {
    /// Anyone may enrol, under a name that is free.
    #[default]
    Open,
    /// Nobody new may enrol.
    Closed,
}

/// How long what is known of ended jobs is kept: the table `[retention]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// After how many days results, names and pay of a job that has ended are purged; 0 keeps them.
    pub results_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { results_days: 365 }
    }
}

impl Retention {
    /// The same in seconds; `None` if results are kept.
    pub(crate) fn seconds(self) -> Option<u64> {
        (self.results_days > 0).then(|| u64::from(self.results_days) * 24 * 60 * 60)
    }
}

/// The contents of the config file. Paths are relative to its folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The cluster file.
    #[serde(default = "default_cluster")]
    pub cluster: PathBuf,
    /// The file with the coordinator's secret key.
    #[serde(default = "default_identity_key")]
    pub identity_key: PathBuf,
    /// The folder that holds the store.
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
    /// The origins of the pages that may use the API from a browser; without it see [`Pages::new`](crate::pages::Pages::new).
    #[serde(default)]
    pub page_origins: Option<Vec<String>>,
    /// Whether contributors may enrol themselves.
    #[serde(default)]
    pub enrolment: EnrolmentMode,
    /// How many computations of one job may fail before the job fails.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: u32,
    /// The certificate and key with which the API is served; without them it is plain HTTP.
    #[serde(default)]
    pub tls: Option<CertificateFiles>,
    /// What may be open, read and held at once.
    #[serde(default)]
    pub limits: Limits,
    /// What one buyer's jobs may take together, and how many contributors are enrolled in an hour.
    #[serde(default)]
    pub quotas: Quotas,
    /// How long what is known of ended jobs is kept.
    #[serde(default)]
    pub retention: Retention,
    /// How much is logged, in the syntax of RUST_LOG. RUST_LOG overrides it.
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
pub(crate) enum ConfigError {
    /// A file cannot be read or parsed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A field has a value that cannot be used.
    #[error("{path}: field `{field}` {problem}")]
    Field {
        /// The config file.
        path: PathBuf,
        field: &'static str,
        /// What is wrong with its value.
        problem: &'static str,
    },
    /// The key file cannot be used.
    #[error("{0} (field `identity_key`; `tacit-coordinator init` makes a new key)")]
    Key(#[from] KeyFileError),
    /// `tacit demo` or `tacit up` made one of the files.
    #[error(
        "{0} was made by `tacit demo` or `tacit up`, for trying out only: make keys with `tacit-coordinator init`, and a cluster file with `tacit cluster create`"
    )]
    Demo(PathBuf),
    /// The key is one that tests use.
    #[error("{0} holds a key that anyone can guess, as tests use them: make another with `tacit-coordinator init`")]
    TestKey(PathBuf),
    /// A node cannot be reached, or does not fit the cluster.
    #[error(transparent)]
    Node(#[from] ProbeFinding),
    /// The runtime that is needed to reach the nodes does not start.
    #[error("cannot start the runtime: {0}")]
    Runtime(String),
    /// The API's certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The cluster file cannot be used.
    #[error("{path}: {error}")]
    Cluster {
        path: PathBuf,
        /// What is wrong with it.
        error: ClusterError,
    },
    /// The cluster file names another key for the coordinator.
    #[error(
        "{cluster}: field `coordinator.identity` is {named}, but {key} holds the key of {ours}: use the key that belongs to this cluster file, or correct the file at every member"
    )]
    OtherIdentity {
        /// The cluster file.
        cluster: PathBuf,
        /// The public key it names.
        named: String,
        /// The key file.
        key: PathBuf,
        /// The public key that belongs to it.
        ours: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program cannot listen on a port.
    #[error("{error}, or change `{field}` in {path}")]
    Listen {
        /// Why it cannot, and what to do about it.
        error: ListenError,
        /// The field that names the address.
        field: &'static str,
        /// The config file.
        path: PathBuf,
    },
}

/// What the config file names, read and checked.
pub(crate) struct Loaded {
    /// The config file's contents; paths are resolved against its folder.
    pub config: Config,
    pub cluster: Arc<Cluster>,
    /// The cluster file's text.
    pub cluster_text: String,
    /// The coordinator's secret key.
    pub key: SecretKey,
    /// The buyers, who may open jobs.
    pub buyers: Buyers,
    /// The API's certificate; `None` for plain HTTP.
    pub certificate: Option<Arc<Certificate>>,
}

/// Reads the config file and the files it names.
///
/// # Errors
/// Everything that is wrong, not only the first; the list is not empty.
pub(crate) fn load(path: &Path) -> Result<Loaded, Vec<ConfigError>> {
    let config = read(path).map_err(|e| vec![e])?;
    let mut errors = Vec::new();
    let mut add = |error: ConfigError| errors.push(error);
    let cluster = read_cluster(&config.cluster).map_err(&mut add).ok();
    let key = read_key(&config.identity_key).map_err(&mut add).ok();
    let buyers = config
        .buyers
        .as_deref()
        .map_or_else(|| Ok(Buyers::default()), Buyers::read)
        .map_err(|error| add(error.into()))
        .ok();
    let certificate = config.tls.clone().map(|files| Certificate::load(files, "tls")).transpose();
    let certificate = certificate.map_err(|error| add(error.into())).ok();
    if let (Some((cluster, _)), Some(key)) = (&cluster, &key) {
        let named = cluster.file().coordinator.identity;
        if named != key.public() {
            errors.push(ConfigError::OtherIdentity {
                cluster: config.cluster.clone(),
                named: named.to_string(),
                key: config.identity_key.clone(),
                ours: key.public().to_string(),
            });
        }
    }
    match (cluster, key, buyers, certificate) {
        (Some((cluster, cluster_text)), Some(key), Some(buyers), Some(certificate)) if errors.is_empty() => Ok(Loaded {
            config,
            cluster: Arc::new(cluster),
            cluster_text,
            key,
            buyers,
            certificate: certificate.map(Arc::new),
        }),
        _ => Err(errors),
    }
}

/// Reads the config file alone, and resolves the paths in it against its folder.
///
/// # Errors
/// The file cannot be read, or a field is wrong.
pub(crate) fn read(path: &Path) -> Result<Config, ConfigError> {
    let mut config: Config = toml_file::read(path, "the config file")?;
    if config.max_attempts == 0 {
        return Err(ConfigError::Field {
            path: path.to_owned(),
            field: "max_attempts",
            problem: "must be 1 or more",
        });
    }
    if let Some(problem) = config.page_origins.iter().flatten().find_map(|origin| origin_problem(origin)) {
        return Err(ConfigError::Field {
            path: path.to_owned(),
            field: "page_origins",
            problem,
        });
    }
    if let Some((field, problem)) = config.limits.problem().or_else(|| config.quotas.problem()) {
        return Err(ConfigError::Field {
            path: path.to_owned(),
            field,
            problem,
        });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let tls = config.tls.iter_mut().flat_map(|files| [&mut files.certificate, &mut files.key]);
    for one in [&mut config.cluster, &mut config.identity_key, &mut config.data]
        .into_iter()
        .chain(&mut config.buyers)
        .chain(tls)
    {
        *one = folder.join(&*one);
    }
    Ok(config)
}

/// Reads the coordinator's secret key.
///
/// # Errors
/// The file cannot be read, other users can read it, or it does not hold a key.
pub(crate) fn read_key(path: &Path) -> Result<SecretKey, ConfigError> {
    Ok(SecretKey::from_bytes(&*key_file::read_seed(path)?))
}

fn read_cluster(path: &Path) -> Result<(Cluster, String), ConfigError> {
    let text = read_text(path, "the cluster file, field `cluster`")?;
    let cluster = Cluster::parse(text.as_bytes()).map_err(|error| ConfigError::Cluster {
        path: path.to_owned(),
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
        let pages = config("page_origins = [\"https://a.example\", \"https://b.example/page\"]")
            .unwrap_err()
            .to_string();
        assert!(pages.contains("`page_origins` must list origins"), "{pages}");
        let attempts = config("max_attempts = 0").unwrap_err().to_string();
        assert!(attempts.contains("`max_attempts`"), "{attempts}");
        let jobs = config("[quotas]\nopen_jobs = 0").unwrap_err().to_string();
        assert!(jobs.contains("`quotas.open_jobs` must be 1 or more"), "{jobs}");
        let proxies = config("[limits]\nproxies = [\"10.0.0.1/8\"]").unwrap_err().to_string();
        assert!(proxies.contains("line 2") && proxies.contains("`10.0.0.1/8`"), "{proxies}");
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
