//! The first frame of a connection between members, and frames as such.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::ready;
use tacit_link::{read_frame, write_frame};
use tacit_protocol::hello::{Hello, MAX_HELLO_BYTES};
use tacit_protocol::versions::PROTOCOL_VERSIONS;
use tokio::io::AsyncReadExt;

fuzz_target!(|data: &[u8]| {
    // The frames are the same however the bytes are split on their way.
    let cut = data.len() / 2;
    let (mut whole, mut parts) = (data, data[..cut].chain(&data[cut..]));
    loop {
        let (one, other) = (
            ready(read_frame(&mut whole, MAX_HELLO_BYTES)),
            ready(read_frame(&mut parts, MAX_HELLO_BYTES)),
        );
        assert_eq!(one.as_ref().ok(), other.as_ref().ok());
        let Ok(Some(frame)) = one else { break };
        assert!(frame.len() <= MAX_HELLO_BYTES);
        let mut again = Vec::new();
        ready(write_frame(&mut again, &frame)).expect("memory takes everything");
        assert_eq!(
            ready(read_frame(&mut again.as_slice(), MAX_HELLO_BYTES)).expect("a frame"),
            Some(frame.clone())
        );
        if let Ok(hello) = Hello::from_bytes(&frame) {
            // Bytes after the known fields belong to a newer version.
            let known = hello.to_bytes();
            assert!(frame.starts_with(&known));
            assert!(frame.len() == known.len() || hello.versions.max > PROTOCOL_VERSIONS.max);
        }
    }
});
