//! A coordinator's server-sent events: they are the same however the bytes are split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_client::event_stream::EventStream;
use tacit_protocol::api::JobStatus;

fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut stream = EventStream::default();
    let mut events = Vec::new();
    let mut received = 0;
    for chunk in chunks {
        stream.push(chunk);
        received += chunk.len();
        events.extend(std::iter::from_fn(|| stream.next_event()));
        assert!(stream.pending() <= received);
    }
    events
}

fuzz_target!(|data: &[u8]| {
    let Some((size, data)) = data.split_first() else { return };
    let whole = events(std::iter::once(data));
    assert_eq!(events(data.chunks(usize::from(*size).max(1))), whole);
    for event in whole {
        let _ = serde_json::from_slice::<JobStatus>(&event);
    }
});
