//! The certificate and key with which the API is served, read again when the operator asks for it.

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

/// The files of a certificate, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateFiles {
    /// The certificate, followed by those between it and the authority that clients know.
    pub certificate: PathBuf,
    /// The private key, which only the owner may read.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum CertificateError {
    /// The certificate's file cannot be read.
    #[error("cannot read {path} (field `tls.certificate`): {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// The certificate's file holds none.
    #[error("{path} (field `tls.certificate`) holds no certificate in PEM: {reason}")]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What is found instead.
        reason: String,
    },
    /// The key's file cannot be used.
    #[error("{0} (field `tls.key`)")]
    Key(#[from] KeyFileError),
    /// The key's file holds none.
    #[error("{path} (field `tls.key`) holds no private key in PEM: {reason}")]
    NoKey {
        /// The file.
        path: PathBuf,
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
    fn read(&self) -> Result<Arc<ServerConfig>, CertificateError> {
        let text = std::fs::read(&self.certificate).map_err(|error| CertificateError::Read {
            path: self.certificate.clone(),
            reason: error.to_string(),
        })?;
        let no_certificate = |error: pem::Error| CertificateError::NoCertificate {
            path: self.certificate.clone(),
            reason: error.to_string(),
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(no_certificate)?;
        if chain.is_empty() {
            return Err(no_certificate(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key_file::read(&self.key)?.as_bytes()).map_err(|error| CertificateError::NoKey {
            path: self.key.clone(),
            reason: error.to_string(),
        })?;
        // Every client that has a use for this API speaks TLS 1.3, which leaves nothing to configure wrongly.
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
pub(crate) struct Certificate {
    files: CertificateFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.files.certificate.display())
    }
}

impl Certificate {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// A file cannot be read, or they do not fit.
    pub(crate) fn load(files: CertificateFiles) -> Result<Self, CertificateError> {
        let current = RwLock::new(files.read()?);
        Ok(Self { files, current })
    }

    /// Reads the files again, for connections from now on.
    ///
    /// # Errors
    /// The new files cannot be used; then the certificate stays as it is.
    pub(crate) fn reload(&self) -> Result<(), CertificateError> {
        let new = self.files.read()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// What connections are served with now.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}
