//! An authenticated connection to a member: requests, replies and lanes.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use quinn::{RecvStream, SendStream};
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::control::{MAX_MESSAGE_BYTES, Reply, Request};
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use crate::frame::{read_frame, write_frame};
use crate::{LinkError, Member};

/// Replies of at least this many bytes are decoded on a thread of their own: what a node releases may be long, and other
/// connections must not wait for it.
const LONG_REPLY: usize = 1 << 16;

/// A connection to a member.
#[derive(Clone)]
pub struct Connection {
    quic: quinn::Connection,
    member: Member,
    name: String,
    protocol: u32,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection(to {})", self.name)
    }
}

impl Connection {
    pub(crate) fn new(quic: quinn::Connection, member: Member, name: String) -> Self {
        Self {
            quic,
            member,
            name,
            protocol: PROTOCOL_VERSIONS.min,
        }
    }

    pub(crate) fn quic(&self) -> &quinn::Connection {
        &self.quic
    }

    pub(crate) fn lost(&self, reason: &dyn fmt::Display) -> LinkError {
        LinkError::Lost {
            member: self.name.clone(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn broken(&self, reason: &dyn fmt::Display) -> LinkError {
        LinkError::Protocol {
            member: self.name.clone(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn set_protocol(&mut self, protocol: u32) {
        self.protocol = protocol;
    }

    /// The protocol version of this connection: the newest that both ends speak.
    pub fn protocol(&self) -> u32 {
        self.protocol
    }

    /// The member at the other end.
    pub fn member(&self) -> Member {
        self.member
    }

    /// The member's name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Resolves when the connection has ended, with the reason.
    pub async fn closed(&self) -> LinkError {
        let reason = self.quic.closed().await;
        self.lost(&reason)
    }

    /// The smoothed round-trip time of the connection.
    pub fn round_trip(&self) -> Duration {
        self.quic.rtt()
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.quic.close_reason().is_some()
    }

    /// Ends the connection.
    pub fn close(&self, reason: &str) {
        self.quic.close(quinn::VarInt::from_u32(2), reason.as_bytes());
    }

    /// Sends a request on a new stream. The replies arrive on the same stream.
    pub async fn request(&self, request: &Request) -> Result<Replies, LinkError> {
        let (mut send, recv) = self.quic.open_bi().await.map_err(|e| self.lost(&e))?;
        write_frame(&mut send, &encode(request)).await.map_err(|e| self.lost(&e))?;
        let _ = send.finish();
        Ok(Replies {
            recv,
            connection: self.clone(),
        })
    }

    /// Waits for the next request of the other end. [`Responder::read`] reads it, so that a slow request delays no other.
    pub async fn accept(&self) -> Result<Responder, LinkError> {
        let (send, recv) = self.quic.accept_bi().await.map_err(|e| self.lost(&e))?;
        Ok(Responder {
            send,
            recv,
            connection: self.clone(),
        })
    }

    /// Opens a lane to the other end: an ordered one-way stream of frames.
    pub async fn open_lane(&self) -> Result<SendStream, LinkError> {
        self.quic.open_uni().await.map_err(|e| self.lost(&e))
    }

    /// Waits for the next lane that the other end opens.
    pub async fn accept_lane(&self) -> Result<RecvStream, LinkError> {
        self.quic.accept_uni().await.map_err(|e| self.lost(&e))
    }
}

/// The stream of replies to one request.
pub struct Replies {
    recv: RecvStream,
    connection: Connection,
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replies(of {})", self.connection.name)
    }
}

impl Replies {
    /// Waits for the next reply.
    ///
    /// # Errors
    /// The connection or the stream ended, or the bytes are no reply.
    pub async fn next(&mut self) -> Result<Reply, LinkError> {
        let bytes = read_frame(&mut self.recv, MAX_MESSAGE_BYTES)
            .await
            .map_err(|error| self.connection.lost(&error))?
            .ok_or_else(|| self.connection.lost(&"it ended the stream without a reply"))?;
        if bytes.len() < LONG_REPLY {
            return decode(&bytes, "a reply").map_err(|error| self.connection.broken(&error));
        }
        let reply = tokio::task::spawn_blocking(move || decode(&bytes, "a reply")).await;
        let reply = reply.map_err(|error| {
            if error.is_panic() {
                self.connection.broken(&error)
            } else {
                self.connection.lost(&error)
            }
        })?;
        reply.map_err(|error| self.connection.broken(&error))
    }
}

/// The answering side of one request.
pub struct Responder {
    send: SendStream,
    recv: RecvStream,
    connection: Connection,
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Responder(to {})", self.connection.name)
    }
}

impl Responder {
    /// Reads the request.
    ///
    /// # Errors
    /// The connection or the stream ended, or the bytes are no request.
    pub async fn read(&mut self) -> Result<Request, LinkError> {
        let bytes = read_frame(&mut self.recv, MAX_MESSAGE_BYTES)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof => self.connection.broken(&error),
                _ => self.connection.lost(&error),
            })?
            .ok_or_else(|| self.connection.broken(&"it ended the stream without a request"))?;
        decode(&bytes, "a request").map_err(|error| self.connection.broken(&error))
    }

    /// Sends one reply; a request may have several.
    pub async fn reply(&mut self, reply: &Reply) -> Result<(), LinkError> {
        write_frame(&mut self.send, &encode(reply))
            .await
            .map_err(|error| self.connection.lost(&error))
    }

    /// Resolves when the other end wants no more replies.
    pub async fn abandoned(&mut self) {
        let _ = self.send.stopped().await;
    }
}
