//! Peers that supply something else than they are asked for.

use super::*;

#[test]
fn a_peer_that_supplies_something_else_is_counted_and_changes_nothing() {
    type Lie = fn(&Question, Vec<Parts>) -> Vec<Parts>;
    fn each(parts: Vec<Parts>, alter: impl Fn(&mut Parts)) -> Vec<Parts> {
        let mut parts = parts;
        parts.iter_mut().for_each(alter);
        parts
    }
    let lies: [(&str, Lie); 7] = [
        ("a flipped bit", |_, parts| {
            each(parts, |one| {
                one.payloads.iter_mut().chain([&mut one.header]).for_each(|bytes| {
                    if let Some(last) = bytes.last_mut() {
                        *last ^= 1;
                    }
                });
            })
        }),
        ("cut short", |_, parts| {
            each(parts, |one| {
                one.payloads
                    .iter_mut()
                    .chain([&mut one.header])
                    .for_each(|bytes| bytes.truncate(bytes.len().saturating_sub(1)));
            })
        }),
        ("too long", |_, parts| {
            each(parts, |one| {
                for bytes in one.payloads.iter_mut().chain([&mut one.header]).filter(|bytes| !bytes.is_empty()) {
                    bytes.resize(1 << 20, 0);
                }
            })
        }),
        ("of each other", |_, parts| each(parts, |one| one.payloads.reverse())),
        ("garbage", |question, parts| {
            let payloads = question.wanted[0].components.iter().map(|_| vec![7; 64]).collect();
            let header = vec![7; 300];
            vec![Parts { header, payloads }; parts.len()]
        }),
        ("nothing at all", |_, _| Vec::new()),
        ("more than was asked for", |_, parts| vec![parts[0].clone(); parts.len() + 1]),
    ];
    for (name, lie) in lies {
        let cluster = Cluster::new(4, 1);
        let submission = cluster.submission();
        for node in [0, 1, 2] {
            cluster.deliver(node, &submission, |_| {});
        }
        // Node 3 asks node 0 first, and every component that it lacks is held by another one, too.
        let peers = others(&cluster, 3, |peer, question: &Question, answer| match answer {
            Answer::Parts(parts) if peer == 0 => Some(Answer::Parts(lie(question, parts))),
            answer => Some(answer),
        });
        let repaired = cluster.repair(3, &[&submission], &peers);
        assert_eq!((repaired.repaired, repaired.lacking), (1, 0), "{name}");
        assert!(cluster.opened(3, &submission) == Some(cluster.due(3, &submission)), "{name}");
        assert!(cluster.nodes[3].metrics.wrong_supplies_of("node-0") > 0, "{name}");
        for honest in ["node-1", "node-2"] {
            assert_eq!(cluster.nodes[3].metrics.wrong_supplies_of(honest), 0, "{name}: {honest}");
        }

        // Where nobody else holds it, it is still lacking, and no trace of the bytes is left.
        let cluster = Cluster::new(3, 1);
        let submission = cluster.submission();
        for node in [0, 1] {
            cluster.deliver(node, &submission, |_| {});
        }
        let peers = others(&cluster, 2, |peer, question: &Question, answer| match answer {
            Answer::Parts(parts) if peer == 0 && !question.wanted[0].header => Some(Answer::Parts(lie(question, parts))),
            answer => Some(answer),
        });
        if name == "of each other" {
            // Node 2 asks each of two peers for one component.
            continue;
        }
        assert_eq!(cluster.repair(2, &[&submission], &peers).lacking, 1, "{name}");
        assert!(cluster.opened(2, &submission).is_none(), "{name}");
        assert_eq!(
            cluster.repair(2, &[&submission], &others(&cluster, 2, honest)).repaired,
            1,
            "{name}"
        );
    }
}
