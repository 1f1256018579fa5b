//! Members connect to each other; strangers and impostors are refused.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use tacit_protocol::cluster::{Cluster, ClusterFile};
use tacit_protocol::control::{Refusal, Reply, Request};
use tacit_protocol::fixtures::{cluster_text, cluster_with_keys_of};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::sealing::Suite;
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use crate::{Link, LinkError, Member, read_frame, write_frame};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A cluster file of three nodes on free ports, and the keys of the nodes and of the coordinator.
fn cluster() -> (ClusterFile, Vec<SecretKey>) {
    // Held together until all are drawn, so that the ports differ.
    let sockets: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind(LOCAL).unwrap()).collect();
    let members = cluster_with_keys_of(3, 1, Suite::X25519, |file| {
        for (node, socket) in file.nodes.iter_mut().zip(&sockets) {
            node.address = socket.local_addr().unwrap().to_string();
        }
    });
    (members.cluster.file().clone(), members.identities)
}

fn parsed(file: &ClusterFile) -> Arc<Cluster> {
    Arc::new(Cluster::parse(cluster_text(file).as_bytes()).unwrap())
}

fn bind(file: &ClusterFile, node: usize, key: &SecretKey) -> Link {
    Link::bind(file.nodes[node].address.parse().unwrap(), key, parsed(file)).unwrap()
}

fn cancel() -> Request {
    Request::Cancel {
        job: "j".parse().unwrap(),
        signature: None,
    }
}

#[tokio::test]
async fn members_know_each_other_and_talk() {
    let (file, keys) = cluster();
    let node = bind(&file, 0, &keys[0]);
    let coordinator = Link::bind(LOCAL, &keys[3], parsed(&file)).unwrap();
    let serving = tokio::spawn(async move {
        let connection = node.accept().await.unwrap().establish().await.unwrap().unwrap();
        assert_eq!(
            (connection.member(), connection.protocol()),
            (Member::Coordinator, PROTOCOL_VERSIONS.max)
        );
        let mut responder = connection.accept().await.unwrap();
        let request = responder.read().await.unwrap();
        let Request::Cancel { job, .. } = request else {
            panic!("{request:?}")
        };
        responder.reply(&Reply::Refused(Refusal::UnknownJob(job))).await.unwrap();
        drop(responder);
        let mut lane = connection.accept_lane().await.unwrap();
        let frame = read_frame(&mut lane, 5).await.unwrap().unwrap();
        let too_long = read_frame(&mut lane, 5).await.is_err();
        connection.closed().await;
        (frame, too_long)
    });
    let connection = coordinator.connect(0).await.unwrap();
    assert_eq!(connection.member(), Member::Node(0));
    assert!(connection.round_trip() > std::time::Duration::ZERO);
    let mut replies = connection.request(&cancel()).await.unwrap();
    assert_eq!(
        replies.next().await.unwrap(),
        Reply::Refused(Refusal::UnknownJob("j".parse().unwrap()))
    );
    assert!(replies.next().await.is_err());
    let mut lane = connection.open_lane().await.unwrap();
    write_frame(&mut lane, b"hello").await.unwrap();
    write_frame(&mut lane, b"longer").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    coordinator.close().await;
    assert_eq!(serving.await.unwrap(), (b"hello".to_vec(), true));
}

#[tokio::test]
async fn long_replies_are_read_as_short_ones_are() {
    let (file, keys) = cluster();
    let node = bind(&file, 0, &keys[0]);
    let coordinator = Link::bind(LOCAL, &keys[3], parsed(&file)).unwrap();
    let long = Reply::Delivered(vec![Some(RejectReason::ItemFull); 1 << 17]);
    let serving = tokio::spawn({
        let long = long.clone();
        async move {
            let connection = node.accept().await.unwrap().establish().await.unwrap().unwrap();
            connection.accept().await.unwrap().reply(&long).await.unwrap();
            let (mut send, _recv) = connection.quic().accept_bi().await.unwrap();
            write_frame(&mut send, &[0xff; 1 << 17]).await.unwrap();
            connection.closed().await
        }
    });
    let connection = coordinator.connect(0).await.unwrap();
    let request = cancel();
    assert_eq!(connection.request(&request).await.unwrap().next().await.unwrap(), long);
    let garbage = connection.request(&request).await.unwrap().next().await;
    assert!(matches!(garbage, Err(LinkError::Protocol { .. })), "{garbage:?}");
    coordinator.close().await;
    serving.await.unwrap();
}

#[tokio::test]
async fn a_probe_is_answered_and_becomes_no_connection() {
    let (file, keys) = cluster();
    let node = bind(&file, 0, &keys[0]);
    let accepting = tokio::spawn(async move {
        let probe = node.accept().await.unwrap().establish().await.unwrap();
        let connection = node.accept().await.unwrap().establish().await.unwrap().unwrap();
        connection.closed().await;
        probe.is_none()
    });
    let peer = Link::bind_anywhere(&keys[2], parsed(&file)).unwrap();
    assert_eq!(peer.probe(0).await.unwrap(), 0, "two clocks that are one");
    let connection = peer.connect(0).await.unwrap();
    assert_eq!(connection.protocol(), PROTOCOL_VERSIONS.max);
    connection.close("seen");
    assert!(accepting.await.unwrap());
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let (file, keys) = cluster();
    let node = bind(&file, 0, &keys[0]);
    let stranger = Link::bind(LOCAL, &SecretKey::from_bytes(&[5; 32]), parsed(&file)).unwrap();
    let accepting = tokio::spawn(async move { node.accept().await.unwrap().establish().await });
    // The dialer may believe in the connection until the refusal arrives; it never gets a hello.
    assert!(stranger.connect(0).await.is_err());
    let refused = accepting.await.unwrap().unwrap_err();
    assert!(matches!(refused, LinkError::UnknownKey { .. }), "{refused}");
}

