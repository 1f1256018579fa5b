//! HTTP without a client: what is sent is what a test wrote.

use std::io::{Read, Write};
use std::net::TcpStream;

/// Status and body of an answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// The body of a GET.
pub fn get(address: &str, path: &str) -> String {
    request(address, "GET", path, "", &[]).body
}

/// Sends a request with a body to a local port.
pub fn request(address: &str, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
    exchange(address, method, path, media_type, body.len(), body)
}

/// Announces a body of `length` bytes, and takes the answer before any of it is sent.
pub fn announce(address: &str, method: &str, path: &str, media_type: &str, length: usize) -> Answer {
    exchange(address, method, path, media_type, length, &[])
}

fn exchange(address: &str, method: &str, path: &str, media_type: &str, length: usize, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n"
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
        body: body.to_owned(),
    }
}
