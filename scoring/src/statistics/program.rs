//! The scoring program of a categorical job, the same at every node.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Outputs, Session, SessionError};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::job::Terms;
use tacit_protocol::phase::Phase;
use tacit_protocol::release::OutputName;

use super::agreement::Agreement;
use super::answers::Answers;
use super::labels::{Ballot, LabelAgreement};
use super::matches::{Matches, Weight};
use super::plurality::plurality;
use super::tally::Totals;
use super::{agreement, gold, labels, matches};

/// What a job's outputs are computed from.
pub struct Input {
    /// Who answered what.
    pub crowd: Arc<AcceptedSet>,
    /// This node's components of the answers: one-hot rows, found to be well-formed.
    pub answers: Arc<Answers>,
    /// Their [`tally`](super::tally()).
    pub tally: Shared<Fp61>,
    /// One row for each item, where the job has gold.
    pub gold: Option<Shared<Fp61>>,
}

/// Computes what the job releases and nothing else, in one round for all products; shares of gold and labels take
/// more. The length of each output follows from public data: see [`OutputName::len`].
///
/// Labels that are released, and what shares of gold need, are opened within the session, once all products so
/// far are verified and `record` has durably recorded the accepted set; `None` if it has not.
pub fn score<N: Network>(
    session: &mut Session<N>,
    terms: &Terms,
    input: Input,
    record: impl Fn() -> bool,
) -> Result<Option<Outputs<OutputName>>, SessionError> {
    session.enter(Phase::Agreement.engine());
    let party = session.party().clone();
    let Input {
        crowd,
        answers,
        tally,
        gold,
    } = input;
    let classes = answers.classes();
    let wanted = OutputName::of_job(terms);
    let wants = |name: OutputName| wanted.contains(&name);
    let mut outputs = Computed::default();

    let votes = Arc::new(tally);
    let totals = Totals::of(&party, &crowd, classes, &votes);
    if wants(OutputName::ClassTotals) {
        outputs.insert(OutputName::ClassTotals, totals.weighted(&party, |_| Fp61::ONE));
    }
    let mut shares = wants(OutputName::Agreement).then(|| agreement::summed_shares(&party, &crowd, &totals));
    let matches = |table: &Arc<Shared<Fp61>>, weight: Weight| Matches {
        party: party.clone(),
        crowd: Arc::clone(&crowd),
        answers: Arc::clone(&answers),
        table: Arc::clone(table),
        weight,
    };
    // Labels first: what follows then looks at the answers once for both.
    let mut shared_labels = None;
    let mut labels = None;
    if terms.decides_labels() {
        let ballot = Ballot::new(&party, terms, &crowd, &answers, &votes);
        let shared = plurality(session, classes, &ballot.tallies, ballot.most_votes, ballot.quorum)?;
        if wants(OutputName::Labels) {
            // Opened before the session ends, so verified and recorded before, like all that is released.
            let verified = session.verify_claims(shared)?;
            if !record() {
                return Ok(None);
            }
            let opened = session.recorded(verified)?.open(session)?;
            outputs.insert(OutputName::Labels, Shared::public(&party, &labels::to_values(&opened)));
            labels = Some(opened);
        } else {
            shared_labels = Some(shared);
        }
        session.enter(Phase::Agreement.engine());
    }

    let of_agreement = agreement::Wanted {
        measures: wants(OutputName::Agreement),
        // Agreement with labels is counted on the same look at the answers.
        with_peers: [
            OutputName::ContributorAgreement,
            OutputName::ContributorBeyondChance,
            OutputName::ContributorLabelAgreement,
        ]
        .into_iter()
        .any(wants),
        at_chance: wants(OutputName::ContributorBeyondChance),
    };
    let labels = labels.filter(|_| wants(OutputName::ContributorLabelAgreement));
    let mut with_labels = labels.as_deref().map(|labels| LabelAgreement::new(&party, &crowd, classes, labels));
    let (mut products, agreement) = Agreement::products(matches(&votes, agreement::weight), &totals, of_agreement, |run, rows| {
        if let Some(with_labels) = &mut with_labels {
            with_labels.count(run, rows);
        }
    });
    // Claims have the tally to themselves from here on.
    drop(votes);
    if let Some(with_labels) = with_labels {
        outputs.insert(OutputName::ContributorLabelAgreement, with_labels.finish());
    }
    let gold = gold.filter(|_| wants(OutputName::ContributorGold));
    let asked = gold.map(|gold| {
        let gold = Arc::new(gold);
        products.push(matches(&gold, matches::ONE).products());
        gold::asked(&party, &crowd, classes, &gold)
    });
    let mut products = session.products(products)?.into_iter();
    let mut next = || products.next().unwrap_or_else(|| Shared::zeros(&party, 0));
    let sums = agreement.sums(&party, &mut next);
    if let Some((mut measures, shares)) = sums.measures.zip(shares.take()) {
        measures.append(&shares);
        outputs.insert(OutputName::Agreement, measures);
    }
    if let Some((with_peers, at_chance)) = sums.with_peers.as_ref().zip(sums.at_chance) {
        let paired: Vec<Fp61> = crowd.facts().contributors.iter().map(|c| Fp61::reduce(c.paired)).collect();
        outputs.insert(OutputName::ContributorBeyondChance, with_peers.scale(&paired).sub(&at_chance));
    }
    if let Some(with_peers) = sums.with_peers {
        outputs.insert(OutputName::ContributorAgreement, with_peers);
    }
    if let Some(asked) = asked {
        // What is opened on the way to shares tells who answered no item with gold: that is released, too.
        let verified = session.verify_claims((next(), asked))?;
        if !record() {
            return Ok(None);
        }
        let recorded = session.recorded(verified)?;
        outputs.insert(OutputName::ContributorGold, gold::shares(session, recorded)?);
    }

    if let Some(shared) = shared_labels {
        let one_hot = Arc::new(shared.to_one_hot_numbers(session)?);
        let products = vec![matches(&one_hot, matches::ONE).products()];
        drop(one_hot);
        for agreement in session.products(products)? {
            outputs.insert(OutputName::ContributorLabelAgreement, agreement);
        }
    }
    Ok(Some(outputs.in_order(&party, wanted)))
}

/// Outputs by name.
#[derive(Default)]
struct Computed(BTreeMap<OutputName, Shared<Fp61>>);

impl Computed {
    fn insert(&mut self, name: OutputName, values: Shared<Fp61>) {
        self.0.insert(name, values);
    }

    /// Those that are wanted.
    fn in_order(mut self, party: &Party, wanted: Vec<OutputName>) -> Outputs<OutputName> {
        let mut outputs = Outputs::default();
        for name in wanted {
            let values = self.0.remove(&name);
            outputs.push(name, values.unwrap_or_else(|| Shared::zeros(party, 0)));
        }
        outputs
    }
}
