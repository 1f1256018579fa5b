//! Places for handshakes that are not done yet: half handshakes keep no member out.
//!
//! Each takes memory and time before the peer has shown who it is. So there are a limited number of them, for strangers in all and for one
//! address, and apart from these for each address of the cluster file. Where no place is free, the oldest handshake gives its place to the
//! new one: an honest one is done within a few round trips, and is the oldest of many only if that many begin meanwhile.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tacit_protocol::cluster::Cluster;
use tokio::sync::oneshot;

/// Handshakes of strangers in all.
const STRANGERS: usize = 64;
/// Handshakes of strangers from one IPv4 address, or from the IPv6 addresses with the same first 64 bits.
const STRANGERS_OF_SOURCE: usize = 8;
/// Handshakes of strangers from the IPv6 addresses with the same first 48 bits: some providers give as many to one customer.
const STRANGERS_OF_NETWORK: usize = 4 * STRANGERS_OF_SOURCE;
/// Handshakes from one address of the cluster file: several members may run there.
const OF_MEMBER: usize = 32;
/// How long addresses of the cluster file are believed that name a host.
const NAMES_LAST: Duration = Duration::from_secs(60);

/// Where handshakes come from that share places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Member(IpAddr),
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Source {
    /// The first 48 bits of a stranger's IPv6 address.
    fn network(self) -> Option<[u8; 6]> {
        match self {
            Self::V6([a, b, c, d, e, f, ..]) => Some([a, b, c, d, e, f]),
            Self::Member(_) | Self::V4(_) => None,
        }
    }

    fn is_stranger(self) -> bool {
        !matches!(self, Self::Member(_))
    }
}

/// The handshakes that run.
#[derive(Clone)]
pub(crate) struct Handshakes {
    running: Arc<Mutex<VecDeque<Running>>>,
    members: Arc<Mutex<Members>>,
}

struct Running {
    number: u64,
    source: Source,
    /// Dropped to end the handshake.
    _keep: oneshot::Sender<()>,
}

/// The addresses of the members.
struct Members {
    /// Hosts and ports, as in the cluster file.
    names: Vec<String>,
    addresses: HashSet<IpAddr>,
    /// When the names were looked up last.
    looked_up: Option<Instant>,
    next: u64,
}

/// A place for one handshake, until it is dropped.
pub(crate) struct HandshakePlace {
    number: u64,
    running: Arc<Mutex<VecDeque<Running>>>,
    lost: oneshot::Receiver<()>,
}

impl Handshakes {
    /// The handshakes at a member of this cluster.
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let file = cluster.file();
        let nodes = file.nodes.iter().map(|node| node.address.clone());
        let names: Vec<String> = nodes.chain(host_of(&file.coordinator.url)).collect();
        let members = Members {
            addresses: names.iter().filter_map(|name| without_port(name)?.parse().ok()).collect(),
            names,
            looked_up: None,
            next: 0,
        };
        Self {
            running: Arc::default(),
            members: Arc::new(Mutex::new(members)),
        }
    }

    /// Looks up the names in the cluster file, if that was long ago. Does not wait for it.
    pub(crate) fn keep_names(&self) {
        let mut members = lock(&self.members);
        if members.looked_up.is_some_and(|at| at.elapsed() < NAMES_LAST) {
            return;
        }
        members.looked_up = Some(Instant::now());
        for name in members.names.clone() {
            let members = Arc::clone(&self.members);
            tokio::spawn(async move {
                // A name that does not resolve now keeps the addresses that it had.
                if let Ok(found) = tokio::net::lookup_host(&name).await {
                    lock(&members).addresses.extend(found.map(|address| address.ip().to_canonical()));
                }
            });
        }
    }

    /// Takes a place for a handshake from this address. If none is free, an older handshake loses its place.
    pub(crate) fn enter(&self, from: IpAddr) -> HandshakePlace {
        let from = from.to_canonical();
        let (source, number) = {
            let mut members = lock(&self.members);
            members.next += 1;
            let source = match from {
                address if members.addresses.contains(&address) => Source::Member(address),
                IpAddr::V4(address) => Source::V4(address.octets()),
                IpAddr::V6(address) => {
                    let [a, b, c, d, e, f, g, h, ..] = address.octets();
                    Source::V6([a, b, c, d, e, f, g, h])
                }
            };
            (source, members.next)
        };
        let of_source = if source.is_stranger() { STRANGERS_OF_SOURCE } else { OF_MEMBER };
        let mut running = lock(&self.running);
        make_room(&mut running, of_source, |one| one.source == source);
        if source.network().is_some() {
            make_room(&mut running, STRANGERS_OF_NETWORK, |one| one.source.network() == source.network());
        }
        if source.is_stranger() {
            make_room(&mut running, STRANGERS, |one| one.source.is_stranger());
        }
        let (keep, lost) = oneshot::channel();
        running.push_back(Running {
            number,
            source,
            _keep: keep,
        });
        HandshakePlace {
            number,
            running: Arc::clone(&self.running),
            lost,
        }
    }
}

