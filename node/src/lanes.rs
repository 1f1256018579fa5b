//! A session's rounds over QUIC: one ordered stream each way for every peer and lane.
//!
//! Every frame carries its step and length, both checked against what the round expects before
//! anything is allocated.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{try_join, try_join_all};
use tacit_link::{LaneReceiver, LaneSender, read_frame, write_frame};

use tacit_mpc_core::network::{Expected, Network, NetworkError, Outgoing, Step, Traffic};
use tacit_mpc_core::probe::Honest;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::lane::{LaneId, MAX_ID_BYTES, MessageHeader};
use tacit_protocol::phase::Phase;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::mesh::Mesh;
use crate::metrics::SessionMeter;

/// How long a lane waits for a session that asks for it.
const UNCLAIMED: Duration = Duration::from_secs(30);
/// The most lanes of one peer that wait for a session.
const UNCLAIMED_PER_PEER: usize = 64;

enum Slot {
    /// The lane was opened, at this time, before the session asked for it.
    Arrived(Instant, LaneReceiver),
    /// The session waits for the lane.
    Awaited(oneshot::Sender<LaneReceiver>),
}

/// Lanes that peers have opened, and sessions that wait for lanes.
#[derive(Default)]
pub(crate) struct Lanes {
    slots: Mutex<HashMap<(usize, LaneId), Slot>>,
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lanes")
    }
}

impl Lanes {
    /// Accepts a lane that a peer has opened. A task reads which session it belongs to and hands it over, or keeps it for a while if
    /// that session has not begun yet.
    pub(crate) fn arrived(self: &Arc<Self>, peer: usize, mut lane: LaneReceiver) {
        let lanes = Arc::clone(self);
        tokio::spawn(async move {
            let hello = tokio::time::timeout(UNCLAIMED, read_frame(&mut lane, MAX_ID_BYTES)).await;
            let Ok(Ok(Some(hello))) = hello else { return };
            let Ok(id) = decode::<LaneId>(&hello, "a lane's first frame") else {
                return;
            };
            lanes.hand_over((peer, id), lane);
        });
    }

    /// Gives a lane to the session that waits for it, or keeps it for later. Lanes that waited too long are dropped.
    fn hand_over(&self, key: (usize, LaneId), lane: LaneReceiver) {
        let (peer, now) = (key.0, Instant::now());
        let mut slots = self.lock();
        if let Some(Slot::Awaited(session)) = slots.remove(&key) {
            // If the session has ended meanwhile, the lane is dropped, and the peer notices.
            let _ = session.send(lane);
            return;
        }
        slots.retain(|_, slot| !matches!(slot, Slot::Arrived(at, _) if now - *at > UNCLAIMED));
        let kept = |((of, _), slot): &(&(usize, LaneId), &Slot)| *of == peer && matches!(slot, Slot::Arrived(..));
        if slots.iter().filter(kept).count() < UNCLAIMED_PER_PEER {
            slots.insert(key, Slot::Arrived(now, lane));
        }
    }

    async fn claim(&self, peer: usize, id: &LaneId, deadline: Instant) -> Option<LaneReceiver> {
        let key = (peer, id.clone());
        // Removes the slot when this returns or is cancelled. It is dropped after the receiver, so the slot is closed by then.
        let _waiting = Waiting { lanes: self, key: &key };
        let arriving = {
            let mut slots = self.lock();
            if let Some(Slot::Arrived(_, lane)) = slots.remove(&key) {
                return Some(lane);
            }
            let (sender, receiver) = oneshot::channel();
            slots.insert(key.clone(), Slot::Awaited(sender));
            receiver
        };
        tokio::time::timeout_at(deadline, arriving).await.ok()?.ok()
    }

