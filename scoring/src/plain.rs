//! Every statistic on plain answers, straight from the published formulas. Tests compare the computation on shares with it, and
//! `tacit bench` a whole cluster's result.
//!
//! Notation: item i has `R_i` answers, of which `T_ik` name class k. An item is paired if `R_i ≥ 2`. Everything is computed
//! from one tally at a time, so that millions of answers take less than a second.

use tacit_protocol::job::{PayRule, Payout};

use crate::statistic::nominal::{AgreementMeasures, Measure, Unavailable};

/// An answer to an item: the index of the contributor and the index of the class.
pub type Vote = (u32, u32);

/// What follows from all answers of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct PlainScores {
    /// How often each class was answered.
    pub class_totals: Vec<u64>,
    /// The class that most answers to an item name, of several the first one; `None` for an item without answers.
    pub labels: Vec<Option<u32>>,
    /// The agreement statistics.
    pub agreement: AgreementMeasures,
    /// The scores of each contributor.
    pub contributors: Vec<PlainContributor>,
}

/// What follows from one contributor's answers, in exact integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainContributor {
    /// All its answers.
    pub answers: u64,
    /// `n`: its answers to paired items.
    pub paired: u64,
    /// How many of its answers are the label of their item.
    pub labels: u64,
    /// `L`: the least common multiple of `R_i - 1` over its paired items.
    pub scale: i128,
    /// `A = L · Σ_i` (the share of the other answers to the item that match its own), over its paired items.
    pub agreement: i128,
    /// `Q = n·A - L · Σ_i Σ_j` (the share of the other answers to item j that match its answer to item i), both over its paired
    /// items (Dasgupta, Ghosh, [WWW 2013](https://doi.org/10.1145/2488388.2488417)).
    pub beyond_chance: i128,
}

/// The answers of each of `items` items, from triples of contributor, item and class in any order.
///
/// # Panics
/// An item is not below `items`.
pub fn by_item(items: usize, answers: impl IntoIterator<Item = (u32, u32, u32)>) -> Vec<Vec<Vote>> {
    let mut all = vec![Vec::new(); items];
    for (contributor, item, class) in answers {
        all[item as usize].push((contributor, class));
    }
    all
}

impl PlainScores {
    /// Scores the answers of a job, given as the answers to each item. The iterator is read twice.
    ///
    /// # Panics
    /// A class is not below `classes`, or a contributor not below `contributors`.
    pub fn new<A>(classes: usize, contributors: usize, items: impl Iterator<Item = A> + Clone) -> Self
    where
        A: ExactSizeIterator<Item = Vote> + Clone,
    {
        let mut sums = vec![ContributorSums::new(classes); contributors];
        for votes in items.clone() {
            let others = votes.len() as i128 - 1;
            if others > 0 {
                votes.for_each(|(contributor, _)| sums[contributor as usize].include_denominator(others));
            }
        }
        let mut agreement = AgreementSums::new(classes);
        let mut labels = Vec::new();
        let mut tally = vec![0u64; classes];
        for votes in items {
            tally.fill(0);
            votes.clone().for_each(|(_, class)| tally[class as usize] += 1);
            agreement.add(&tally, votes.len() as u64);
            let label = first_of_the_most(&tally);
            labels.push(label);
            for (contributor, class) in votes {
                sums[contributor as usize].add(&tally, class as usize, label == Some(class));
            }
        }
        Self {
            agreement: agreement.measures(),
            class_totals: agreement.totals,
            labels,
            contributors: sums.into_iter().map(ContributorSums::finish).collect(),
        }
    }
}

impl PlainContributor {
    /// `A / (L·n)`: the mean over its paired items of the share of the other answers that match its own.
    pub fn mean_agreement(&self) -> Option<f64> {
        (self.paired > 0).then(|| self.agreement as f64 / (self.scale as f64 * self.paired as f64))
    }

    /// `Q / (L·n·(n-1))`: agreement minus what the same answers agree with the answers to other items.
    pub fn mean_beyond_chance(&self) -> Option<f64> {
        let n = self.paired as f64;
        (self.paired > 1).then(|| self.beyond_chance as f64 / (self.scale as f64 * n * (n - 1.0)))
    }

