//! TLS 1.3 with pinned raw public keys (RFC 7250) and hybrid post-quantum key exchange.
//!
//! There is no certificate authority and no name to check: a member is its Ed25519 key.

use std::fmt;
use std::sync::Arc;

use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use tacit_protocol::identity::{PublicKey, SecretKey};

use crate::LinkError;

/// The application protocol of member-to-member connections.
const ALPN: &[u8] = b"tacit/1";

/// DER of an Ed25519 SubjectPublicKeyInfo up to the key (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// DER of an Ed25519 private key in PKCS #8 up to the seed (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Settings for connections that others open to us: each of `members` may.
pub(crate) fn server(key: &SecretKey, members: Vec<PublicKey>) -> Result<rustls::ServerConfig, LinkError> {
    let provider = provider();
    let verifier = Pinned {
        allowed: members,
        algorithms: provider.signature_verification_algorithms,
    };
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(tls_error)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified(key)?)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.max_early_data_size = 0;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// Settings for a connection to exactly one member.
pub(crate) fn client(key: &SecretKey, member: PublicKey) -> Result<rustls::ClientConfig, LinkError> {
    let provider = provider();
    let verifier = Pinned {
        allowed: vec![member],
        algorithms: provider.signature_verification_algorithms,
    };
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(tls_error)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified(key)?)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_early_data = false;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The key a peer has proven to own, from what it presented.
pub(crate) fn presented_key(presented: &[CertificateDer<'_>]) -> Option<PublicKey> {
    let [spki] = presented else { return None };
    let key: [u8; 32] = spki.as_ref().strip_prefix(&SPKI_PREFIX)?.try_into().ok()?;
    Some(PublicKey::from_bytes(key))
}

/// aws-lc with X25519MLKEM768 as the only key exchange: traffic recorded today stays secret from later quantum computers, and no
/// peer can negotiate less.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    })
}

fn certified(key: &SecretKey) -> Result<Arc<CertifiedKey>, LinkError> {
    let pkcs8 = PrivatePkcs8KeyDer::from([PKCS8_PREFIX.as_slice(), key.to_bytes().as_slice()].concat());
    let signer = aws_lc_rs::sign::any_eddsa_type(&pkcs8).map_err(tls_error)?;
    let spki = [SPKI_PREFIX.as_slice(), key.public().as_bytes()].concat();
    Ok(Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], signer)))
}

fn tls_error(error: Error) -> LinkError {
    LinkError::Tls(error.to_string())
}

/// Whether this error of our end says that the other end has shown no key, or none that is allowed. In this configuration, rustls
/// sends these two alerts only when [`Pinned`] refuses a peer.
pub(crate) fn refuses_the_key(code: quinn::TransportErrorCode) -> bool {
    [AlertDescription::AccessDenied, AlertDescription::CertificateRequired]
        .into_iter()
        .any(|alert| code == quinn::TransportErrorCode::crypto(alert.into()))
}

/// A verifier that accepts the allowed keys and nothing else.
struct Pinned {
    allowed: Vec<PublicKey>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    fn check(&self, presented: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Result<(), Error> {
        let key = presented_key(std::slice::from_ref(presented)).filter(|_| intermediates.is_empty());
        match key {
            Some(key) if self.allowed.contains(&key) => Ok(()),
            _ => Err(Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure)),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        presented: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(presented.as_ref()),
            signature,
            &self.algorithms,
        )
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pinned({} keys)", self.allowed.len())
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is never spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        presented: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, presented, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is never spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        presented: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, presented, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hybrid_key_exchange_is_offered_and_nothing_is_resumed() {
        let key = SecretKey::from_bytes(&[1; 32]);
        let peer = SecretKey::from_bytes(&[2; 32]).public();
        let (server, client) = (server(&key, vec![peer]).unwrap(), client(&key, peer).unwrap());
        for provider in [server.crypto_provider(), client.crypto_provider()] {
            let groups: Vec<_> = provider.kx_groups.iter().map(|group| group.name()).collect();
            assert_eq!(groups, [rustls::NamedGroup::X25519MLKEM768]);
        }
        assert_eq!((server.max_early_data_size, server.send_tls13_tickets), (0, 0));
        assert!(!server.session_storage.can_cache());
        assert!(!client.enable_early_data);
    }
}
