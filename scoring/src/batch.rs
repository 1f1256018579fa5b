//! One round for the products of all statistics. A statistic asks for products and gets a ticket for each, by which it takes
//! the results after the round.
//!
//! Products in which the tally is a factor leave one claim for all of them, as long as the tally: `Σ_j γ_j z_j = <x, T>` for any
//! public γ, with x linear in what was multiplied by the tally. A claim for each would cost as much as the products.

use std::ops::Range;
use std::sync::Arc;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Product, Session, SessionError};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use zeroize::Zeroizing;

use crate::input::Input;
use crate::rows::answer_products::{add_combined, term_count, unshared};
use crate::rows::{Answers, RowSums, Weight};

/// The public weight of an item in each of some sums, by how many answers it has.
pub(crate) type ItemWeights = fn(&AcceptedSet, u32) -> Vec<Fp61>;

/// Products that are asked for.
pub(crate) struct Batch {
    party: Party,
    accepted: Arc<AcceptedSet>,
    answers: Arc<Answers>,
    tally: Arc<Shared<Fp61>>,
    with_tally: Vec<WithTally>,
    /// This node's parts of the products with the tally.
    own: Vec<Zeroizing<Vec<Fp61>>>,
    terms: u64,
    others: Vec<Product<Fp61>>,
}

/// What stands behind the results of one product.
#[derive(Debug)]
pub(crate) struct Ticket(Place);

#[derive(Debug)]
enum Place {
    /// Among the products with the tally: the index of the first value, and how many there are.
    WithTally(usize, usize),
    /// The index among the others.
    Other(usize),
}

/// What is multiplied by the tally.
enum WithTally {
    /// Its own rows: `z_j = Σ_i w_j(R_i)·<T_i, T_i>`, with a public weight for each value by how many answers an item has.
    Items(Range<usize>, ItemWeights),
    /// Each contributor's answers, as [`AnswerProducts`](crate::rows::AnswerProducts) has them.
    Answers(Range<usize>, Weight),
}

/// The results of a batch.
pub(crate) struct Products {
    with_tally: Shared<Fp61>,
    others: Vec<Shared<Fp61>>,
}

impl Batch {
    /// A batch without products.
    pub(crate) fn new(input: &Input<'_>) -> Self {
        Self {
            party: input.party.clone(),
            accepted: Arc::clone(&input.accepted),
            answers: Arc::clone(&input.answers),
            tally: Arc::clone(&input.tally),
            with_tally: Vec::new(),
            own: Vec::new(),
            terms: 0,
            others: Vec::new(),
        }
    }

    /// Asks for any product.
    pub(crate) fn push(&mut self, product: Product<Fp61>) -> Ticket {
        self.others.push(product);
        Ticket(Place::Other(self.others.len() - 1))
    }

    /// Asks for `Σ_i w_j(R_i)·<T_i, T_i>`, one value for each weight j. `own` has this node's parts.
    pub(crate) fn push_squares(&mut self, own: Zeroizing<Vec<Fp61>>, weights: ItemWeights) -> Ticket {
        self.terms += self.tally.len() as u64;
        let range = self.append(own);
        self.with_tally.push(WithTally::Items(range.clone(), weights));
        Ticket(Place::WithTally(range.start, range.len()))
    }

    /// Asks for each contributor's products with the tally. `own` has this node's parts.
    pub(crate) fn push_answers(&mut self, own: Zeroizing<Vec<Fp61>>, weight: Weight) -> Ticket {
        self.terms += term_count(&self.accepted, self.answers.width());
        let range = self.append(own);
        self.with_tally.push(WithTally::Answers(range.clone(), weight));
        Ticket(Place::WithTally(range.start, range.len()))
    }

    fn append(&mut self, own: Zeroizing<Vec<Fp61>>) -> Range<usize> {
        let start = self.own.iter().map(|own| own.len()).sum();
        let range = start..start + own.len();
        self.own.push(own);
        range
    }

    /// Computes all of them in one round.
    ///
    /// # Errors
    /// The round failed.
    pub(crate) fn multiply<N: Network>(self, session: &mut Session<N>) -> Result<Products, SessionError> {
        let Self {
            party,
            accepted,
            answers,
            tally,
            with_tally,
            own,
            terms,
            others,
        } = self;
        let mut all = Zeroizing::new(Vec::with_capacity(own.iter().map(|own| own.len()).sum()));
        own.iter().for_each(|own| all.extend_from_slice(own));
        let mut products = Vec::with_capacity(1 + others.len());
        products.push(Product::Custom {
            own: all,
            terms,
            combine: Box::new(move |factors| {
                let x = combined(&party, &accepted, &answers, &tally, &with_tally, factors);
                (x.into_shared(), unshared(tally))
            }),
        });
        products.extend(others);
        let mut results = session.products(products)?.into_iter();
        let with_tally = results.next().unwrap_or_else(|| Shared::zeros(session.party(), 0));
        Ok(Products {
            with_tally,
            others: results.collect(),
        })
    }
}

/// The vector x with `Σ_j γ_j z_j = <x, T>`.
fn combined(
    party: &Party,
    accepted: &AcceptedSet,
    answers: &Answers,
    tally: &Shared<Fp61>,
    products: &[WithTally],
    factors: &[Fp61],
) -> RowSums {
    let of_items: Vec<_> = products
        .iter()
        .filter_map(|product| match product {
            WithTally::Items(range, weights) => Some((&factors[range.clone()], weights)),
            WithTally::Answers(..) => None,
        })
        .collect();
    let mut x = if of_items.is_empty() {
        RowSums::new(party, accepted.redundancy().len(), answers.width())
    } else {
        let factor = |redundancy| {
            let of = |(factors, weights): &(&[Fp61], &ItemWeights)| Fp61::inner_product(factors, &weights(accepted, redundancy));
            of_items.iter().map(of).fold(Fp61::ZERO, |sum, factor| sum + factor)
        };
        RowSums::scaled(party, tally, answers.width(), accepted.redundancy(), factor)
    };
    for product in products {
        if let WithTally::Answers(range, weight) = product {
            add_combined(accepted, answers, *weight, &factors[range.clone()], &mut x);
        }
    }
    x
}

impl Products {
    /// The results that a ticket of this batch stands for, one element for each value of its product.
    pub(crate) fn take(&self, Ticket(place): Ticket) -> Shared<Fp61> {
        match place {
            Place::WithTally(start, len) => self.with_tally.slice(start..start + len),
            Place::Other(index) => self.others[index].clone(),
        }
    }
}
