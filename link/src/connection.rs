//! A connection to a member that is who the cluster file says: requests, replies, lanes.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use quinn::{RecvStream, SendStream};
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::control::{MAX_MESSAGE_BYTES, Reply, Request};
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use crate::frame::{read_frame, write_frame};
use crate::{LinkError, Member};

/// Bytes from which on a reply is read on a thread of its own: what a node releases may be long, and connections do not
/// wait for it.
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

    pub(crate) fn speak(&mut self, protocol: u32) {
        self.protocol = protocol;
    }

    /// The protocol version of this connection: the newest that both ends speak.
    pub fn protocol(&self) -> u32 {
        self.protocol
    }

    /// Who is at the other end.
    pub fn member(&self) -> Member {
        self.member
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Resolves when the connection has ended, with the reason.
    pub async fn closed(&self) -> LinkError {
        let reason = self.quic.closed().await;
        self.lost(&reason)
    }

    /// The smoothed time that a message and its acknowledgement take.
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

    /// Sends a request on a stream of its own.
    pub async fn request(&self, request: &Request) -> Result<Replies, LinkError> {
        let (mut send, recv) = self.quic.open_bi().await.map_err(|e| self.lost(&e))?;
        write_frame(&mut send, &encode(request)).await.map_err(|e| self.lost(&e))?;
        let _ = send.finish();
        Ok(Replies {
            recv,
            connection: self.clone(),
        })
    }

    /// Waits for the next request of the other end; reading it is left to the responder's task.
    pub async fn accept(&self) -> Result<Responder, LinkError> {
        let (send, recv) = self.quic.accept_bi().await.map_err(|e| self.lost(&e))?;
        Ok(Responder {
            send,
            recv,
            connection: self.clone(),
        })
    }

    /// Opens a lane to the other end: an ordered stream of frames.
    pub async fn open_lane(&self) -> Result<SendStream, LinkError> {
        self.quic.open_uni().await.map_err(|e| self.lost(&e))
    }

    /// Waits for the next lane the other end opens.
    pub async fn accept_lane(&self) -> Result<RecvStream, LinkError> {
        self.quic.accept_uni().await.map_err(|e| self.lost(&e))
    }
}

/// The replies to a request.
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
    /// The next reply.
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

/// The answering side of a request.
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

    /// Sends one reply.
    pub async fn reply(&mut self, reply: &Reply) -> Result<(), LinkError> {
        write_frame(&mut self.send, &encode(reply))
            .await
            .map_err(|error| self.connection.lost(&error))
    }

    /// Resolves when the other end no longer wants replies.
    pub async fn abandoned(&mut self) {
        let _ = self.send.stopped().await;
    }
}
