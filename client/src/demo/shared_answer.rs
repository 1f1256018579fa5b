//! One answer of the run: the shares of it that were really sent, and those that node-1 really holds.
//!
//! The demo plays every contributor and made every node's folder. So it opens the envelopes of one submission as the nodes do, each with the key
//! of the node that it is sealed to. A real contributor has no such key, and a real node has its own only.

use anyhow::{Context, Result, anyhow, ensure};
use tacit_mpc_core::field::{Field, Fp61, MODULUS};
use tacit_mpc_core::sharing::Component;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::Job;
use tacit_protocol::question::Answer;
use tacit_protocol::sealing::UnsealingKey;
use tacit_protocol::submission::Submission;

use crate::demo::input::Input;

/// The index of the node whose view is shown, node-1.
const SHOWN_NODE: usize = 0;

/// One answer and its shares.
pub(super) struct SharedAnswer {
    pub contributor: String,
    pub item: String,
    pub classes: Vec<String>,
    /// The index of the class that was answered.
    pub answered: usize,
    /// Every share, in the order of the components.
    pub shares: Vec<Share>,
    /// The shares that were in node-1's envelope, ascending by component.
    pub held: Vec<(Component, Vec<Fp61>)>,
    /// How many bytes node-1's envelope has; the other answers of the submission are in it too.
    pub envelope_bytes: usize,
    /// How many answers are in the submission.
    pub answers: usize,
}

/// One share of the answer: an element for each class.
pub(super) struct Share {
    /// The indices of the nodes that got it.
    pub holders: Vec<usize>,
    pub row: Vec<Fp61>,
}

impl SharedAnswer {
    /// Opens the shares of the first answer of the file. `submission` is the one with that answer which was sent; `key` gives the
    /// sealing key of a node for an epoch.
    pub(super) fn open(
        cluster: &Cluster,
        job: &Job,
        input: &Input,
        submission: &Submission,
        key: impl Fn(usize, u64) -> Result<UnsealingKey>,
    ) -> Result<Self> {
        let first = input.answers.rows.first().context("there is no answer")?;
        let statement = &submission.header.value.statement;
        let place = statement.items.iter().position(|item| *item == first.item);
        let place = place.context("the submission has no answer to the first item")?;
        let (access, width) = (cluster.access(), job.terms().question.width());
        let mut shares: Vec<Option<Share>> = (0..access.components()).map(|_| None).collect();
        let mut held = Vec::new();
        for (node, epoch) in statement.epochs.iter().enumerate() {
            let name = cluster.node_name(node);
            let delivery = submission
                .delivery(node)
                .with_context(|| format!("there is no envelope for {name}"))?;
            let opened = delivery
                .open(cluster, job, node, &key(node, *epoch)?)
                .map_err(|reason| anyhow!("the envelope of {name} does not open: {reason}"))?;
            for (position, component) in access.held_by(node).into_iter().enumerate() {
                let row = opened.expand(position)[place * width..(place + 1) * width].to_vec();
                if node == SHOWN_NODE {
                    held.push((component, row.clone()));
                }
                match &mut shares[component] {
                    Some(share) => {
                        ensure!(share.row == row, "the holders of share {component} have different ones");
                        share.holders.push(node);
                    }
                    nothing => {
                        *nothing = Some(Share { holders: vec![node], row });
                    }
                }
            }
        }
        let shares: Option<Vec<Share>> = shares.into_iter().collect();
        let shares = shares.context("a share has no holder")?;
        let Answer::Class(class) = &first.answer;
        let mut due = vec![Fp61::ZERO; width];
        job.terms().question.encode(&first.answer, &mut due)?;
        ensure!(
            sum(width, shares.iter().map(|share| share.row.as_slice())) == due,
            "the shares do not add up to the answer"
        );
        Ok(Self {
            contributor: statement.contributor.clone(),
            item: input.answers.items.get(first.item as usize).cloned().unwrap_or_default(),
            classes: job.terms().question.classes().to_vec(),
            answered: *class as usize,
            shares,
            held,
            envelope_bytes: submission.envelopes.get(SHOWN_NODE).map_or(0, Vec::len),
            answers: statement.items.len(),
        })
    }

    /// What all shares add up to: 1 for the class that was answered, 0 for the others.
    pub(super) fn sum_of_all(&self) -> Vec<Fp61> {
        sum(self.classes.len(), self.shares.iter().map(|share| share.row.as_slice()))
    }

    /// What the shares of node-1 add up to.
    pub(super) fn sum_of_held(&self) -> Vec<Fp61> {
        sum(self.classes.len(), self.held.iter().map(|(_, row)| row.as_slice()))
    }

    /// How many shares node-1 lacks.
    pub(super) fn lacking(&self) -> usize {
        self.shares.len() - self.held.len()
    }

