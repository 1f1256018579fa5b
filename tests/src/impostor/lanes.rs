//! The lanes of a played node: as the protocol has them, but for one message.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use tacit_link::{Connection, LaneReceiver, LaneSender, read_frame, write_frame};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::{Expected, Network, NetworkError, Outgoing, Step};
use tacit_mpc_core::probe::Honest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::lane::{LaneId, MAX_ID_BYTES, MessageHeader};
use tacit_protocol::phase::Phase;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How a played node deviates from the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviation {
    /// Every lane begins with bytes that say nothing.
    Babbles,
    /// Every lane begins with a frame that announces 4 GB.
    BeginsHuge,
    /// It opens lanes of sessions that nobody has begun, and not the one that is wanted.
    ElsewhereOnly,
    /// It opens more lanes than anyone keeps, and not the one that is wanted.
    Floods,
    /// In one round of a phase, counted from 0, it does this to what it sends.
    Sends(Phase, u32, How, Whom),
}

/// To whom a played node sends what it should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Every participant.
    All,
    /// The first of those that get something of it in that round.
    First,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// One bit of the first byte is another.
    Flipped,
    /// All bits are set: no field element, no verdict, no digest.
    Ones,
    /// Other bytes of the right length.
    Random,
    /// It lacks its last byte, and says so.
    Short,
    /// It has one byte more, and says so.
    Long,
    /// It is empty.
    Empty,
    /// It announces 4 GB.
    Huge,
    /// It is for the round after.
    NextStep,
    /// The lane ends in the middle of it.
    Cut,
    /// It is never sent, nor any after it.
    Missing,
}

/// Lanes that came, until a session asks for them.
#[derive(Debug, Default)]
pub struct Inbox {
    lanes: Mutex<HashMap<(usize, LaneId), LaneReceiver>>,
    came: Notify,
}

impl Inbox {
    /// Takes the lanes of a peer until its connection ends.
    pub async fn take_all(self: Arc<Self>, peer: usize, connection: Connection) {
        while let Ok(mut lane) = connection.accept_lane().await {
            let inbox = Arc::clone(&self);
            tokio::spawn(async move {
                let Ok(Some(hello)) = read_frame(&mut lane, MAX_ID_BYTES).await else {
                    return;
                };
                let id: LaneId = decode(&hello, "a lane's first frame").unwrap();
                inbox.lanes.lock().unwrap().insert((peer, id), lane);
                inbox.came.notify_waiters();
            });
        }
    }

    async fn claim(&self, peer: usize, id: &LaneId) -> LaneReceiver {
        loop {
            let came = self.came.notified();
            if let Some(lane) = self.lanes.lock().unwrap().remove(&(peer, id.clone())) {
                return lane;
            }
            came.await;
        }
    }
}

/// The lanes of one session.
#[derive(Debug)]
pub struct ImpostorLanes {
    runtime: Handle,
    peers: BTreeMap<usize, (LaneSender, LaneReceiver)>,
    deviation: Option<Deviation>,
    phase: Option<Phase>,
    round: u32,
    silent: bool,
    /// Lanes that serve no session.
    _others: Vec<LaneSender>,
}

impl ImpostorLanes {
    /// Opens a lane to every peer, or what the deviation opens instead, and waits for theirs.
    pub async fn open(connections: &BTreeMap<usize, Connection>, inbox: &Inbox, id: LaneId, deviation: Option<Deviation>) -> Self {
        let (mut peers, mut others) = (BTreeMap::new(), Vec::new());
        for (peer, connection) in connections {
            let mut lane = connection.open_lane().await.unwrap();
            match deviation {
                Some(Deviation::Babbles) => write_frame(&mut lane, &[0xa5; 45]).await.unwrap(),
                Some(Deviation::BeginsHuge) => lane.write_all(&[0xff; 64]).await.unwrap(),
                Some(Deviation::ElsewhereOnly) => {
                    let mut elsewhere = [(); 3].map(|()| id.clone());
                    elsewhere[0].attempt += 1000;
                    elsewhere[1].job = Digest::of("another job", &[]);
                    elsewhere[2].participants = NodeSet::all(2);
                    for other in elsewhere {
                        let mut lane = connection.open_lane().await.unwrap();
                        write_frame(&mut lane, &encode(&other)).await.unwrap();
                        others.push(lane);
                    }
                }
                Some(Deviation::Floods) => {
                    // Lanes that are dropped are replaced, far beyond what is open at a time.
                    for n in 0..2_000u32 {
                        let mut lane = connection.open_lane().await.unwrap();
                        let attempt = 1_000_000 + n % 100;
                        let other = LaneId { attempt, ..id.clone() };
                        let _ = write_frame(&mut lane, &encode(&other)).await;
                    }
                }
                _ => write_frame(&mut lane, &encode(&id)).await.unwrap(),
            }
            peers.insert(*peer, (lane, inbox.claim(*peer, &id).await));
            others.truncate(64);
        }
        Self {
            runtime: Handle::current(),
            peers,
            deviation,
            phase: None,
            round: 0,
            silent: false,
            _others: others,
        }
    }

