//! Server-sent events taken apart (WHATWG HTML, "Interpreting an event stream"); only data matters here.

/// The bytes of a stream that have come, and the event under way.
#[derive(Default)]
pub struct EventStream {
    bytes: Vec<u8>,
    data: Vec<u8>,
}

impl EventStream {
    /// Takes bytes as they come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait for the end of their event.
    pub fn pending(&self) -> usize {
        self.bytes.len() + self.data.len()
    }

    /// The data of the next complete event.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        while let Some(end) = self.bytes.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
                self.data.push(b'\n');
            } else if line.is_empty() && !self.data.is_empty() {
                return Some(std::mem::take(&mut self.data));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        let stream = b": keep-alive\n\nevent: status\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nid: 4\n\ndata:2\n\ndata: unfinished";
        for size in 1..stream.len() {
            let mut parser = EventStream::default();
            let mut events = Vec::new();
            for chunk in stream.chunks(size) {
                parser.push(chunk);
                events.extend(std::iter::from_fn(|| parser.next()));
            }
            assert_eq!(events, [b"{\"a\":\n1}\n".to_vec(), b"2\n".to_vec()]);
        }
    }
}
