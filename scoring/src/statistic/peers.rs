//! Each contributor's agreement with its peers, and how far it is beyond chance.
//!
//! `A_c = Σ_i w_c(R_i)·<x_ci, T_i - x_ci>` with `w_c(R) = L_c/(R-1)`: the share of the other answers to its items that match,
//! scaled to an integer. Rows are known to be one-hot, so `<x_ci, x_ci> = 1` is public.
//!
//! `Q_c = n_c·A_c - B_c` with `B_c = <Σ_i x_ci, Σ_i w_c(R_i)·(T_i - x_ci)>` over the `n_c` items with at least two answers. It is
//! 0 in expectation for any way of answering that ignores the item. (Dasgupta, Ghosh, "Crowdsourced judgement elicitation with
//! endogenous proficiency", [WWW 2013](https://doi.org/10.1145/2488388.2488417).)

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Factors, Product};
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::accepted::{AcceptedSet, ContributorFacts};
use tacit_protocol::certificate::{Certificate, OpenedOutputs};
use tacit_protocol::release::OutputName;

use super::stages::{AnswerSum, Finish, Statistic};
use crate::absence::Absence;
use crate::batch::Batch;
use crate::input::Input;
use crate::rows::{AnswerProducts, RowRun, RowSums, RowTotal};

/// Both sums on shares, one element for each contributor in each output.
pub(crate) struct Peers {
    /// Which of the two outputs the job opens.
    agreement: bool,
    width: usize,
    with_tally: AnswerProducts,
    /// `Σ_i w_c(R_i)` for each contributor: what its answers have in common with themselves.
    own_weights: Vec<Fp61>,
    chance: Option<Chance>,
    /// `n_c` of each contributor.
    paired: Vec<Fp61>,
}

/// The factors of `B_c`.
struct Chance {
    /// `Σ_i x_ci`.
    given: RowSums,
    /// `Σ_i w_c(R_i)·(T_i - x_ci)`.
    others: RowSums,
    total: RowTotal,
}

/// What a match with a peer weighs, in the scale of the contributor: nothing on items with one answer.
fn weight(accepted: &AcceptedSet, contributor: u32, answers: u32) -> Fp61 {
    match answers {
        0 | 1 => Fp61::ZERO,
        r => Fp61::reduce(accepted.facts().contributors[contributor as usize].scale.weight(u64::from(r) - 1)),
    }
}

impl Peers {
    /// Where pay or released scores depend on agreement with peers.
    pub(crate) fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        let agreement = input.opens(OutputName::ContributorAgreement);
        let beyond_chance = input.opens(OutputName::ContributorBeyondChance);
        if !agreement && !beyond_chance {
            return None;
        }
        let (party, width, contributors) = (&input.party, input.width(), input.contributors());
        let facts = input.accepted.facts();
        Some(Box::new(Self {
            agreement,
            width,
            with_tally: AnswerProducts::new(party, &input.accepted, &input.tally, width, weight),
            own_weights: vec![Fp61::ZERO; contributors],
            chance: beyond_chance.then(|| Chance {
                given: RowSums::new(party, contributors, width),
                others: RowSums::new(party, contributors, width),
                total: RowTotal::new(width),
            }),
            paired: facts.contributors.iter().map(|c| Fp61::reduce(c.paired)).collect(),
        }))
    }
}

impl AnswerSum for Peers {
    fn add(&mut self, run: &RowRun<'_>, submission: &[&[Fp61]]) {
        let Some((weight, tally)) = self.with_tally.add(run, submission) else {
            return;
        };
        let contributor = run.contributor;
        self.own_weights[contributor as usize] += weight * Fp61::reduce(run.items.len() as u64);
        if let Some(Chance { given, others, total }) = &mut self.chance {
            for (position, values) in submission.iter().enumerate() {
                let own = total.of(run.of(values, self.width));
                given.add_row(contributor, position, own, Fp61::ONE);
                others.add_row(contributor, position, own, -weight);
                others.add_row(contributor, position, total.of(tally.component(position)), weight);
            }
        }
    }
}

impl<N: Network> Statistic<N> for Peers {
    fn answer_sum(&mut self) -> Option<&mut dyn AnswerSum> {
        Some(self)
    }

    fn ask(self: Box<Self>, _: &Input<'_>, batch: &mut Batch) -> Finish<N> {
        let Self {
            agreement,
            width,
            with_tally,
            own_weights,
            chance,
            paired,
        } = *self;
        let with_tally = batch.push_answers(with_tally.into_own(), weight);
        let chance = chance.map(|Chance { given, others, .. }| {
            batch.push(Product::Segments(Factors {
                x: given.into_shared(),
                y: others.into_shared(),
                ends: (1..=paired.len()).map(|c| c * width).collect(),
            }))
        });
        Box::new(move |progress, products| {
            let own = Shared::public(progress.session.party(), &own_weights);
            let a = products.take(with_tally).sub(&own);
            if let Some(chance) = chance {
                let q = a.scale(&paired).sub(&products.take(chance));
                progress.output(OutputName::ContributorBeyondChance, q);
            }
            if agreement {
                progress.output(OutputName::ContributorAgreement, a);
            }
            Ok(())
        })
    }
}

/// `A` behind an opened element.
pub(crate) fn agreement(opened: Fp61) -> i64 {
    // Sums of non-negative terms stay non-negative, and the scale keeps them below 2^60.
    opened.to_u64() as i64
}

/// `Q` behind an opened element, where answers are rows of `width` elements.
pub(crate) fn beyond_chance(opened: Fp61, contributor: &ContributorFacts, width: usize) -> i64 {
    contributor.scale.signed(opened.to_u64(), contributor.paired, width)
}

/// The opened `A` of each contributor, in the order of the public facts; none where the job has no such output.
fn read_agreement(opened: &OpenedOutputs) -> impl Iterator<Item = i64> {
    let values = opened.get(OutputName::ContributorAgreement).unwrap_or_default();
    values.iter().map(|value| agreement(*value))
}

/// The opened `Q` of each contributor, likewise.
fn read_beyond_chance(opened: &OpenedOutputs, certificate: &Certificate) -> impl Iterator<Item = i64> {
    let width = certificate.terms.question.width();
    let values = opened.get(OutputName::ContributorBeyondChance).unwrap_or_default();
    let contributors = values.iter().zip(&certificate.facts.contributors);
    contributors.map(move |(value, c)| beyond_chance(*value, c, width))
}

/// A contributor's scores as they are reported.
pub(crate) struct PeerScores {
    /// `A / (L·n)`, from 0 to 1.
    pub agreement: Result<f64, Absence>,
    /// `Q / (L·n·(n-1))`, from -1 to 1.
    pub beyond_chance: Result<f64, Absence>,
}

/// The scores of each contributor, in the order of the public facts; none where the job does not open both outputs.
pub(crate) fn scores(opened: &OpenedOutputs, certificate: &Certificate) -> impl Iterator<Item = PeerScores> {
    let sums = read_agreement(opened).zip(read_beyond_chance(opened, certificate));
    sums.zip(&certificate.facts.contributors).map(|((a, q), c)| {
        let (scale, n) = (c.scale.value as f64, c.paired as f64);
        PeerScores {
            agreement: if c.paired > 0 {
                Ok(a as f64 / (scale * n))
            } else {
                Err(Absence::NoPeers)
            },
            beyond_chance: if c.paired > 1 {
                Ok(q as f64 / (scale * n * (n - 1.0)))
            } else {
                Err(Absence::TooFewPairedAnswers)
            },
        }
    })
}