    fn how(&self, to: usize, first: usize) -> Option<How> {
        match self.deviation {
            Some(Deviation::Sends(phase, round, how, whom)) => {
                let meant = whom == Whom::All || to == first;
                (Some(phase) == self.phase && round == self.round && meant).then_some(how)
            }
            _ => None,
        }
    }
}

impl Network for ImpostorLanes {
    type Probe = Honest;

    fn probe(&self) -> &Honest {
        &Honest
    }

    fn exchange(&mut self, step: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        let phase = Phase::from(step.phase);
        if self.phase == Some(phase) {
            self.round += 1;
        } else {
            (self.phase, self.round) = (Some(phase), 0);
        }
        let runtime = self.runtime.clone();
        let first = outgoing.iter().map(|message| message.to).min().unwrap_or_default();
        for Outgoing { to, bytes } in outgoing {
            let how = if self.silent { Some(How::Missing) } else { self.how(to, first) };
            let lane = &mut self.peers.get_mut(&to).unwrap().0;
            // Whoever has been found out is not listened to any more.
            let _ = runtime.block_on(lane.write_all(&frame(step.number, bytes, how)));
            if how == Some(How::Cut) {
                let _ = lane.finish();
            }
            self.silent |= how == Some(How::Missing);
        }
        let received = expected.iter().map(|expected| {
            let lane = &mut self.peers.get_mut(&expected.from).unwrap().1;
            runtime.block_on(receive(lane, step, *expected))
        });
        received.collect()
    }
}

/// A message as it goes on the wire.
fn frame(step: u32, mut bytes: Vec<u8>, how: Option<How>) -> Vec<u8> {
    let header = |step: u32, len: u32| MessageHeader { step, len }.to_bytes();
    let whole = |step: u32, bytes: &[u8]| [&header(step, bytes.len() as u32), bytes].concat();
    match how {
        None => {}
        Some(How::Flipped) => bytes[0] ^= 1,
        Some(How::Ones) => bytes.fill(0xff),
        Some(How::Random) => bytes = (0..bytes.len()).map(|_| rand::random()).collect(),
        Some(How::Short) => bytes.truncate(bytes.len() - 1),
        Some(How::Long) => bytes.push(0),
        Some(How::Empty) => bytes.clear(),
        Some(How::Huge) => return [header(step, u32::MAX).as_slice(), &[0; 4]].concat(),
        Some(How::NextStep) => return whole(step + 1, &bytes),
        Some(How::Cut) => {
            let whole = whole(step, &bytes);
            return whole[..MessageHeader::BYTES + bytes.len() / 2].to_vec();
        }
        Some(How::Missing) => return Vec::new(),
    }
    whole(step, &bytes)
}

async fn receive(lane: &mut LaneReceiver, step: Step, expected: Expected) -> Result<Vec<u8>, NetworkError> {
    let reading = async {
        let mut header = [0; MessageHeader::BYTES];
        lane.read_exact(&mut header).await?;
        let mut bytes = vec![0; expected.len];
        lane.read_exact(&mut bytes).await?;
        Ok((header, bytes))
    };
    let lost = |error: quinn::ReadExactError| NetworkError::Lost {
        peer: expected.from,
        reason: error.to_string(),
    };
    let (header, bytes) = reading.await.map_err(lost)?;
    let header = MessageHeader::from_bytes(header);
    step.check(expected, header.step, header.len as usize)?;
    Ok(bytes)
}
