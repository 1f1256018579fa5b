//! What peers get by asking, and which questions are refused.

use tacit_protocol::peer::Unanswered;

use super::*;

#[test]
fn no_t_nodes_get_what_none_of_them_holds() {
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2)] {
        let cluster = Cluster::new(nodes, threshold);
        let submission = cluster.submission();
        for node in 0..nodes {
            cluster.deliver(node, &submission, |_| {});
        }
        let access = cluster.nodes[0].cluster.access();
        let question = |components: Vec<u8>| Question {
            job: cluster.job.id().clone(),
            terms: cluster.job.digest(),
            wanted: vec![Wanted {
                submission: submission.header.value.digest(),
                header: true,
                components,
            }],
        };
        for coalition in subsets(nodes).filter(|some| some.len() == threshold) {
            let mut collected = HashSet::new();
            for asking in &coalition {
                for peer in (0..nodes).filter(|peer| peer != asking) {
                    // One by one, all that it may ask for with one more, and everything.
                    let held: Vec<u8> = access.held_by(*asking).into_iter().map(|held| held as u8).collect();
                    let all = 0..access.components() as u8;
                    let questions = all
                        .clone()
                        .map(|one| vec![one])
                        .chain(all.clone().map(|one| [held.as_slice(), &[one]].concat()));
                    for components in questions.chain([all.clone().collect()]) {
                        let forbidden = components.iter().any(|component| !held.contains(component));
                        match supply(&cluster.nodes[peer], *asking, &question(components.clone())) {
                            Answer::Parts(parts) => {
                                assert!(!forbidden);
                                let got = components.iter().zip(&parts[0].payloads).filter(|(_, payload)| !payload.is_empty());
                                collected.extend(got.map(|(component, _)| *component));
                            }
                            Answer::Refused(why) => {
                                assert!(forbidden || components.len() > access.components(), "{components:?}");
                                assert!(matches!(why, Unanswered::Forbidden | Unanswered::TooMuch));
                            }
                            Answer::Notice(_) => panic!("it was not asked for a notice"),
                        }
                    }
                }
            }
            let missing: Vec<u8> = (0..access.components() as u8)
                .filter(|component| !collected.contains(component))
                .collect();
            let of_coalition = |component: &u8| access.excluded((*component).into()) == coalition.iter().copied().collect();
            assert_eq!(missing.len(), 1, "{coalition:?}");
            assert!(of_coalition(&missing[0]));
        }
    }
}

#[test]
fn questions_about_other_jobs_and_too_long_ones_are_refused() {
    let cluster = Cluster::new(3, 1);
    let submission = cluster.submission();
    cluster.deliver(0, &submission, |_| {});
    let wanted = Wanted {
        submission: submission.header.value.digest(),
        header: true,
        components: Vec::new(),
    };
    let good = Question {
        job: cluster.job.id().clone(),
        terms: cluster.job.digest(),
        wanted: vec![wanted.clone()],
    };
    let answer = |question: &Question| supply(&cluster.nodes[0], 1, question);
    assert!(matches!(answer(&good), Answer::Parts(parts) if parts[0].header == encode(&submission.header)));
    let mut other = good.clone();
    other.terms = Digest::of("other", &[]);
    assert_eq!(answer(&other), Answer::Refused(Unanswered::UnknownJob));
    let mut other = good.clone();
    other.job = "other".parse().unwrap();
    assert_eq!(answer(&other), Answer::Refused(Unanswered::UnknownJob));
    let mut long = good.clone();
    long.wanted = vec![wanted; MAX_WANTED + 1];
    assert_eq!(answer(&long), Answer::Refused(Unanswered::TooMuch));
    // Of what is not there nothing is said.
    let mut unknown = good;
    unknown.wanted[0].submission = Digest::of("never", &[]);
    assert_eq!(answer(&unknown), Answer::Parts(vec![Parts::default()]));
}
