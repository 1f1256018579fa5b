//! HTTP without a client library, so that a test decides every byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The line of the status and the headers.
    pub head: String,
    /// The body.
    pub body: String,
}

/// The body of a GET.
pub fn get(address: &str, path: &str) -> String {
    request(address, "GET", path, "", &[]).body
}

/// The body of a GET with a buyer's token.
pub fn get_as(token: &str, address: &str, path: &str) -> String {
    exchange(address, Some(token), ("GET", path), "", 0, &[]).body
}

/// Sends a request with a body to a local port.
pub fn request(address: &str, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
    exchange(address, None, (method, path), media_type, body.len(), body)
}

/// Announces a body of `length` bytes, and reads the response before any of it is sent.
pub fn announce(address: &str, method: &str, path: &str, media_type: &str, length: usize) -> Answer {
    exchange(address, None, (method, path), media_type, length, &[])
}

fn exchange(address: &str, token: Option<&str>, (method, path): (&str, &str), media_type: &str, length: usize, body: &[u8]) -> Answer {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let mut stream = TcpStream::connect(address).unwrap();
    // In HTTP/1.0 the end of the connection ends the response, and it has no chunks.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{token}Connection: close\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{method} {path}: no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A connection for many requests.
#[derive(Debug)]
pub struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to a local port.
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            address: address.to_owned(),
            stream: BufReader::new(stream),
        }
    }

    /// Sends a request and reads its response, which must have a length.
    pub fn request(&mut self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
        self.request_as(None, method, path, media_type, body)
    }

    /// The same with a buyer's token.
    pub fn request_as(&mut self, token: Option<&str>, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
        let Self { address, stream } = self;
        let length = body.len();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{token}Content-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n");
        stream.get_mut().write_all(&[head.as_bytes(), body].concat()).unwrap();
        let (mut status, mut length, mut head) = (None, None, String::new());
        for line in stream.by_ref().lines() {
            let line = line.unwrap().to_ascii_lowercase();
            head += &format!("{line}\r\n");
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse().unwrap());
            } else if line.is_empty() {
                break;
            } else {
                status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
            }
        }
        let mut body = vec![0; length.unwrap_or_else(|| panic!("{method} {path}: no length"))];
        stream.read_exact(&mut body).unwrap();
        Answer {
            status: status.unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }
}

/// The value of a counter with one label in a program's metrics.
pub fn counter(admin: &str, name: &str, label: &str) -> u64 {
    let text = get(admin, "/metrics");
    let value = text.lines().find_map(|line| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
        labels.contains(&format!("=\"{label}\"")).then(|| value.parse().unwrap())
    });
    value.unwrap_or_else(|| panic!("no {name} of {label}: {text}"))
}
