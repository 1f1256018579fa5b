//! What a peer sends on a session's lane: the id of the session, then messages with their headers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::fixture::FIXTURE;
use tacit_fuzz::{Bytes, canonical, ready};
use tacit_link::read_frame;
use tacit_mpc_core::network::{Expected, Phase, Step};
use tacit_mpc_core::sharing::Party;
use tacit_protocol::lane::{LaneId, MAX_ID_BYTES, MessageHeader};

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let Ok(Some(first)) = ready(read_frame(&mut rest, MAX_ID_BYTES)) else {
        return;
    };
    let Some(id) = canonical::<LaneId>(&first) else { return };
    let _ = Party::new(FIXTURE.members.cluster.access(), id.participants, 0);
    // Rounds of 8, 16, 24 … bytes, until the peer sends another step or length.
    let mut rest = Bytes(rest);
    for number in 0.. {
        let bytes = rest.array();
        let header = MessageHeader::from_bytes(bytes);
        assert_eq!(header.to_bytes(), bytes);
        let len = 8 * (number as usize + 1);
        let step = Step {
            number,
            phase: Phase::COMPUTE,
        };
        match step.check(Expected { from: 1, len }, header.step, header.len as usize) {
            Ok(()) => assert_eq!((header.step, header.len as usize), (number, len)),
            Err(error) => {
                assert_eq!(error.peer(), Some(1));
                return;
            }
        }
        rest.slice(len);
    }
});
