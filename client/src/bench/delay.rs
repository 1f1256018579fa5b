//! Relays that delay every datagram between the members of a cluster, as if the nodes were far apart.
//!
//! One relay stands in front of each node. Each direction of each connection has its own queue, so the order is kept and nothing is
//! lost; a connection costs two queues, not a thread or a timer for each datagram.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// The size of the sockets' buffers, as far as the kernel allows it.
const SOCKET_BUFFER: usize = 4 << 20;
const LARGEST_DATAGRAM: usize = 1 << 16;
/// The pause after a socket error, which means that nobody listens at the other end.
const PAUSE: Duration = Duration::from_millis(1);

/// The relays of a cluster. They stop when this is dropped.
pub(super) struct Relays {
    fronts: Vec<(Arc<UdpSocket>, SocketAddr)>,
    running: JoinSet<()>,
}

impl Relays {
    /// Binds the relays of `nodes` nodes; they pass on nothing yet.
    pub(super) async fn bind(nodes: usize) -> Result<Self> {
        let mut fronts = Vec::new();
        for _ in 0..nodes {
            let front = socket().await.context("no free UDP port for a relay")?;
            let address = front.local_addr().context("a port")?;
            fronts.push((Arc::new(front), address));
        }
        Ok(Self {
            fronts,
            running: JoinSet::new(),
        })
    }

    /// The address of the relay of each node.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.fronts.iter().map(|(_, address)| *address).collect()
    }

    /// Starts to pass datagrams on, in both directions and each `delay` later. `nodes` are the addresses at which the nodes listen.
    pub(super) fn lead_to(&mut self, listening: impl IntoIterator<Item = SocketAddr>, delay: Duration) {
        for ((front, _), target) in self.fronts.iter().zip(listening) {
            self.running.spawn(relay(Arc::clone(front), target, delay));
        }
    }
}

async fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let options = socket2::SockRef::from(&socket);
    options.set_recv_buffer_size(SOCKET_BUFFER)?;
    options.set_send_buffer_size(SOCKET_BUFFER)?;
    Ok(socket)
}

/// Opens a socket towards `target` for each address that sends to `front`.
async fn relay(front: Arc<UdpSocket>, target: SocketAddr, delay: Duration) {
    let mut tasks = JoinSet::new();
    let mut queues: HashMap<SocketAddr, UnboundedSender<(Instant, Vec<u8>)>> = HashMap::new();
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    loop {
        let Ok((length, from)) = front.recv_from(&mut buffer).await else {
            sleep(PAUSE).await;
            continue;
        };
        let queue = match queues.entry(from) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let Ok(back) = socket().await else { continue };
                let back = Arc::new(back);
                let answers = queue(&mut tasks, Arc::clone(&front), from);
                tasks.spawn(collect(Arc::clone(&back), answers, delay));
                new.insert(queue(&mut tasks, back, target))
            }
        };
        // Its task ends only with this one.
        let _ = queue.send((Instant::now() + delay, buffer[..length].to_vec()));
    }
}

/// Queues the datagrams that arrive at a socket.
async fn collect(socket: Arc<UdpSocket>, queue: UnboundedSender<(Instant, Vec<u8>)>, delay: Duration) {
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => drop(queue.send((Instant::now() + delay, buffer[..length].to_vec()))),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Sends the datagrams of a queue, each when it is due.
fn queue(tasks: &mut JoinSet<()>, socket: Arc<UdpSocket>, to: SocketAddr) -> UnboundedSender<(Instant, Vec<u8>)> {
    let (sender, mut waiting) = unbounded_channel::<(Instant, Vec<u8>)>();
    tasks.spawn(async move {
        while let Some((due, datagram)) = waiting.recv().await {
            sleep_until(due).await;
            // An error means that the receiver is gone.
            let _ = socket.send_to(&datagram, to).await;
        }
    });
    sender
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn datagrams_pass_both_ways_in_order_and_late() {
        const DELAY: Duration = Duration::from_millis(20);
        let mut relays = Relays::bind(1).await.unwrap();
        let (server, client) = (socket().await.unwrap(), socket().await.unwrap());
        relays.lead_to([server.local_addr().unwrap()], DELAY);
        let began = Instant::now();
        for number in 0..200u8 {
            client.send_to(&[number], relays.addresses()[0]).await.unwrap();
        }
        let mut buffer = [0; 8];
        for number in 0..200u8 {
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!(buffer[..length], [number]);
            server.send_to(&buffer[..length], from).await.unwrap();
        }
        for number in 0..200u8 {
            let (length, from) = client.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..length], from), ([number].as_slice(), relays.addresses()[0]));
        }
        assert!(began.elapsed() >= 2 * DELAY, "{:?}", began.elapsed());
    }
}