    /// What the shares that node-1 lacks would add up to if the answer were `class`. Whatever the class, they can.
    pub(super) fn lacking_if(&self, class: usize) -> Vec<Fp61> {
        let mut row = vec![Fp61::ZERO; self.classes.len()];
        if let Some(element) = row.get_mut(class) {
            *element = Fp61::ONE;
        }
        Fp61::sub_vector(&mut row, &self.sum_of_held());
        row
    }

    /// At most `most` classes to show, by index, ascending: the class that was answered and the first others.
    pub(super) fn shown_classes(&self, most: usize) -> Vec<usize> {
        let others = (0..self.classes.len()).filter(|class| *class != self.answered);
        let mut shown: Vec<usize> = std::iter::once(self.answered).chain(others).take(most).collect();
        shown.sort_unstable();
        shown
    }
}

/// The sum of rows of `width` elements.
fn sum<'a>(width: usize, rows: impl Iterator<Item = &'a [Fp61]>) -> Vec<Fp61> {
    let mut sum = vec![Fp61::ZERO; width];
    rows.for_each(|row| Fp61::add_vector(&mut sum, row));
    sum
}

/// The modulus as people write it.
pub(super) const MODULUS_TEXT: &str = {
    assert!(MODULUS == (1 << 61) - 1);
    "2^61 - 1"
};

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::demo::input::tests::demo;
    use tacit_protocol::fixtures::{cluster_with_keys, contributor_key, share};

    /// An answer that was shared among this many nodes: `v` answers `b` of `a`, `b`, `c`, `d` to the second item of the submission.
    pub(in crate::demo) fn shared_among(nodes: usize, threshold: usize) -> Result<SharedAnswer> {
        opened_with(nodes, threshold, |keys, node| keys[node].to_bytes().to_vec())
    }

    fn opened_with(nodes: usize, threshold: usize, key: impl Fn(&[UnsealingKey], usize) -> Vec<u8>) -> Result<SharedAnswer> {
        let members = cluster_with_keys(nodes, threshold);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "item,contributor,answer\ni,v,b\nj,v,a\nj,w,c\ni,w,d\n").unwrap();
        let input = Input::read(&demo(&["--answers", file.path().to_str().unwrap()])).unwrap();
        let job = Job::sign(
            &members.cluster.digest(),
            "demo".parse().unwrap(),
            input.spec.clone(),
            &contributor_key(9),
        )
        .unwrap();
        let (name, answers) = input.by_contributor().swap_remove(0);
        let submission = share(&members.cluster, &job, name, &contributor_key(1), &answers, &mut rand::rng()).unwrap();
        SharedAnswer::open(&members.cluster, &job, &input, &submission, |node, _| {
            let suite = members.sealing[node].suite();
            Ok(UnsealingKey::from_bytes(suite, &key(&members.sealing, node)).unwrap())
        })
    }

    #[test]
    fn the_shares_of_the_answer_add_up_to_it() {
        for (nodes, threshold) in [(3, 1), (5, 2)] {
            let answer = shared_among(nodes, threshold).unwrap();
            assert_eq!((answer.contributor.as_str(), answer.item.as_str()), ("v", "i"));
            assert_eq!((answer.classes[answer.answered].as_str(), answer.answers), ("b", 2));
            let one_hot = [0, 1, 0, 0].map(Fp61::reduce);
            assert_eq!(answer.sum_of_all(), one_hot);
            assert_eq!(answer.lacking(), if nodes == 3 { 1 } else { 4 });
            assert!(answer.shares.iter().all(|share| share.holders.len() == nodes - threshold));
            for (component, row) in &answer.held {
                assert!(answer.shares[*component].holders.contains(&0));
                assert_eq!(&answer.shares[*component].row, row);
            }
            // With the shares of other nodes only, node-1's sum becomes the answer; alone it is none, except with probability 2^-240.
            let others = answer.shares.iter().filter(|share| !share.holders.contains(&0));
            assert_eq!(sum(4, others.map(|share| share.row.as_slice())), answer.lacking_if(1));
            assert!(answer.sum_of_held().iter().all(|element| element.to_u64() > 1));
            for class in 0..4 {
                let mut fits = answer.lacking_if(class);
                Fp61::add_vector(&mut fits, &answer.sum_of_held());
                assert_eq!(fits[class], Fp61::ONE);
                assert_eq!(fits.iter().filter(|element| **element == Fp61::ZERO).count(), 3);
            }
        }
    }

    #[test]
    fn an_envelope_opens_with_the_key_of_its_node_only() {
        let error = opened_with(3, 1, |keys, node| keys[(node + 1) % 3].to_bytes().to_vec())
            .err()
            .unwrap();
        assert!(format!("{error:#}").contains("the envelope of node-0"), "{error:#}");
    }

    #[test]
    fn the_class_that_was_answered_is_always_shown() {
        let mut answer = shared_among(3, 1).unwrap();
        assert_eq!(answer.shown_classes(9), [0, 1, 2, 3]);
        answer.answered = 3;
        assert_eq!(answer.shown_classes(3), [0, 1, 3]);
    }
}
