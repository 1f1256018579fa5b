//! The lanes of an impostor: they follow the protocol, except for one message.

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
use tacit_protocol::reject::RejectReason;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How an impostor deviates from the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviation {
    /// Every lane begins with meaningless bytes.
    MeaninglessBytes,
    /// Every lane begins with a frame that announces 4 GB.
    HugeFirstFrame,
    /// It opens lanes of sessions that nobody has begun, and not the expected one.
    LanesOfOtherSessions,
    /// It opens more lanes than anyone keeps, and not the expected one.
    TooManyLanes,
    /// In one round of a phase, counted from 0, it alters the messages that it sends.
    AltersMessages(Phase, u32, Alteration, Recipients),
    /// It gives this reason against every submission but the one of this entry of the list.
    RefusesAllBut(usize, RejectReason),
    /// It signs another root of the contributors' records than follows from the outputs.
    SignsOtherRecords,
}

/// Which participants get the altered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipients {
    /// Every participant.
    All,
    /// The first of the participants that get a message in that round.
    First,
}

/// How a message is altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alteration {
    /// One bit of the first byte is flipped.
    FlippedBit,
    /// All bits are set: no field element, no verdict, no digest.
    AllOnes,
    /// Other bytes of the right length.
    Random,
    /// It is one byte shorter, and so is the announced length.
    OneByteShorter,
    /// It is one byte longer, and so is the announced length.
    OneByteLonger,
    /// It is empty.
    Empty,
    /// It announces 4 GB.
    HugeLength,
    /// It is for the next round.
    NextStep,
    /// The lane ends in the middle of it.
    CutOff,
    /// Neither it nor any later message is sent.
    Missing,
}

/// Lanes that peers opened, until a session asks for them.
#[derive(Debug, Default)]
pub struct Inbox {
    lanes: Mutex<HashMap<(usize, LaneId), LaneReceiver>>,
    came: Notify,
}

impl Inbox {
    /// Accepts the lanes of a peer until its connection ends.
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
    /// Lanes that belong to no session.
    _others: Vec<LaneSender>,
}

impl ImpostorLanes {
    /// Opens a lane to every peer, or what the deviation opens instead, and waits for the lanes of the peers.
    pub async fn open(connections: &BTreeMap<usize, Connection>, inbox: &Inbox, id: LaneId, deviation: Option<Deviation>) -> Self {
        let (mut peers, mut others) = (BTreeMap::new(), Vec::new());
        for (peer, connection) in connections {
            let mut lane = connection.open_lane().await.unwrap();
            match deviation {
                Some(Deviation::MeaninglessBytes) => write_frame(&mut lane, &[0xa5; 45]).await.unwrap(),
                Some(Deviation::HugeFirstFrame) => lane.write_all(&[0xff; 64]).await.unwrap(),
                Some(Deviation::LanesOfOtherSessions) => {
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
                Some(Deviation::TooManyLanes) => {
                    // Open and drop far more lanes than may be open at a time.
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

    fn alteration(&self, to: usize, first: usize) -> Option<Alteration> {
        match self.deviation {
            Some(Deviation::AltersMessages(phase, round, alteration, recipients)) => {
                let meant = recipients == Recipients::All || to == first;
                (Some(phase) == self.phase && round == self.round && meant).then_some(alteration)
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
            let alteration = if self.silent {
                Some(Alteration::Missing)
            } else {
                self.alteration(to, first)
            };
            let lane = &mut self.peers.get_mut(&to).unwrap().0;
            // An error means that the peer has already refused this node.
            let _ = runtime.block_on(lane.write_all(&frame(step.number, bytes, alteration)));
            if alteration == Some(Alteration::CutOff) {
                let _ = lane.finish();
            }
            self.silent |= alteration == Some(Alteration::Missing);
        }
        let received = expected.iter().map(|expected| {
            let lane = &mut self.peers.get_mut(&expected.from).unwrap().1;
            runtime.block_on(receive(lane, step, *expected))
        });
        received.collect()
    }
}

/// The bytes of a message on the wire.
fn frame(step: u32, mut bytes: Vec<u8>, alteration: Option<Alteration>) -> Vec<u8> {
    let header = |step: u32, len: u32| MessageHeader { step, len }.to_bytes();
    let whole = |step: u32, bytes: &[u8]| [&header(step, bytes.len() as u32), bytes].concat();
    match alteration {
        None => {}
        Some(Alteration::FlippedBit) => bytes[0] ^= 1,
        Some(Alteration::AllOnes) => bytes.fill(0xff),
        Some(Alteration::Random) => bytes = (0..bytes.len()).map(|_| rand::random()).collect(),
        Some(Alteration::OneByteShorter) => bytes.truncate(bytes.len() - 1),
        Some(Alteration::OneByteLonger) => bytes.push(0),
        Some(Alteration::Empty) => bytes.clear(),
        Some(Alteration::HugeLength) => return [header(step, u32::MAX).as_slice(), &[0; 4]].concat(),
        Some(Alteration::NextStep) => return whole(step + 1, &bytes),
        Some(Alteration::CutOff) => {
            let whole = whole(step, &bytes);
            return whole[..MessageHeader::BYTES + bytes.len() / 2].to_vec();
        }
        Some(Alteration::Missing) => return Vec::new(),
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
