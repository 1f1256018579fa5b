//! A whole session at one honest node, from the accepted set to recorded outputs. Its peers send the messages of a recorded run,
//! except those that the fuzzer replaces.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::Bytes;
use tacit_fuzz::fixture::{FIXTURE, NODES};
use tacit_fuzz::transcript::{HONEST, WITH_MALFORMED, compute};
use tacit_mpc_core::network::{Expected, Network, NetworkError, Outgoing, Step};
use tacit_mpc_core::probe::Honest;
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::release::Released;
use tacit_scoring::ScoringError;

/// What replaces a message.
#[derive(Clone, Copy)]
enum Edit<'a> {
    /// The message with one byte changed: its position and the bits to flip.
    Change(u16, u8),
    /// The fuzzer's bytes, then zeros.
    Replace(&'a [u8]),
    /// The peer's message of another step.
    Repeat(u8),
    /// The node sends no message.
    Silence,
}

struct Scripted<'a> {
    recorded: &'a BTreeMap<(u32, usize), Vec<u8>>,
    edits: BTreeMap<(u32, usize), Edit<'a>>,
    altered: &'a mut BTreeSet<usize>,
}

impl Network for Scripted<'_> {
    type Probe = Honest;

    fn probe(&self) -> &Honest {
        &Honest
    }

    fn exchange(&mut self, step: Step, _: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        let mut received = Vec::new();
        for Expected { from, len } in expected {
            let address = (step.number, *from);
            let honest = self.recorded.get(&address).cloned().unwrap_or_default();
            let mut bytes = match self.edits.get(&address) {
                None => honest.clone(),
                Some(Edit::Change(at, by)) => {
                    let mut bytes = honest.clone();
                    let len = bytes.len().max(1);
                    if let Some(byte) = bytes.get_mut(usize::from(*at) % len) {
                        *byte ^= by;
                    }
                    bytes
                }
                Some(Edit::Replace(bytes)) => bytes.to_vec(),
                Some(Edit::Repeat(step)) => self.recorded.get(&(u32::from(*step), *from)).cloned().unwrap_or_default(),
                Some(Edit::Silence) => return Err(NetworkError::Silent { peer: *from }),
            };
            bytes.resize(*len, 0);
            if bytes != honest {
                self.altered.insert(*from);
            }
            received.push(bytes);
        }
        Ok(received)
    }
}

fuzz_target!(|data: &[u8]| {
    let mut data = Bytes(data);
    let transcript = if data.byte() % 2 == 0 { &*HONEST } else { &*WITH_MALFORMED };
    let addresses: Vec<(u32, usize)> = transcript.received.keys().copied().collect();
    let mut edits = BTreeMap::new();
    while !data.0.is_empty() {
        let address = addresses[usize::from(data.byte()) % addresses.len()];
        let edit = match data.byte() % 4 {
            0 => Edit::Change(u16::from_le_bytes(data.array()), data.byte()),
            1 => {
                let len = data.byte();
                Edit::Replace(data.slice(len.into()))
            }
            2 => Edit::Repeat(data.byte()),
            _ => Edit::Silence,
        };
        edits.insert(address, edit);
    }
    let mut altered = BTreeSet::new();
    let network = Scripted {
        recorded: &transcript.received,
        edits,
        altered: &mut altered,
    };
    let result = compute(&FIXTURE, 0, &transcript.list, NodeSet::all(NODES), network);
    let honest = &transcript.computed[0];
    match result {
        // One peer can stop a computation but not change its result.
        Ok(scored) if altered.len() <= 1 => {
            assert_eq!(scored.verdicts, honest.verdicts);
            assert_eq!(&scored.subject, honest.released.subject());
            assert_eq!(Released::outputs_of(&scored.outputs), honest.released.outputs());
        }
        Ok(_) => {}
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let silent = matches!(
                error,
                ScoringError::Session(SessionError::Network {
                    source: NetworkError::Silent { .. },
                    ..
                })
            );
            assert!(!altered.is_empty() || silent, "an honest run failed: {error}");
        }
    }
});
