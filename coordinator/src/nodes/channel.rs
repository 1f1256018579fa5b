//! The seam to the network: tests put nodes of their own behind it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tacit_link::{Connection, Link, LinkError, Replies};
use tacit_protocol::control::{Reply, Request};

/// A connection to a node.
pub trait Channel: Send + Sync {
    /// Sends a request.
    fn request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answers>, LinkError>>;

    /// The smoothed time that a message and its acknowledgement take.
    fn round_trip(&self) -> Duration;

    /// Resolves when the connection has ended, with the reason.
    fn closed(&self) -> BoxFuture<'_, LinkError>;
}

/// The replies to a request. Dropping them abandons it.
pub trait Answers: Send {
    /// The next reply.
    fn next(&mut self) -> BoxFuture<'_, Result<Reply, LinkError>>;
}

/// Connects to nodes.
pub trait Dial: Send + Sync {
    /// Connects to the node of this index.
    fn dial(&self, node: usize) -> BoxFuture<'_, Result<Arc<dyn Channel>, LinkError>>;
}

impl Channel for Connection {
    fn request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answers>, LinkError>> {
        Box::pin(async move { Ok(Box::new(Connection::request(self, request).await?) as Box<dyn Answers>) })
    }

    fn round_trip(&self) -> Duration {
        Connection::round_trip(self)
    }

    fn closed(&self) -> BoxFuture<'_, LinkError> {
        Box::pin(Connection::closed(self))
    }
}

impl Answers for Replies {
    fn next(&mut self) -> BoxFuture<'_, Result<Reply, LinkError>> {
        Box::pin(Replies::next(self))
    }
}

impl Dial for Link {
    fn dial(&self, node: usize) -> BoxFuture<'_, Result<Arc<dyn Channel>, LinkError>> {
        Box::pin(async move { Ok(Arc::new(self.connect(node).await?) as Arc<dyn Channel>) })
    }
}
