//! The exchange of hellos. An end that finds a difference closes with a reason, so that both ends can name it.

use std::fmt;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quinn::VarInt;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::hello::{Hello, HelloError, MAX_HELLO_BYTES};
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use crate::LinkError;
use crate::connection::Connection;
use crate::frame::{read_frame, write_frame};

/// How long to wait until the other end has read why it is refused, or has ended a probe.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Which side of the connection this end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Dials { probe: bool },
    Accepts,
}

/// The result of an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Greeting {
    /// The protocol version to use.
    pub version: u32,
    /// Whether the dialer only probes: it wants no connection.
    pub probe: bool,
    /// A lower bound of the difference of the clocks in milliseconds: above 0 if the other clock is ahead.
    pub ahead: i64,
}

/// Sends a hello and reads the other end's.
pub(crate) async fn exchange(connection: &Connection, cluster: &Cluster, side: Side) -> Result<Greeting, LinkError> {
    let quic = connection.quic();
    let lost = |error: &dyn fmt::Display| connection.lost(error);
    let (mut send, mut recv) = match side {
        Side::Dials { .. } => quic.open_bi().await,
        Side::Accepts => quic.accept_bi().await,
    }
    .map_err(|e| lost(&e))?;
    let sent = milliseconds();
    let ours = Hello {
        versions: PROTOCOL_VERSIONS,
        cluster: cluster.digest(),
        clock: sent,
        probe: side == Side::Dials { probe: true },
    };
    write_frame(&mut send, &ours.to_bytes()).await.map_err(|e| lost(&e))?;
    let read = match read_frame(&mut recv, MAX_HELLO_BYTES).await {
        Ok(Some(bytes)) => check(connection, &ours, &bytes),
        Ok(None) => Err(connection.broken(&"it ended the stream without a hello")),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => Err(connection.broken(&error)),
        Err(error) => return Err(lost(&error)),
    };
    let received = milliseconds();
    let _ = send.finish();
    match read {
        Ok((theirs, version)) => {
            let greeting = Greeting {
                version,
                probe: ours.probe || (side == Side::Accepts && theirs.probe),
                ahead: ahead(theirs.clock, sent, received),
            };
            if greeting.probe {
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, send.stopped()).await;
                quic.close(VarInt::from_u32(0), b"probed");
            }
            Ok(greeting)
        }
        Err(refusal) => {
            // Let the other end read our hello before we close, so that it can name the difference as well.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, send.stopped()).await;
            quic.close(VarInt::from_u32(1), b"the hello is refused");
            Err(refusal)
        }
    }
}

/// Reads the other end's hello and finds the newest version that both speak.
fn check(connection: &Connection, ours: &Hello, bytes: &[u8]) -> Result<(Hello, u32), LinkError> {
    let member = connection.name().to_owned();
    let theirs = Hello::from_bytes(bytes).map_err(|error| match error {
        HelloError::Versions(theirs) => LinkError::Version {
            member,
            theirs,
            ours: ours.versions,
        },
        HelloError::Foreign | HelloError::Malformed(_) => connection.broken(&error),
    })?;
    if theirs.cluster != ours.cluster {
        return Err(LinkError::Cluster {
            member: connection.name().to_owned(),
            theirs: theirs.cluster.to_string(),
            ours: ours.cluster.to_string(),
        });
    }
    let version = ours.versions.common(theirs.versions);
    version
        .map(|version| (theirs, version))
        .ok_or_else(|| connection.broken(&"its hello names no version"))
}

/// How far the other clock is ahead, as far as can be known: it was read between `sent` and `received` of our clock.
fn ahead(theirs: u64, sent: u64, received: u64) -> i64 {
    let difference = |from: u64| (i128::from(theirs) - i128::from(from)).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    if theirs > received {
        difference(received)
    } else {
        difference(sent).min(0)
    }
}

fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_by_what_the_way_cannot_explain() {
        assert_eq!(ahead(1_000, 900, 1_100), 0);
        assert_eq!(ahead(7_000, 900, 1_100), 5_900);
        assert_eq!(ahead(400, 900, 1_100), -500);
        assert_eq!((ahead(u64::MAX, 0, 1), ahead(0, u64::MAX, u64::MAX)), (i64::MAX, i64::MIN));
    }
}
