//! Splits one contributor's answers into submissions.

use std::collections::HashMap;

use tacit_protocol::question::{Answer, Question};
use tacit_protocol::submission::most_answers;
use tacit_protocol::submission::quota::USUAL_ANSWERS;

/// The answers of one submission: pairs of item index and answer, items ascending.
pub type Batch = Vec<(u32, Answer)>;

/// The maximum number of answers to this question in one submission: small enough to show progress and to lose little when a connection
/// breaks.
pub fn most(question: &Question) -> usize {
    most_answers(question.width()).clamp(1, USUAL_ANSWERS)
}

/// Splits a contributor's answers, pairs of item index and answer in their original order, into submissions of at most `most`
/// answers with ascending items.
///
/// A submission cannot contain an item twice, and the first answer to arrive counts. So the first answers to all items are sent first,
/// in their order, and repeated answers follow in later submissions, where the nodes reject them.
pub fn split(answers: &[(u32, Answer)], most: usize) -> Vec<Batch> {
    let mut layers: Vec<Batch> = Vec::new();
    let mut seen: HashMap<u32, usize> = HashMap::new();
    for answer in answers {
        let times = seen.entry(answer.0).or_default();
        if layers.len() == *times {
            layers.push(Vec::new());
        }
        layers[*times].push(answer.clone());
        *times += 1;
    }
    let mut batches: Vec<Batch> = layers
        .iter()
        .flat_map(|layer| layer.chunks(most.max(1)).map(<[_]>::to_vec))
        .collect();
    batches.iter_mut().for_each(|batch| batch.sort_unstable_by_key(|(item, _)| *item));
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tacit_protocol::question::Categorical;

    fn answers(pairs: &[(u32, u32)]) -> Batch {
        pairs.iter().map(|(item, class)| (*item, Answer::Class(*class))).collect()
    }

    #[test]
    fn repeats_follow_their_first_answers() {
        let given = answers(&[(2, 0), (1, 1), (2, 1), (2, 2), (0, 0)]);
        let due = |batches: &[&[(u32, u32)]]| batches.iter().map(|batch| answers(batch)).collect::<Vec<_>>();
        assert_eq!(split(&given, 500), due(&[&[(0, 0), (1, 1), (2, 0)], &[(2, 1)], &[(2, 2)]]));
        assert_eq!(split(&given, 2), due(&[&[(1, 1), (2, 0)], &[(0, 0)], &[(2, 1)], &[(2, 2)]]));
        assert!(split(&[], 5).is_empty());
    }

    #[test]
    fn a_submission_of_many_classes_is_small() {
        let asks = |classes: usize| Question::Categorical(Categorical::new((0..classes).map(|class| class.to_string())));
        assert_eq!(most(&asks(3)), 500);
        assert_eq!(most(&asks(1_000)), most_answers(1_000));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_first_answers_come_first(pairs in prop::collection::vec((0u32..20, 0u32..4), 0..120), most in 1usize..12) {
            let answers = answers(&pairs);
            let batches = split(&answers, most);
            for batch in &batches {
                prop_assert!(!batch.is_empty() && batch.len() <= most);
                prop_assert!(batch.windows(2).all(|pair| pair[0].0 < pair[1].0));
            }
            for item in 0..20 {
                let given: Vec<_> = answers.iter().filter(|a| a.0 == item).collect();
                let sent: Vec<_> = batches.iter().flatten().filter(|a| a.0 == item).collect();
                prop_assert_eq!(given, sent, "each item's answers keep their order");
            }
        }
    }
}