    /// The share of its answers that are the label of their item.
    pub fn label_share(&self) -> f64 {
        self.labels as f64 / self.answers as f64
    }

    /// Its pay in micro-units; `None` for pay by gold answers, which are not among the answers.
    pub fn pay(&self, payout: &Payout) -> Option<i128> {
        let (bonus_per_item, n) = (i128::from(payout.bonus_per_item), i128::from(self.paired));
        let bonus = match payout.rule {
            PayRule::Flat => 0,
            PayRule::PeerAgreement => (bonus_per_item * self.agreement).div_euclid(self.scale),
            PayRule::PeerAgreementBeyondChance if n > 1 => (bonus_per_item * self.beyond_chance).div_euclid(self.scale * (n - 1)),
            PayRule::PeerAgreementBeyondChance => 0,
            PayRule::Gold => return None,
        };
        Some(i128::from(payout.base_per_item) * i128::from(self.answers) + bonus)
    }
}

/// The sums over items that the agreement statistics follow from.
struct AgreementSums {
    /// `Σ_i T_ik`.
    totals: Vec<u64>,
    /// `Σ_i T_ik` over paired items.
    paired_totals: Vec<u64>,
    /// `Σ_i T_ik / R_i`.
    shares: Vec<f64>,
    /// Items with answers.
    items: f64,
    /// The number of items with at least two answers.
    paired_items: f64,
    /// `Σ_i R_i (R_i - 1)`.
    pairs: f64,
    /// `m_i = Σ_k T_ik (T_ik - 1)` summed over items.
    matching: f64,
    /// `Σ_i m_i / (R_i (R_i - 1))`.
    matching_shares: f64,
    /// `Σ_i m_i / (R_i - 1)`: the diagonal of the matrix of coincidences.
    coincidences: f64,
}

impl AgreementSums {
    fn new(classes: usize) -> Self {
        Self {
            totals: vec![0; classes],
            paired_totals: vec![0; classes],
            shares: vec![0.0; classes],
            items: 0.0,
            paired_items: 0.0,
            pairs: 0.0,
            matching: 0.0,
            matching_shares: 0.0,
            coincidences: 0.0,
        }
    }

    fn add(&mut self, tally: &[u64], answers: u64) {
        if answers == 0 {
            return;
        }
        let paired = answers > 1;
        let mut matching = 0;
        for (k, votes) in tally.iter().enumerate() {
            self.totals[k] += votes;
            self.shares[k] += *votes as f64 / answers as f64;
            if paired {
                self.paired_totals[k] += votes;
                matching += votes * votes.saturating_sub(1);
            }
        }
        self.items += 1.0;
        if paired {
            let (matching, answers) = (matching as f64, answers as f64);
            let pairs = answers * (answers - 1.0);
            self.paired_items += 1.0;
            self.pairs += pairs;
            self.matching += matching;
            self.matching_shares += matching / pairs;
            self.coincidences += matching / (answers - 1.0);
        }
    }

    fn measures(&self) -> AgreementMeasures {
        if self.paired_items == 0.0 {
            return AgreementMeasures::from_array([Err(Unavailable::NoPairs); 5]);
        }
        let observed = self.matching_shares / self.paired_items;
        AgreementMeasures {
            observed: Ok(observed),
            observed_pooled: Ok(self.matching / self.pairs),
            fleiss_kappa: self.fleiss_kappa(observed),
            krippendorff_alpha: self.krippendorff_alpha(),
            gwet_ac1: self.gwet_ac1(observed),
        }
    }

    /// `p_k`, the mean over items of the share of class k.
    fn proportions(&self) -> impl Iterator<Item = f64> {
        self.shares.iter().map(|share| share / self.items)
    }

    /// `(P_a - P_e) / (1 - P_e)` with `P_e = Σ p_k²`: Fleiss, "Measuring nominal scale agreement among many raters",
    /// Psychological Bulletin 76 (1971), [doi:10.1037/h0031619](https://doi.org/10.1037/h0031619); for numbers of answers that
    /// vary, as in Gwet, *Handbook of Inter-Rater Reliability*, 4th edition (2014).
    fn fleiss_kappa(&self, observed: f64) -> Measure {
        if used(&self.totals) < 2 {
            return Err(Unavailable::OneClassUsed);
        }
        Ok(beyond_chance(observed, self.proportions().map(|p| p * p).sum()))
    }

