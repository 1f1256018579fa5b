//! A connection on which a test writes any bytes: TLS and QUIC without the protocol.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use tacit_link::{read_frame, write_frame};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::hello::{Hello, MAX_HELLO_BYTES};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use super::LOCAL;

/// DER of an Ed25519 public key up to the key ([RFC 8410](https://www.rfc-editor.org/rfc/rfc8410), section 4).
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// DER of an Ed25519 private key up to the seed (RFC 8410, section 7).
const PRIVATE: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The application protocol of connections between members.
pub(crate) const ALPN: &[u8] = b"tacit/1";

/// A connection with a client key, to any server.
#[derive(Debug)]
pub struct RawConnection {
    connection: Connection,
    _endpoint: Endpoint,
}

impl RawConnection {
    /// Connects and exchanges hellos.
    pub async fn connect(to: SocketAddr, key: &SecretKey, cluster: &Cluster) -> Self {
        let raw = Self::connect_silently(to, key).await;
        let (mut send, mut recv) = raw.stream().await;
        let hello = Hello {
            versions: PROTOCOL_VERSIONS,
            cluster: cluster.digest(),
            clock: milliseconds(),
            probe: false,
        };
        write_frame(&mut send, &hello.to_bytes()).await.unwrap();
        let theirs = read_frame(&mut recv, MAX_HELLO_BYTES).await.unwrap().unwrap();
        let theirs = Hello::from_bytes(&theirs).unwrap();
        assert_eq!((theirs.versions, theirs.cluster), (hello.versions, hello.cluster));
        raw
    }

    /// Connects and sends nothing.
    pub async fn connect_silently(to: SocketAddr, key: &SecretKey) -> Self {
        let mut endpoint = Endpoint::client(LOCAL).unwrap();
        let crypto = QuicClientConfig::try_from(tls(key)).unwrap();
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
        let connection = endpoint.connect(to, "tacit").unwrap().await.unwrap();
        Self {
            connection,
            _endpoint: endpoint,
        }
    }

    /// A new stream each way.
    pub async fn stream(&self) -> (SendStream, RecvStream) {
        self.connection.open_bi().await.unwrap()
    }

    /// Writes bytes on a new stream and ends it. Returns all bytes that come back.
    pub async fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let (mut send, mut recv) = self.stream().await;
        send.write_all(bytes).await.unwrap();
        send.finish().unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(60), recv.read_to_end(1 << 20));
        answer.await.unwrap().unwrap()
    }

    /// Waits until the connection has ended. Returns the reason.
    pub async fn closed(&self) -> String {
        self.connection.closed().await.to_string()
    }

    /// Whether the connection is still open.
    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }
}

/// The current time in the unit of hellos.
pub fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    })
}

/// A raw public key for TLS.
pub(crate) fn certified(key: &SecretKey) -> Arc<CertifiedKey> {
    let pkcs8 = PrivatePkcs8KeyDer::from([PRIVATE.as_slice(), key.to_bytes().as_slice()].concat());
    let signer = aws_lc_rs::sign::any_eddsa_type(&pkcs8).unwrap();
    let public = CertificateDer::from([PUBLIC.as_slice(), key.public().as_bytes()].concat());
    Arc::new(CertifiedKey::new(vec![public], signer))
}

fn tls(key: &SecretKey) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config
}

/// A verifier that accepts any key: the attacker is at this end.
pub(crate) struct Anyone;

impl fmt::Debug for Anyone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Anyone")
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Anyone {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