/// Ends the oldest of those that share places, if all of these are taken.
fn make_room(running: &mut VecDeque<Running>, places: usize, share: impl Fn(&Running) -> bool) {
    if running.iter().filter(|one| share(one)).count() >= places
        && let Some(oldest) = running.iter().position(share)
    {
        running.remove(oldest);
    }
}

impl HandshakePlace {
    /// Resolves when a newer handshake has taken the place.
    pub(crate) async fn lost(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.lost).await;
    }
}

impl Drop for HandshakePlace {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        if let Some(own) = running.iter().position(|one| one.number == self.number) {
            running.remove(own);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // No panic leaves the lists half changed.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host and port of a URL.
fn host_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "http" { 80 } else { 443 };
    Some(if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:{port}")
    })
}

fn without_port(address: &str) -> Option<&str> {
    let (host, _) = address.rsplit_once(':')?;
    Some(host.trim_start_matches('[').trim_end_matches(']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_protocol::fixtures::cluster_with_keys_of;
    use tacit_protocol::sealing::Suite;

    /// Whether a place was lost, without waiting.
    fn is_lost(place: &mut HandshakePlace) -> bool {
        !matches!(place.lost.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    fn handshakes() -> Handshakes {
        let members = cluster_with_keys_of(3, 1, Suite::X25519, |file| {
            file.coordinator.url = "https://[2001:db8::5]/tacit".to_owned();
            for (index, node) in file.nodes.iter_mut().enumerate() {
                node.address = format!("192.0.2.{index}:4433");
            }
        });
        Handshakes::new(&members.cluster)
    }

    fn enter(handshakes: &Handshakes, from: &str) -> HandshakePlace {
        handshakes.enter(from.parse().unwrap())
    }

    #[test]
    fn the_oldest_of_one_address_loses_its_place_and_nobody_else() {
        let handshakes = handshakes();
        let mut other = enter(&handshakes, "198.51.100.1");
        let mut member = enter(&handshakes, "192.0.2.1");
        let mut held: Vec<_> = (0..STRANGERS_OF_SOURCE).map(|_| enter(&handshakes, "2001:db8:1::7")).collect();
        assert!(!held.iter_mut().any(is_lost));
        let mut last = enter(&handshakes, "2001:db8:1::8");
        let lost: Vec<bool> = held.iter_mut().map(is_lost).collect();
        assert!(lost[0] && !lost[1..].contains(&true), "{lost:?}");
        assert!(![&mut other, &mut member, &mut last].into_iter().any(is_lost));
        // A place that is given back is free.
        drop(held);
        let mut next = enter(&handshakes, "2001:db8:1::9");
        assert!(!is_lost(&mut last) && !is_lost(&mut next));
        drop((other, member, last, next));
        assert!(lock(&handshakes.running).is_empty());
    }

    #[test]
    fn who_has_many_64_bit_networks_does_not_take_all_places() {
        let handshakes = handshakes();
        let mut other = enter(&handshakes, "2001:db8:2::1");
        let mut held: Vec<_> = (0..2 * STRANGERS)
            .map(|n| enter(&handshakes, &format!("2001:db8:1:{n:x}::7")))
            .collect();
        assert!(!is_lost(&mut other));
        let kept = held.iter_mut().filter_map(|one| (!is_lost(one)).then_some(())).count();
        assert_eq!(kept, STRANGERS_OF_NETWORK);
    }

    #[test]
    fn strangers_take_no_place_of_a_member() {
        let handshakes = handshakes();
        for address in ["192.0.2.0", "::ffff:192.0.2.2", "2001:db8::5"] {
            let mut member = enter(&handshakes, address);
            let mut strangers: Vec<_> = (0..3 * STRANGERS).map(|n| enter(&handshakes, &format!("198.51.100.{n}"))).collect();
            assert!(!is_lost(&mut member), "{address}");
            let kept = strangers.iter_mut().filter_map(|one| (!is_lost(one)).then_some(())).count();
            assert_eq!(kept, STRANGERS);
        }
    }

    #[tokio::test]
    async fn names_of_the_cluster_file_are_looked_up() {
        let members = cluster_with_keys_of(3, 1, Suite::X25519, |file| {
            file.coordinator.url = "http://localhost:8080".to_owned();
        });
        let handshakes = Handshakes::new(&members.cluster);
        handshakes.keep_names();
        while !lock(&handshakes.members).addresses.contains(&IpAddr::from([127, 0, 0, 1])) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn hosts_of_urls() {
        assert_eq!(host_of("https://example.org/a").as_deref(), Some("example.org:443"));
        assert_eq!(host_of("http://[::1]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(host_of("https://[2001:db8::5]").as_deref(), Some("[2001:db8::5]:443"));
        assert_eq!(host_of("nothing"), None);
    }
}