    /// `1 - D_o / D_e` of the matrix of coincidences, with `D_o = 1 - Σ_k o_kk / n` and `D_e = 1 - Σ_k n_k (n_k - 1) / (n (n - 1))`:
    /// Krippendorff, ["Computing Krippendorff's Alpha-Reliability"](https://repository.upenn.edu/handle/20.500.14332/2089) (2011), nominal
    /// data. Items with one answer are left out.
    fn krippendorff_alpha(&self) -> Measure {
        if used(&self.paired_totals) < 2 {
            return Err(Unavailable::OneClassUsed);
        }
        let totals = || self.paired_totals.iter().map(|total| *total as f64);
        let n: f64 = totals().sum();
        let observed = 1.0 - self.coincidences / n;
        let expected = 1.0 - totals().map(|n_k| n_k * (n_k - 1.0)).sum::<f64>() / (n * (n - 1.0));
        Ok(1.0 - observed / expected)
    }

    /// As κ with `P_e = Σ p_k (1 - p_k) / (K - 1)`: Gwet, "Computing inter-rater reliability and its variance in the presence of high
    /// agreement", BJMSP 61 (2008), [doi:10.1348/000711006X126600](https://doi.org/10.1348/000711006X126600).
    fn gwet_ac1(&self, observed: f64) -> Measure {
        let classes = self.shares.len();
        if classes < 2 {
            return Err(Unavailable::OneClassAsked);
        }
        let spread: f64 = self.proportions().map(|p| p * (1.0 - p)).sum();
        Ok(beyond_chance(observed, spread / (classes as f64 - 1.0)))
    }
}

/// Agreement beyond what is expected by chance, as a share of what is possible.
fn beyond_chance(observed: f64, expected: f64) -> f64 {
    (observed - expected) / (1.0 - expected)
}

/// How many classes were answered at all.
fn used(totals: &[u64]) -> usize {
    totals.iter().filter(|total| **total > 0).count()
}

fn first_of_the_most(tally: &[u64]) -> Option<u32> {
    let most = tally.iter().copied().max().filter(|most| *most > 0)?;
    tally.iter().position(|votes| *votes == most).map(|class| class as u32)
}

/// The sums over one contributor's items.
#[derive(Clone)]
struct ContributorSums {
    answers: u64,
    paired: u64,
    labels: u64,
    scale: i128,
    agreement: i128,
    /// How often it answered each class, on paired items.
    given: Vec<i128>,
    /// `L · Σ_i` (the share of the other answers that name each class), on paired items.
    met: Vec<i128>,
}

impl ContributorSums {
    fn new(classes: usize) -> Self {
        Self {
            answers: 0,
            paired: 0,
            labels: 0,
            scale: 1,
            agreement: 0,
            given: vec![0; classes],
            met: vec![0; classes],
        }
    }

    /// Makes `L` a multiple of the number of others that answered an item.
    fn include_denominator(&mut self, others: i128) {
        if self.scale % others != 0 {
            self.scale *= others / gcd(self.scale, others);
        }
    }

    fn add(&mut self, tally: &[u64], own: usize, is_label: bool) {
        self.answers += 1;
        self.labels += u64::from(is_label);
        let others = tally.iter().sum::<u64>() as i128 - 1;
        if others == 0 {
            return;
        }
        let weight = self.scale / others;
        self.paired += 1;
        self.agreement += weight * (i128::from(tally[own]) - 1);
        self.given[own] += 1;
        for (met, votes) in self.met.iter_mut().zip(tally) {
            *met += weight * i128::from(*votes);
        }
        self.met[own] -= weight;
    }

    fn finish(self) -> PlainContributor {
        let at_chance: i128 = self.given.iter().zip(&self.met).map(|(given, met)| given * met).sum();
        PlainContributor {
            answers: self.answers,
            paired: self.paired,
            labels: self.labels,
            scale: self.scale,
            agreement: self.agreement,
            beyond_chance: i128::from(self.paired) * self.agreement - at_chance,
        }
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
