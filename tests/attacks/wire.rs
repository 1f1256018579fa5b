//! The messages of one node are altered on the wire: at every step, by every node, to every receiver, in the first, middle and last
//! element.

use std::sync::Mutex;

use super::scenario::{CLUSTERS, Scenario, Sent, assert_stopped, sample_indices};
use tacit_mpc_core::field::{Field, Fp61, MODULUS, decode_vector};
use tacit_mpc_core::testing::{Fate, Wire};
use tacit_protocol::phase::Phase;

/// How a message is altered.
#[derive(Debug, Clone, Copy)]
pub enum Alteration {
    /// 1 is added to the element at this index.
    AddOne(usize),
    /// A bit of the byte at this index is flipped. In a digest, this is a false statement about what was sent or held.
    Flip(usize),
    /// `p` is added to the element at this index, so that its encoding is not canonical.
    NotCanonical(usize),
    /// The last byte is missing.
    Short,
    /// A byte is appended.
    Long,
    /// The message is empty.
    Empty,
    /// It is replaced by the message of the step before, including the number of that step.
    Repeated,
    /// It is replaced by the content of an earlier message of the same length, under the right step.
    Replayed,
    /// It states the next step.
    WrongStep,
}

/// All alterations of one message.
pub fn alterations(sent: &Sent) -> Vec<Alteration> {
    use Alteration::{AddOne, Empty, Flip, Long, NotCanonical, Repeated, Replayed, Short, WrongStep};
    let mut all = vec![Short, Long, Empty, Repeated, Replayed, WrongStep];
    all.extend(sample_indices(sent.bytes.len()).into_iter().map(Flip));
    if sent.bytes.len().is_multiple_of(Fp61::BYTES) {
        for place in sample_indices(sent.bytes.len() / Fp61::BYTES) {
            all.extend([AddOne(place), NotCanonical(place)]);
        }
    }
    all
}

impl Alteration {
    /// The step and content of the altered message; `None` if the message cannot be altered in this way.
    pub fn of(self, sent: &Sent, before: &[Sent]) -> Option<(u32, Vec<u8>)> {
        let (mut step, mut bytes) = (sent.step, sent.bytes.clone());
        let mut replace = |place: usize, word: &dyn Fn(u64) -> Option<u64>| {
            let at = &mut bytes[place * Fp61::BYTES..][..Fp61::BYTES];
            let old = decode_vector::<Fp61>(at, 1)?[0].to_u64();
            at.copy_from_slice(&word(old)?.to_le_bytes());
            Some(())
        };
        match self {
            Self::AddOne(place) => replace(place, &|word| Some((Fp61::reduce(word) + Fp61::ONE).to_u64()))?,
            Self::NotCanonical(place) => replace(place, &|word| word.checked_add(MODULUS))?,
            Self::Flip(place) => bytes[place] ^= 1,
            Self::Short => drop(bytes.pop()?),
            Self::Long => bytes.push(0),
            Self::Empty => bytes.clear(),
            Self::Repeated => {
                let last = before.last()?;
                (step, bytes) = (last.step, last.bytes.clone());
            }
            Self::Replayed => bytes.clone_from(
                &before
                    .iter()
                    .rev()
                    .find(|b| b.bytes.len() == bytes.len() && b.bytes != bytes)?
                    .bytes,
            ),
            Self::WrongStep => step += 1,
        }
        Some((step, bytes))
    }
}

/// Tries every alteration of every message that node `from` sends. Returns how many there were.
fn every_message_of(scenario: &Scenario, from: usize) -> usize {
    let messages = scenario.sent_by(from);
    let last = messages.iter().map(|sent| sent.step).max().unwrap();
    let corrupt = [from].into_iter().collect();
    let mut attacks = 0;
    for (index, sent) in messages.iter().enumerate() {
        let before: Vec<Sent> = messages[..index].iter().filter(|b| b.to == sent.to).cloned().collect();
        for alteration in alterations(sent) {
            let Some((step, bytes)) = alteration.of(sent, &before) else {
                continue;
            };
            attacks += 1;
            let (to, at) = (sent.to, sent.step);
            let altered = Mutex::new(Some(bytes));
            let outcome = scenario.run(&scenario.world().intercept(move |wire: Wire<'_>| {
                if (wire.from, wire.to, wire.step.number) == (from, to, at)
                    && let Some(bytes) = altered.lock().unwrap().take()
                {
                    wire.step.number = step;
                    *wire.bytes = bytes;
                }
                Fate::Deliver
            }));
            let attack = (alteration, sent.phase, at, from, to);
            if at == last {
                // Everything is verified and recorded. Only the last message, that the sender has recorded it, is altered.
                assert_eq!(sent.phase, Phase::Release);
                assert!(outcome[to].is_err(), "{attack:?}: accepted");
                assert!(scenario.published(&outcome).is_none());
            } else {
                assert_stopped(&outcome, corrupt, &attack);
            }
        }
    }
    attacks
}

#[test]
fn every_altered_message_ends_in_an_error_before_outputs_leave() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let attacks: usize = (0..nodes).map(|from| every_message_of(&scenario, from)).sum();
        assert!(attacks > 300 * nodes, "N={nodes}: {attacks} attacks");
    }
}
