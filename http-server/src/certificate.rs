//! The certificate and key of a server, read again when the operator asks for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use tacit_program::key_file::{self, KeyFileError};
use thiserror::Error;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

/// The files of a certificate, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The certificate, followed by those between it and the authority that clients know.
    pub certificate: PathBuf,
    /// The private key, which only the owner may read.
    pub key: PathBuf,
}

/// Why a certificate cannot be used. `table` is the table of the config file that names the files, such as `tls`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The certificate's file cannot be read.
    #[error("cannot read {path} (field `{table}.certificate`): {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The table of the config file.
        table: &'static str,
        /// The system's message.
        reason: String,
    },
    /// The certificate's file holds none.
    #[error("{path} (field `{table}.certificate`) holds no certificate in PEM: {reason}")]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// The table of the config file.
        table: &'static str,
        /// What is found instead.
        reason: String,
    },
    /// The key's file cannot be used.
    #[error("{error} (field `{table}.key`)")]
    Key {
        /// What is wrong with it.
        error: KeyFileError,
        /// The table of the config file.
        table: &'static str,
    },
    /// The key's file holds none.
    #[error("{path} (field `{table}.key`) holds no private key in PEM: {reason}")]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The table of the config file.
        table: &'static str,
        /// What is found instead.
        reason: String,
    },
    /// Certificate and key do not fit.
    #[error("the key in {key} cannot be used with the certificate in {certificate}: {reason}; give both files of one certificate")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What TLS says.
        reason: String,
    },
}

impl CertificateFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read, or they do not fit.
    fn read(&self, table: &'static str) -> Result<Arc<ServerConfig>, CertificateError> {
        let text = std::fs::read(&self.certificate).map_err(|error| CertificateError::Read {
            path: self.certificate.clone(),
            table,
            reason: error.to_string(),
        })?;
        let no_certificate = |error: pem::Error| CertificateError::NoCertificate {
            path: self.certificate.clone(),
            table,
            reason: error.to_string(),
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(no_certificate)?;
        if chain.is_empty() {
            return Err(no_certificate(pem::Error::NoItemsFound));
        }
        let text = key_file::read(&self.key).map_err(|error| CertificateError::Key { error, table })?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| CertificateError::NoKey {
            path: self.key.clone(),
            table,
            reason: error.to_string(),
        })?;
        // Every client that has a use for these servers speaks TLS 1.3, which leaves nothing to configure wrongly.
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| CertificateError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason: error.to_string(),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// A certificate in use.
pub struct Certificate {
    files: CertificateFiles,
    table: &'static str,
    current: RwLock<Arc<ServerConfig>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.files.certificate.display())
    }
}

impl Certificate {
    /// Reads a certificate and its key. Errors name the files as fields of this table of the config file.
    ///
    /// # Errors
    /// A file cannot be read, or they do not fit.
    pub fn load(files: CertificateFiles, table: &'static str) -> Result<Self, CertificateError> {
        let current = RwLock::new(files.read(table)?);
        Ok(Self { files, table, current })
    }

    /// Reads the files again, for connections from now on.
    ///
    /// # Errors
    /// The new files cannot be used; then the certificate stays as it is.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let new = self.files.read(self.table)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// What connections are served with now.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads a certificate again whenever the operator sends SIGHUP. Call it inside a tokio runtime: signals count from this call on, not only
/// once the future is polled.
///
/// # Errors
/// Signals cannot be received.
#[cfg(unix)]
pub fn reload_at_hangups(certificate: Arc<Certificate>) -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            match certificate.reload() {
                Ok(()) => tracing::info!("new connections get the certificate as it is now"),
                Err(error) => tracing::error!(%error, "the certificate cannot be read again: the one before stays in use"),
            }
        }
    })
}
