//! The first frame of a connection between members, and frames as such.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_core::control::Hello;
use tacit_fuzz::frame::{read_frame, write_frame};
use tacit_fuzz::{canonical, ready};
use tokio::io::AsyncReadExt;

/// As in the handshake.
const CAP: usize = 64;

fuzz_target!(|data: &[u8]| {
    // However the bytes are cut on their way, the frames are the same.
    let cut = data.len() / 2;
    let (mut whole, mut parts) = (data, data[..cut].chain(&data[cut..]));
    loop {
        let (one, other) = (ready(read_frame(&mut whole, CAP)), ready(read_frame(&mut parts, CAP)));
        assert_eq!(one.as_ref().ok(), other.as_ref().ok());
        let Ok(Some(frame)) = one else { break };
        assert!(frame.len() <= CAP);
        let mut again = Vec::new();
        ready(write_frame(&mut again, &frame)).expect("memory takes everything");
        assert_eq!(ready(read_frame(&mut again.as_slice(), CAP)).expect("a frame"), Some(frame.clone()));
        canonical::<Hello>(&frame);
    }
});