#[tokio::test]
async fn an_impostor_at_a_nodes_address_is_refused() {
    let (file, keys) = cluster();
    let impostor = bind(&file, 0, &keys[1]);
    let dialer = Link::bind(LOCAL, &keys[2], parsed(&file)).unwrap();
    let accepting = tokio::spawn(async move { impostor.accept().await.unwrap().establish().await.is_err() });
    let error = dialer.connect(0).await.unwrap_err();
    assert!(
        matches!(error, LinkError::UnknownKey { .. }) && error.to_string().contains("node-0"),
        "{error}"
    );
    assert!(accepting.await.unwrap());
}

#[tokio::test]
async fn another_cluster_file_is_named_at_both_ends() {
    let (file, keys) = cluster();
    let other = ClusterFile {
        name: "other".to_owned(),
        ..file.clone()
    };
    let node = bind(&file, 0, &keys[0]);
    let dialer = Link::bind(LOCAL, &keys[1], parsed(&other)).unwrap();
    let accepting = tokio::spawn(async move { node.accept().await.unwrap().establish().await });
    let dialed = dialer.connect(0).await.unwrap_err();
    let accepted = accepting.await.unwrap().unwrap_err();
    assert!(
        matches!(&dialed, LinkError::Cluster { member, .. } if member.contains("node-0")),
        "{dialed}"
    );
    assert!(
        matches!(&accepted, LinkError::Cluster { member, .. } if member.contains("node-1")),
        "{accepted}"
    );
    assert!(dialed.needs_operator());
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let (file, keys) = cluster();
    let _first = bind(&file, 0, &keys[0]);
    let error = Link::bind(file.nodes[0].address.parse().unwrap(), &keys[0], parsed(&file)).unwrap_err();
    assert!(
        matches!(error, LinkError::Bind { .. }) && error.to_string().contains(&file.nodes[0].address),
        "{error}"
    );
}

/// Passes on what comes from `node`, and of what is sent to it only the first three datagrams: the client's first message, which has two pieces
/// and is answered with a token, and its first piece again, with the token.
async fn half(relay: tokio::net::UdpSocket, node: SocketAddr) {
    let (mut bytes, mut client, mut passed) = ([0; 2048], None, 0);
    while let Ok((length, from)) = relay.recv_from(&mut bytes).await {
        let to = if from == node { client } else { Some(node) };
        if from != node {
            client = Some(from);
            passed += 1;
        }
        if let Some(to) = to.filter(|_| from == node || passed <= 3) {
            relay.send_to(&bytes[..length], to).await.unwrap();
        }
    }
}

#[tokio::test]
async fn half_handshakes_keep_no_member_out() {
    const ATTACKERS: usize = 48;
    let (file, keys) = cluster();
    let node = bind(&file, 0, &keys[0]);
    let address: SocketAddr = file.nodes[0].address.parse().unwrap();
    let (ended, mut endings) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(incoming) = node.accept().await {
            let ended = ended.clone();
            tokio::spawn(async move {
                let established = incoming.establish().await;
                let _ = ended.send(established.as_ref().map(|_| ()).map_err(Clone::clone));
                if let Ok(Some(connection)) = established {
                    connection.closed().await;
                }
            });
        }
    });
    let attack = |from: SocketAddr| {
        let mut file = file.clone();
        file.nodes[0].address = from.to_string();
        let stranger = Link::bind_anywhere(&SecretKey::from_bytes(&[5; 32]), parsed(&file)).unwrap();
        tokio::spawn(async move {
            loop {
                let _ = stranger.connect(0).await;
            }
        })
    };
    for _ in 0..ATTACKERS {
        let relay = tokio::net::UdpSocket::bind(LOCAL).await.unwrap();
        attack(relay.local_addr().unwrap());
        tokio::spawn(half(relay, address));
    }
    // The attackers are more than there are places: the first ones are ended.
    let mut ending = async || {
        tokio::time::timeout(std::time::Duration::from_secs(30), endings.recv())
            .await
            .unwrap()
            .unwrap()
    };
    let first = ending().await;
    assert!(matches!(first, Err(LinkError::Overload { .. })), "{first:?}");
    let peer = Link::bind(LOCAL, &keys[1], parsed(&file)).unwrap();
    for _ in 0..3 {
        let connection = peer.connect(0).await.unwrap();
        assert_eq!(connection.member(), Member::Node(0));
    }
    // Nobody holds a place for long: each half handshake has ended, and the reasons are the two that there are.
    let (mut late, mut overload) = (0, 1);
    while late == 0 || overload < 2 {
        match ending().await {
            Ok(()) => {}
            Err(LinkError::Overload { .. }) => overload += 1,
            Err(LinkError::Unreachable { reason, .. }) => late += usize::from(reason.contains("first message")),
            Err(other) => panic!("{other}"),
        }
    }
}
