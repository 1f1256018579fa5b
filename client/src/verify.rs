//! Verifies a result offline with the cluster file: recomputes everything from the certificate and compares it byte for byte.

use std::path::{Path, PathBuf};

use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::cluster::Cluster;
use tacit_scoring::report::Report;
use thiserror::Error;

use crate::cluster_file::{ClusterFileError, load_cluster};
use crate::files::{self, FileError};

/// The file name of a result.
pub const RESULT: &str = "result.json";
/// The file name of payouts.
pub const PAYOUTS: &str = "payouts.csv";
/// The file name of a certificate.
pub const CERTIFICATE: &str = "certificate.json";

/// Why a result is refused. Messages begin with the file at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The cluster file cannot be read or is not valid.
    #[error(transparent)]
    Cluster(#[from] ClusterFileError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A required file is missing.
    #[error("{path}: missing; it belongs beside {beside}")]
    Missing {
        /// The path of the file.
        path: PathBuf,
        /// The file given.
        beside: PathBuf,
    },
    /// The text is not a certificate.
    #[error("{path}: {error}")]
    Syntax {
        /// The path of the certificate.
        path: PathBuf,
        /// What is wrong.
        error: CertificateError,
    },
    /// The certificate does not verify with this cluster file.
    #[error("{path}: does not verify with the given cluster file: {error}")]
    Certificate {
        /// The path of the certificate.
        path: PathBuf,
        /// What is wrong.
        error: CertificateError,
    },
    /// A file differs from what follows from the certificate.
    #[error("{path}: not what the nodes certified: it differs at line {line} from what the certificate yields")]
    Differs {
        /// The path of the file.
        path: PathBuf,
        /// The first line that differs.
        line: usize,
    },
}

/// The files of a published result, each with its path for messages.
#[derive(Debug, Clone)]
pub struct Files {
    /// `certificate.json`.
    pub certificate: (PathBuf, Vec<u8>),
    /// `result.json`.
    pub result: Option<(PathBuf, Vec<u8>)>,
    /// `payouts.csv`.
    pub payouts: Option<(PathBuf, Vec<u8>)>,
}

/// A verified result.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The cluster whose nodes certified it.
    pub cluster: Cluster,
    /// The certificate, which was verified.
    pub certificate: Certificate,
    /// The result that the certificate certifies.
    pub report: Report,
}

impl Verified {
    /// Name and operator of each node that signed.
    pub fn signers(&self) -> Vec<(&str, &str)> {
        let nodes = self.cluster.nodes();
        let signers = self.certificate.signatures.iter().filter_map(|s| nodes.get(usize::from(s.node)));
        signers.map(|node| (node.name.as_str(), node.operator.as_str())).collect()
    }
}

/// Verifies `path`, a `result.json` or `certificate.json`, and the other files beside it.
pub fn verify(path: &Path, cluster: &Path) -> Result<Verified, VerifyError> {
    let cluster = load_cluster(cluster)?;
    let bytes = files::read(path)?;
    let beside = |name: &str| path.with_file_name(name);
    let is_certificate = path.file_name().is_some_and(|name| name == CERTIFICATE) || Certificate::from_json(&bytes).is_ok();
    let files = if is_certificate {
        Files {
            certificate: (path.to_owned(), bytes),
            result: optional(beside(RESULT))?,
            payouts: optional(beside(PAYOUTS))?,
        }
    } else {
        let certificate = beside(CERTIFICATE);
        let certificate = optional(certificate.clone())?.ok_or(VerifyError::Missing {
            path: certificate,
            beside: path.to_owned(),
        })?;
        Files {
            certificate,
            result: Some((path.to_owned(), bytes)),
            payouts: optional(beside(PAYOUTS))?,
        }
    };
    let verified = check(&files, cluster)?;
    if !is_certificate && verified.report.payouts.is_some() && files.payouts.is_none() {
        return Err(VerifyError::Missing {
            path: beside(PAYOUTS),
            beside: path.to_owned(),
        });
    }
    Ok(verified)
}

/// Verifies files that are in memory.
pub fn check(files: &Files, cluster: Cluster) -> Result<Verified, VerifyError> {
    let (path, bytes) = &files.certificate;
    let certificate = Certificate::from_json(bytes).map_err(|error| VerifyError::Syntax { path: path.clone(), error })?;
    let report = Report::new(&certificate, &cluster).map_err(|error| VerifyError::Certificate { path: path.clone(), error })?;
    compare(files.result.as_ref(), &report.to_json())?;
    compare(files.payouts.as_ref(), &report.payouts_csv())?;
    Ok(Verified {
        cluster,
        certificate,
        report,
    })
}

fn compare(file: Option<&(PathBuf, Vec<u8>)>, due: &[u8]) -> Result<(), VerifyError> {
    match file {
        Some((path, bytes)) if bytes != due => {
            let same = bytes.iter().zip(due).take_while(|(a, b)| a == b).count();
            let line = 1 + due[..same].iter().filter(|b| **b == b'\n').count();
            Err(VerifyError::Differs { path: path.clone(), line })
        }
        _ => Ok(()),
    }
}

fn optional(path: PathBuf) -> Result<Option<(PathBuf, Vec<u8>)>, VerifyError> {
    Ok(files::read_if_exists(&path)?.map(|bytes| (path, bytes)))
}

#[cfg(test)]
mod tests;
