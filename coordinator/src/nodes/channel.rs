//! What the coordinator needs of the network. Tests implement these traits with nodes of their own.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tacit_link::{Connection, Link, LinkError, Replies};
use tacit_protocol::control::{Reply, Request};

/// A connection to a node.
pub(crate) trait Channel: Send + Sync {
    /// Sends a request; the replies arrive one by one.
    fn request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answers>, LinkError>>;

    /// The smoothed round-trip time.
    fn round_trip(&self) -> Duration;

    /// Waits until the connection has ended, and gives the reason.
    fn closed(&self) -> BoxFuture<'_, LinkError>;
}

/// The replies to a request. Dropping this value abandons the request.
pub(crate) trait Answers: Send {
    /// Waits for the next reply.
    fn next(&mut self) -> BoxFuture<'_, Result<Reply, LinkError>>;
}

/// Connects to nodes.
pub(crate) trait Dial: Send + Sync {
    /// Connects to the node of this index.
    fn dial(&self, node: usize) -> BoxFuture<'_, Result<Arc<dyn Channel>, LinkError>>;
}

impl Channel for Connection {
    fn request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answers>, LinkError>> {
        Box::pin(async move { Ok(Box::new(Self::request(self, request).await?) as Box<dyn Answers>) })
    }

    fn round_trip(&self) -> Duration {
        Self::round_trip(self)
    }

    fn closed(&self) -> BoxFuture<'_, LinkError> {
        Box::pin(Self::closed(self))
    }
}

impl Answers for Replies {
    fn next(&mut self) -> BoxFuture<'_, Result<Reply, LinkError>> {
        Box::pin(Self::next(self))
    }
}

impl Dial for Link {
    fn dial(&self, node: usize) -> BoxFuture<'_, Result<Arc<dyn Channel>, LinkError>> {
        Box::pin(async move { Ok(Arc::new(self.connect(node).await?) as Arc<dyn Channel>) })
    }
}