    fn remove_if(&self, key: &(usize, LaneId), condition: impl FnOnce(&Slot) -> bool) {
        let mut slots = self.lock();
        if slots.get(key).is_some_and(condition) {
            slots.remove(key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(usize, LaneId), Slot>> {
        // No panic leaves the map half changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that waits for a lane; removes its slot when it is dropped.
struct Waiting<'a> {
    lanes: &'a Lanes,
    key: &'a (usize, LaneId),
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.lanes
            .remove_if(self.key, |slot| matches!(slot, Slot::Awaited(session) if session.is_closed()));
    }
}

/// The network of one session. Its rounds block, so it is used on a thread outside the runtime.
pub(crate) struct LaneNetwork {
    runtime: Handle,
    peers: HashMap<usize, (LaneSender, LaneReceiver)>,
    timeout: Duration,
    stop: CancellationToken,
    phase: Option<Phase>,
    progress: mpsc::UnboundedSender<Phase>,
    meter: Arc<SessionMeter>,
}

impl fmt::Debug for LaneNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneNetwork({} peers)", self.peers.len())
    }
}

/// The options of a lane network.
#[derive(Debug)]
pub(crate) struct LaneOptions {
    /// How long a round waits for a peer's message.
    pub timeout: Duration,
    /// Ends the session when it is cancelled.
    pub stop: CancellationToken,
    /// Receives each phase as it begins. A session has few, so the channel needs no bound.
    pub progress: mpsc::UnboundedSender<Phase>,
    /// Measures rounds and bytes.
    pub meter: Arc<SessionMeter>,
}

impl LaneNetwork {
    /// Opens a lane to every peer and waits for the lanes of the peers.
    ///
    /// # Errors
    /// A peer is lost or silent, or the session is cancelled.
    pub(crate) async fn open(
        mesh: &Mesh,
        lanes: &Lanes,
        peers: Vec<usize>,
        id: LaneId,
        options: LaneOptions,
    ) -> Result<Self, NetworkError> {
        let deadline = Instant::now() + options.timeout;
        let hello = encode(&id);
        let opening = peers.into_iter().map(|peer| {
            let (hello, id) = (&hello, &id);
            async move {
                let lost = |reason: String| NetworkError::Lost { peer, reason };
                let outbound = async {
                    let connection = mesh.connection(peer, deadline).await.ok_or(NetworkError::Silent { peer })?;
                    let mut lane = connection.open_lane().await.map_err(|error| lost(error.to_string()))?;
                    write_frame(&mut lane, hello).await.map_err(|error| lost(error.to_string()))?;
                    Ok(lane)
                };
                let inbound = async { lanes.claim(peer, id, deadline).await.ok_or(NetworkError::Silent { peer }) };
                try_join(outbound, inbound).await.map(|both| (peer, both))
            }
        });
        let opened = options
            .stop
            .run_until_cancelled(try_join_all(opening))
            .await
            .unwrap_or(Err(NetworkError::Cancelled))?;
        Ok(Self {
            runtime: Handle::current(),
            peers: opened.into_iter().collect(),
            timeout: options.timeout,
            stop: options.stop,
            phase: None,
            progress: options.progress,
            meter: options.meter,
        })
    }
}

impl Network for LaneNetwork {
    type Probe = Honest;

    fn probe(&self) -> &Honest {
        &Honest
    }

    fn exchange(&mut self, step: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        let phase = Phase::from(step.phase);
        self.meter.round(phase);
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            let _ = self.progress.send(phase);
        }
        let sent: usize = outgoing.iter().map(|message| message.bytes.len()).sum();
        let deadline = Instant::now() + self.timeout;
        let mut outgoing: HashMap<usize, Vec<u8>> = outgoing.into_iter().map(|message| (message.to, message.bytes)).collect();
        let mut incoming: HashMap<usize, usize> = expected.iter().map(|expected| (expected.from, expected.len)).collect();
        let mut sends = Vec::new();
        let mut receives = Vec::new();
        for (peer, (sender, receiver)) in &mut self.peers {
            if let Some(bytes) = outgoing.remove(peer) {
                sends.push(send(*peer, sender, step.number, bytes, deadline));
            }
            if let Some(len) = incoming.remove(peer) {
                receives.push(receive(receiver, step, Expected { from: *peer, len }, deadline));
            }
        }
        if let Some(stranger) = outgoing.keys().chain(incoming.keys()).next() {
            return Err(NetworkError::Lost {
                peer: *stranger,
                reason: "it does not take part in this session".to_owned(),
            });
        }
        let round = try_join(try_join_all(sends), try_join_all(receives));
        let stopped = self.stop.run_until_cancelled(round);
        let (_, received) = self.runtime.block_on(stopped).unwrap_or(Err(NetworkError::Cancelled))?;
        let mut received: HashMap<usize, Vec<u8>> = received.into_iter().collect();

        self.meter.completed(sent, received.values().map(Vec::len).sum());
        Ok(expected.iter().filter_map(|expected| received.remove(&expected.from)).collect())
    }

    fn report_traffic(&mut self, so_far: &Traffic) {
        self.meter.traffic(so_far);
    }
}

async fn send(peer: usize, sender: &mut LaneSender, step: u32, bytes: Vec<u8>, deadline: Instant) -> Result<(), NetworkError> {
    let lost = |error: &dyn fmt::Display| NetworkError::Lost {
        peer,
        reason: error.to_string(),
    };
    let len = u32::try_from(bytes.len()).map_err(|error| lost(&error))?;
    let bytes = Zeroizing::new(bytes);
    let header = MessageHeader { step, len }.to_bytes();
    let writing = async {
        sender.write_all(&header).await?;
        sender.write_all(&bytes).await
    };
    match tokio::time::timeout_at(deadline, writing).await {
        Err(_) => Err(NetworkError::Silent { peer }),
        Ok(result) => result.map_err(|error| lost(&error)),
    }
}

async fn receive(receiver: &mut LaneReceiver, step: Step, expected: Expected, deadline: Instant) -> Result<(usize, Vec<u8>), NetworkError> {
    let peer = expected.from;
    let reading = async {
        let lost = |error: &dyn fmt::Display| NetworkError::Lost {
            peer,
            reason: error.to_string(),
        };
        let mut header = [0; MessageHeader::BYTES];
        receiver.read_exact(&mut header).await.map_err(|error| lost(&error))?;
        let header = MessageHeader::from_bytes(header);
        // Nothing is allocated for a message of another length.
        step.check(expected, header.step, header.len as usize)?;
        let mut bytes = vec![0; expected.len];
        receiver.read_exact(&mut bytes).await.map_err(|error| lost(&error))?;
        Ok((peer, bytes))
    };
    tokio::time::timeout_at(deadline, reading)
        .await
        .unwrap_or(Err(NetworkError::Silent { peer }))
}
