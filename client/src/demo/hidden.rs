//! What was hidden from whom in a run of the demo. `docs/security/README.md` has the claims in full.

use tacit_client::verify::Verified;
use tacit_mpc_core::sharing::AccessStructure;
use tacit_protocol::question::Release;

/// What the sentences are about. The demo plays all parts, so it says so.
pub(super) const NOTE: &str = "in this run one machine played every part; the nodes of a real cluster belong to different operators";

/// One sentence each about the coordinator, each node, and what was published.
pub(super) fn sentences(verified: &Verified) -> [String; 3] {
    let published = published(|release| verified.certificate.terms.releases(release));
    [
        "The coordinator saw who answered which items, and when; the answers passed through it sealed to each node, so it could not read them."
            .to_owned(),
        nodes(verified.cluster.access()),
        format!("Published were {published}; answers were not, except for what these numbers imply."),
    ]
}

fn nodes(access: &AccessStructure) -> String {
    let (held, all) = (access.held_by(0).len(), access.components());
    let (together, readers) = match access.threshold() {
        1 => (String::new(), "two nodes that work together".to_owned()),
        2 => (
            " even beside those of another node".to_owned(),
            "three nodes that work together".to_owned(),
        ),
        threshold => (
            format!(" even beside those of {} other nodes", threshold - 1),
            format!("{} nodes that work together", threshold + 1),
        ),
    };
    format!(
        "Each of the {} nodes saw who answered which items, and held {held} of the {all} shares of every answer: random numbers that say nothing about it\
         {together}; {readers} could read the answers.",
        access.nodes()
    )
}

/// What a job with these releases publishes, in words.
fn published(releases: impl Fn(Release) -> bool) -> String {
    let about_all = [
        (Release::Agreement, "how far the answers agree"),
        (Release::ClassTotals, "the total of each class"),
        (Release::Labels, "the label of each item"),
    ];
    let mut parts: Vec<&str> = about_all
        .into_iter()
        .filter_map(|(release, what)| releases(release).then_some(what))
        .collect();
    parts.push(match (releases(Release::Scores), releases(Release::Payouts)) {
        (true, true) => "each contributor's name, number of answers, scores and pay",
        (true, false) => "each contributor's name, number of answers and scores",
        (false, true) => "each contributor's name, number of answers and pay",
        (false, false) => "each contributor's name and number of answers",
    });
    match parts.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{}, and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_held_follows_from_the_shape_of_the_cluster() {
        let of = |nodes, threshold| super::nodes(&AccessStructure::new(nodes, threshold).unwrap());
        assert_eq!(
            of(3, 1),
            "Each of the 3 nodes saw who answered which items, and held 2 of the 3 shares of every answer: random numbers that say nothing \
             about it; two nodes that work together could read the answers."
        );
        let five = of(5, 2);
        assert!(five.contains("held 6 of the 10 shares"), "{five}");
        assert!(five.contains("about it even beside those of another node; three nodes"), "{five}");
    }

    #[test]
    fn only_what_was_released_is_said_to_be_published() {
        let all = published(|_| true);
        assert!(
            all.contains("agree") && all.contains("class") && all.contains("label") && all.contains("scores and pay"),
            "{all}"
        );
        let without_scores = published(|release| release != Release::Scores);
        assert!(
            without_scores.contains("pay") && !without_scores.contains("scores"),
            "{without_scores}"
        );
        assert_eq!(published(|_| false), "each contributor's name and number of answers");
    }
}
