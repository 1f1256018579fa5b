//! A parser of server-sent events ([WHATWG HTML](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)).
//! It returns the data of each event and ignores all other fields.

/// The bytes of a stream that have arrived and are not returned yet.
#[derive(Default)]
pub struct EventStream {
    bytes: Vec<u8>,
    /// Where the current line begins; the bytes before it are processed.
    line: usize,
    /// Up to where the current line was searched for its end.
    scanned: usize,
    data: Vec<u8>,
}

impl EventStream {
    /// Appends bytes that have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.line > 0 {
            self.bytes.drain(..self.line);
            self.scanned -= self.line;
            self.line = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes belong to an event that is not complete yet.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.line + self.data.len()
    }

    /// The data of the next complete event, its lines joined by newlines; `None` until more bytes arrive.
    pub fn next_event(&mut self) -> Option<Vec<u8>> {
        while let Some(length) = self.bytes[self.scanned..].iter().position(|b| *b == b'\n') {
            let end = self.scanned + length;
            let line = &self.bytes[self.line..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (self.line, self.scanned) = (end + 1, end + 1);
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
                self.data.push(b'\n');
            } else if line.is_empty() && !self.data.is_empty() {
                return Some(std::mem::take(&mut self.data));
            }
        }
        self.scanned = self.bytes.len();
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
                events.extend(std::iter::from_fn(|| parser.next_event()));
            }
            assert_eq!(events, [b"{\"a\":\n1}\n".to_vec(), b"2\n".to_vec()]);
        }
    }

    #[test]
    fn many_lines_at_once_take_no_longer_than_one_by_one() {
        // When each line cost the length of all that followed it, this took minutes.
        let mut stream = EventStream::default();
        stream.push(&vec![b'\n'; 1 << 22]);
        stream.push(b"data: 1\n\n");
        assert_eq!(stream.next_event().unwrap(), b"1\n");
        // The same for each piece of a line that never ends.
        let mut stream = EventStream::default();
        for _ in 0..1 << 20 {
            stream.push(b"x");
            assert_eq!(stream.next_event(), None);
        }
        assert_eq!(stream.pending(), 1 << 20);
    }
}
