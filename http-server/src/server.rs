//! Accepts connections and serves HTTP/1 on them.
//!
//! A connection that does nothing costs a socket and a few kilobytes. It is closed when a request is not there in time, and there are a
//! limited number of them in all and from one origin.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::budget::NoneLeft;
use crate::certificate::Certificate;
use crate::connection::Patient;
use crate::places::{Origin, Place, Places};
use crate::proxies::AddressRange;

/// The largest head of a request, and the most of a body that waits to be handled.
const BUFFER: usize = 64 << 10;
/// What `nice` calls 10: a thread that is not in a hurry, but gets its turn.
#[cfg(target_os = "linux")]
const LOW_PRIORITY: i32 = 10;
/// How long to wait when the system gives no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// All places are taken.
    AllPlacesTaken,
    /// The origin has its share of the places.
    PlacesOfAddressTaken,
    /// The TLS handshake has failed, or was not there in time.
    Handshake,
}

impl Refusal {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::AllPlacesTaken, Self::PlacesOfAddressTaken, Self::Handshake];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllPlacesTaken => "all_places_taken",
            Self::PlacesOfAddressTaken => "places_of_address_taken",
            Self::Handshake => "handshake",
        }
    }
}

/// Is told of each connection that is refused.
pub type OnRefusal = Arc<dyn Fn(Refusal) + Send + Sync>;

/// How long clients are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For the TLS handshake.
    handshake: Duration,
    /// For the head of a request: from the begin of the connection, or from the end of the response before.
    head: Duration,
    /// For a client that takes nothing of its response.
    write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(20),
            write: Duration::from_secs(30),
        }
    }
}

/// What a server lets in.
#[derive(Clone)]
pub struct Doors {
    /// Places for connections.
    pub places: Places,
    /// The addresses from which proxies connect for everybody, beside this machine.
    pub proxies: Vec<AddressRange>,
    /// How long clients are waited for.
    pub timeouts: Timeouts,
    /// The certificate; `None` for plain HTTP.
    pub certificate: Option<Arc<Certificate>>,
    /// Counts the connections that are refused.
    pub on_refusal: OnRefusal,
}

impl Doors {
    fn place(&self, origin: Origin) -> Option<Place> {
        let place = self.places.take(origin);
        place
            .inspect_err(|reason| {
                (self.on_refusal)(match reason {
                    NoneLeft::InAll => Refusal::AllPlacesTaken,
                    NoneLeft::OfOwner => Refusal::PlacesOfAddressTaken,
                });
            })
            .ok()
    }
}

/// How soon the threads of a server get the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// As the rest of the program.
    Usual,
    /// After the rest of the program, where the system allows it (Linux).
    Low,
}

/// An HTTP server.
pub struct Server {
    /// Where it listens; non-blocking.
    pub listener: std::net::TcpListener,
    /// What it answers. Handlers find the [`Origin`] of a request in its extensions.
    pub router: Router,
    /// What it lets in.
    pub doors: Doors,
    /// Ends it when it is cancelled.
    pub shutdown: CancellationToken,
}

impl Server {
    /// The address of the port.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the shutdown, and until the requests that run then have ended. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub async fn run(self) -> std::io::Result<()> {
        let Self {
            listener,
            router,
            doors,
            shutdown,
        } = self;
        let listener = TcpListener::from_std(listener)?;
        let (doors, connections) = (Arc::new(doors), TaskTracker::new());
        while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // The peer may be gone again; everything else passes when sockets are closed.
                    if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
                        tracing::warn!(%error, "no connection can be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            };
            let origin = Origin::behind(peer.ip(), &doors.proxies);
            // The stream is dropped, and so closed, if there is no place.
            let Some(place) = doors.place(origin) else { continue };
            let (doors, router, shutdown) = (Arc::clone(&doors), router.clone(), shutdown.clone());
            connections.spawn(async move {
                handle(stream, origin, &doors, router, &shutdown).await;
                drop(place);
            });
        }
        connections.close();
        connections.wait().await;
        Ok(())
    }

    /// Serves as [`Self::run`] does, on a thread of its own: neither does the server wait for whatever else the program has to do, nor can
    /// it take more than one processor from it. The future ends when the server has.
    ///
    /// # Errors
    /// The thread or its runtime cannot be started. The future fails if the listener cannot be used.
    pub fn run_on_thread(
        self,
        name: &str,
        priority: Priority,
    ) -> std::io::Result<impl Future<Output = std::io::Result<()>> + Send + use<>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ended, end) = tokio::sync::oneshot::channel();
        let work = move || {
            if priority == Priority::Low {
                lower_priority();
            }
            let outcome = runtime.block_on(self.run());
            // A handler that waits for a stuck disk is not waited for.
            runtime.shutdown_background();
            // The program may not want to know any more.
            let _ = ended.send(outcome);
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(async move { end.await.unwrap_or_else(|_| Err(std::io::Error::other("its thread has panicked"))) })
    }
}

