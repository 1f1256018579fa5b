//! What consensus labels cost: rounds and bytes of each node, and the seconds of all together.
//!
//! ```text
//! cargo bench -p tacit-scoring --features testing --bench labels [-- [labels] ITEMS ANSWERS CLASSES [NODES THRESHOLD]]
//! ```
//!
//! With the word `labels`, labels alone, not what is computed from labels that stay shared.
//! All nodes share this machine's processors, in one process; messages cost nothing, so seconds are those of
//! arithmetic. The labels are compared with the plurality in the clear.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::Traffic;
use tacit_mpc_core::session::{SessionError, Setup};
use tacit_mpc_core::sharing::AccessStructure;
use tacit_mpc_core::testing::World;
use tacit_mpc_core::testing::sessions::{deal, elements};
use tacit_scoring::statistic::labels::plurality;

/// What a part of the computation took at one node.
#[derive(Clone, Copy, Default)]
struct Cost {
    seconds: f64,
    /// Processor time, of all nodes.
    processor: f64,
    rounds: u64,
    sent: u64,
}

/// Processor time of this thread in seconds, where Linux tells it.
fn processor() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0) / 1e9
}

/// Times and counts one part after the other.
struct Meter {
    start: Instant,
    processor: f64,
    before: Traffic,
}

impl Meter {
    fn lap(&mut self, now: Traffic) -> Cost {
        let cost = Cost {
            seconds: self.start.elapsed().as_secs_f64(),
            processor: processor() - self.processor,
            rounds: now.rounds - self.before.rounds,
            sent: now.sent - self.before.sent,
        };
        (self.start, self.processor, self.before) = (Instant::now(), processor(), now);
        cost
    }
}

const PARTS: [&str; 5] = ["labels", "verification", "opening", "one-hot numbers", "their verification"];

/// The parts in order, and whether the labels are right.
fn measure(
    access: &AccessStructure,
    tallies: &[u64],
    classes: usize,
    answers: u64,
    quorum: u64,
    alone: bool,
) -> Result<[Cost; 5], SessionError> {
    let expected: Vec<Option<u32>> = tallies.chunks_exact(classes).map(|row| label(row, quorum)).collect();
    let votes = elements(tallies);
    let world = World::new(access.clone(), 1).deadline(Duration::from_secs(600));
    let results = world.run(|party, network, mut rng| -> Result<[Cost; 5], SessionError> {
        let tallies = deal(&party, &votes, 1);
        let mut session = Setup::new(party, network).into_session(Digest::of("bench", &[]), &mut rng)?;
        session.settle()?;
        let mut meter = Meter {
            start: Instant::now(),
            processor: processor(),
            before: session.traffic(),
        };
        let labels = plurality(&mut session, classes, &tallies, answers, quorum)?;
        let computed = meter.lap(session.traffic());
        let verified = session.verify_claims(labels.clone())?;
        let checked = meter.lap(session.traffic());
        let recorded = session.recorded(verified)?;
        let opened = recorded.open(&mut session)?.into_inner();
        let shown = meter.lap(session.traffic());
        assert!(opened == expected, "the labels are the plurality");
        if alone {
            return Ok([computed, checked, shown, Cost::default(), Cost::default()]);
        }
        labels.to_one_hot_numbers(&mut session)?;
        let marked = meter.lap(session.traffic());
        session.verify_claims(())?;
        Ok([computed, checked, shown, marked, meter.lap(session.traffic())])
    });
    // Of the node with the most.
    let mut most = [Cost::default(); 5];
    for parts in results {
        for (most, part) in most.iter_mut().zip(parts?) {
            most.seconds = most.seconds.max(part.seconds);
            most.processor += part.processor;
            most.rounds = most.rounds.max(part.rounds);
            most.sent = most.sent.max(part.sent);
        }
    }
    Ok(most)
}

fn label(row: &[u64], quorum: u64) -> Option<u32> {
    let most = row.iter().copied().max().filter(|most| *most >= quorum.max(1))?;
    row.iter().position(|votes| *votes == most).map(|class| class as u32)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let of = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let (items, answers, classes) = (of(0, 100_000), of(1, 5), of(2, 10));
    let (nodes, threshold) = (of(3, 3), of(4, 1));
    let access = AccessStructure::new(nodes, threshold)?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut tallies = vec![0; items * classes];
    for row in tallies.chunks_exact_mut(classes) {
        (0..answers).for_each(|_| row[rng.next_u32() as usize % classes] += 1);
    }
    let alone = std::env::args().any(|word| word == "labels");
    // Every number of votes may decide.
    let parts = measure(&access, &tallies, classes, answers as u64, 1, alone)?;
    println!("{items} items, {answers} answers, {classes} classes; N = {nodes}, t = {threshold}; the node with the most");
    println!(
        "{:<20} {:>8} {:>12} {:>14} {:>10} {:>14}",
        "", "rounds", "bytes sent", "bytes per item", "seconds", "processor, all"
    );
    let row = |name: &str, cost: Cost| {
        let per_item = cost.sent as f64 / items.max(1) as f64;
        println!(
            "{name:<20} {:>8} {:>12} {per_item:>14.2} {:>10.3} {:>14.3}",
            cost.rounds, cost.sent, cost.seconds, cost.processor
        );
    };
    PARTS.into_iter().zip(parts).for_each(|(name, cost)| row(name, cost));
    let labels = parts[..3].iter().fold(Cost::default(), |sum, part| Cost {
        seconds: sum.seconds + part.seconds,
        processor: sum.processor + part.processor,
        rounds: sum.rounds + part.rounds,
        sent: sum.sent + part.sent,
    });
    row("labels, all told", labels);
    Ok(())
}
