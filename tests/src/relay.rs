//! Relays on loopback that pass on and record all traffic, as an attacker on the network sees it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

/// The traffic that passed through relays.
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// All bytes so far, in both directions.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }
}

/// A relay. Its address stays the same, while the program behind it has a new port after every start.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The relay's own address.
    pub address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
}

impl Relay {
    /// Forwards to `target` from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = Some(target);
    }

    /// Drops every datagram from now on, in both directions.
    pub fn silence(&self) {
        *self.target.lock().unwrap() = None;
    }
}

/// Relays TCP connections from a new port. Without a target they are closed at once.
pub fn tcp(recording: &Recording) -> Relay {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay {
        address: listener.local_addr().unwrap(),
        target: Arc::default(),
    };
    let (recording, target) = (recording.clone(), relay.target.clone());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let now = *target.lock().unwrap();
            let Some(Ok(server)) = now.map(TcpStream::connect) else { continue };
            for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                let recording = recording.clone();
                std::thread::spawn(move || copy(from, to, &recording));
            }
        }
    });
    relay
}

fn copy(mut from: TcpStream, mut to: TcpStream, recording: &Recording) {
    let mut buffer = [0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        recording.add(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Relays datagrams from a new port, and the replies. Without a target they are dropped.
pub fn udp(recording: &Recording) -> Relay {
    let front = UdpSocket::bind("127.0.0.1:0").unwrap();
    let relay = Relay {
        address: front.local_addr().unwrap(),
        target: Arc::default(),
    };
    let (recording, leads_to) = (recording.clone(), relay.target.clone());
    std::thread::spawn(move || {
        let mut backs: HashMap<(SocketAddr, SocketAddr), UdpSocket> = HashMap::new();
        let mut buffer = [0; 1 << 16];
        while let Ok((n, from)) = front.recv_from(&mut buffer) {
            recording.add(&buffer[..n]);
            let Some(target) = *leads_to.lock().unwrap() else { continue };
            let back = backs.entry((from, target)).or_insert_with(|| {
                let back = UdpSocket::bind("127.0.0.1:0").unwrap();
                back.connect(target).unwrap();
                let (back_in, front, recording) = (back.try_clone().unwrap(), front.try_clone().unwrap(), recording.clone());
                let leads_to = Arc::clone(&leads_to);
                std::thread::spawn(move || {
                    let mut buffer = [0; 1 << 16];
                    loop {
                        // An error means that the target does not listen now.
                        let Ok(n) = back_in.recv(&mut buffer) else { continue };
                        recording.add(&buffer[..n]);
                        if leads_to.lock().unwrap().is_some() {
                            let _ = front.send_to(&buffer[..n], from);
                        }
                    }
                });
                back
            });
            let _ = back.send(&buffer[..n]);
        }
    });
    relay
}