/// Lets other threads go first.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // On Linux, zero is the thread that calls.
    if let Err(error) = rustix::process::setpriority_process(None, LOW_PRIORITY) {
        tracing::debug!(%error, "the priority of a server's thread stays as it is");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

async fn handle(stream: TcpStream, origin: Origin, doors: &Doors, router: Router, shutdown: &CancellationToken) {
    // Responses are small; a client that waits for one waits for all of it. If it cannot be set, they are late only.
    let _ = stream.set_nodelay(true);
    let Some(certificate) = &doors.certificate else {
        return serve(stream, origin, doors, router, shutdown).await;
    };
    let handshake = TlsAcceptor::from(certificate.current()).accept(stream);
    match shutdown.run_until_cancelled(timeout(doors.timeouts.handshake, handshake)).await {
        Some(Ok(Ok(stream))) => serve(stream, origin, doors, router, shutdown).await,
        Some(_) => (doors.on_refusal)(Refusal::Handshake),
        None => {}
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, origin: Origin, doors: &Doors, router: Router, shutdown: &CancellationToken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(origin);
        router.call(request)
    });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(doors.timeouts.head)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Patient::new(stream, doors.timeouts.write)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection has ended");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{CertificateFiles, PerOrigin};
    use axum::Extension;
    use axum::routing::get;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// The refusals so far.
    type Refusals = Arc<Mutex<Vec<Refusal>>>;

    fn doors(places: usize, certificate: Option<Arc<Certificate>>) -> (Doors, Refusals) {
        let per_origin = PerOrigin {
            loopback: places,
            other: 1,
        };
        let refusals = Refusals::default();
        let doors = Doors {
            places: Places::new(places, per_origin),
            proxies: Vec::new(),
            timeouts: Timeouts::default(),
            certificate,
            on_refusal: {
                let refusals = Arc::clone(&refusals);
                Arc::new(move |refusal| refusals.lock().unwrap().push(refusal))
            },
        };
        (doors, refusals)
    }

    async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
        let became_so = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = timeout(Duration::from_secs(60), became_so).await;
        assert!(in_time.is_ok(), "it does not become true that {what}");
    }

    /// Serves the origin of each request. Returns the address.
    fn serve(doors: Doors, shutdown: &CancellationToken) -> SocketAddr {
        let listener = crate::listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let origin = async |Extension(origin): Extension<Origin>| format!("{origin:?}");
        let server = Server {
            listener,
            router: Router::new().route("/", get(origin)),
            doors,
            shutdown: shutdown.clone(),
        };
        let address = server.address().unwrap();
        tokio::spawn(server.run());
        address
    }

    /// Sends bytes and reads until something comes or the connection ends.
    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) -> (S, String) {
        stream.write_all(bytes).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        answer.truncate(read);
        (stream, String::from_utf8(answer).unwrap())
    }

    #[tokio::test]
    async fn requests_know_their_origin_and_silence_ends_connections() {
        let stop = CancellationToken::new();
        let (mut doors, _) = doors(8, None);
        doors.timeouts.head = Duration::from_millis(300);
        let places = doors.places.clone();
        let address = serve(doors, &stop);
        let (stream, answer) = exchange(TcpStream::connect(address).await.unwrap(), GET).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("Loopback"), "{answer}");
        // The connection is kept for a second request, and closed when none comes.
        let (stream, answer) = exchange(stream, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let (_stream, nothing) = exchange(stream, &[]).await;
        assert_eq!(nothing, "");
        for half in [&GET[..GET.len() - 2], &[]] {
            let (_stream, answer) = exchange(TcpStream::connect(address).await.unwrap(), half).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
        eventually("all places are free", async || places.taken() == 0).await;
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_are_closed_and_counted() {
        let stop = CancellationToken::new();
        let (doors, refusals) = doors(2, None);
        let address = serve(doors, &stop);
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(exchange(TcpStream::connect(address).await.unwrap(), GET).await.0);
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        assert_eq!(third.read(&mut [0; 16]).await.unwrap_or(0), 0);
        assert_eq!(*refusals.lock().unwrap(), [Refusal::AllPlacesTaken]);
        drop(held.pop());
        // The place is free again when the server has seen the end of the connection.
        eventually("a place is free", async || {
            let stream = TcpStream::connect(address).await.unwrap();
            exchange(stream, GET).await.1.starts_with("HTTP/1.1 200")
        })
        .await;
        stop.cancel();
        let (_, answer) = exchange(held.remove(0), &[]).await;
        assert_eq!(answer, "", "a kept connection ends at shutdown");
    }

    fn files(folder: &std::path::Path) -> CertificateFiles {
        CertificateFiles {
            certificate: folder.join("api.crt"),
            key: folder.join("api.key"),
        }
    }

    /// Puts a certificate of the tests into a folder.
    fn install(folder: &std::path::Path, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let data = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/tls"));
        let CertificateFiles { certificate, key } = files(folder);
        std::fs::copy(data.join(format!("{name}.crt")), certificate).unwrap();
        std::fs::copy(data.join(format!("{name}.key")), &key).unwrap();
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The response over TLS to a client that trusts one certificate of the tests; `None` if there is no connection.
    async fn get_trusting(address: SocketAddr, name: &str) -> Option<String> {
        let data = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/tls"));
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_file(data.join(format!("{name}.crt"))).unwrap();
        roots.add(trusted).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
        Some(exchange(stream, GET).await.1)
    }

    #[tokio::test]
    async fn a_certificate_is_replaced_and_a_bad_one_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "one");
        let certificate = Arc::new(Certificate::load(files(folder.path()), "tls").unwrap());
        let stop = CancellationToken::new();
        let (doors, refusals) = doors(8, Some(Arc::clone(&certificate)));
        let address = serve(doors, &stop);
        assert!(get_trusting(address, "one").await.unwrap().starts_with("HTTP/1.1 200"));
        assert_eq!(get_trusting(address, "other").await, None);

        // The key of another certificate, a file that is cut, and a key that everybody can read.
        let CertificateFiles { certificate: path, key } = files(folder.path());
        let whole = std::fs::read(&path).unwrap();
        install(folder.path(), "other");
        std::fs::write(&path, &whole).unwrap();
        let error = certificate.reload().unwrap_err().to_string();
        assert!(error.contains("api.key") && error.contains("cannot be used with"), "{error}");
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = certificate.reload().unwrap_err().to_string();
        assert!(error.contains("holds no certificate"), "{error}");
        install(folder.path(), "other");
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let error = certificate.reload().unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(get_trusting(address, "one").await.unwrap().starts_with("HTTP/1.1 200"));

        install(folder.path(), "other");
        certificate.reload().unwrap();
        assert!(get_trusting(address, "other").await.unwrap().starts_with("HTTP/1.1 200"));
        assert_eq!(get_trusting(address, "one").await, None);
        // Plain HTTP on this port is a failed handshake.
        let (_, answer) = exchange(TcpStream::connect(address).await.unwrap(), GET).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        let failed = |refusals: &[Refusal]| refusals.len() >= 3 && refusals.iter().all(|refusal| *refusal == Refusal::Handshake);
        eventually("three handshakes have failed", async || failed(&refusals.lock().unwrap())).await;
    }

    #[tokio::test]
    async fn a_thread_of_its_own_ends_with_the_server() {
        let stop = CancellationToken::new();
        let thread = async || std::thread::current().name().unwrap_or_default().to_owned();
        let server = Server {
            listener: crate::listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap(),
            router: Router::new().route("/", get(thread)),
            doors: doors(2, None).0,
            shutdown: stop.clone(),
        };
        let address = server.address().unwrap();
        let ended = server.run_on_thread("page", Priority::Usual).unwrap();
        let (stream, answer) = exchange(TcpStream::connect(address).await.unwrap(), GET).await;
        assert!(answer.ends_with("\r\n\r\npage"), "{answer}");
        stop.cancel();
        ended.await.unwrap();
        assert_eq!(exchange(stream, &[]).await.1, "");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_thread_of_low_priority_lets_others_go_first() {
        let nice = async || rustix::process::getpriority_process(None).unwrap().to_string();
        let stop = CancellationToken::new();
        let server = Server {
            listener: crate::listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap(),
            router: Router::new().route("/", get(nice)),
            doors: doors(2, None).0,
            shutdown: stop.clone(),
        };
        let address = server.address().unwrap();
        let ended = server.run_on_thread("page", Priority::Low).unwrap();
        let (_, answer) = exchange(TcpStream::connect(address).await.unwrap(), GET).await;
        let nice: i32 = answer.rsplit("\r\n").next().unwrap().parse().unwrap();
        assert!(nice >= LOW_PRIORITY, "{answer}");
        let own = rustix::process::getpriority_process(None).unwrap();
        assert!(own < nice || own >= LOW_PRIORITY, "the thread of the test has {own}");
        stop.cancel();
        ended.await.unwrap();
    }
}
