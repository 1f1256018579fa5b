//! `result.json` and `payouts.csv`: both follow from a certificate alone, byte for byte, so anyone can
//! make them again and compare.

use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::payout::{Score, pay};
use crate::statistics::{AgreementMeasures, GoldScore, Measure, labels_from_values};
use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::canonical;
use tacit_protocol::certificate::{Certificate, CertificateError, Opened};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{ItemIds, PayRule, Payout, Release};
use tacit_protocol::release::OutputName;

/// What `result.json` holds. A value that is not available is null, with the reason beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The job in numbers.
    pub job: JobReport,
    /// The agreement statistics.
    pub agreement: Option<AgreementReport>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_reason: Option<&'static str>,
    /// How often each class was answered, in the job's order of classes.
    pub class_totals: Option<ClassTotals>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_totals_reason: Option<&'static str>,
    /// The consensus label of each item, in the job's order.
    pub labels: LabelsReport,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_reason: Option<&'static str>,
    /// Each contributor's scores, where the job releases them.
    pub contributors: Vec<ContributorReport>,
    /// The pay.
    pub payouts: Option<PayoutsReport>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payouts_reason: Option<&'static str>,
    /// The file that certifies all of this.
    pub certificate: &'static str,
}

/// The job in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobReport {
    /// The job's id.
    pub id: String,
    /// Items of the job.
    pub items: u64,
    /// Contributors with at least one counted answer.
    pub contributors: u64,
    /// Answers that count.
    pub answers: u64,
    /// Answers that do not.
    pub rejected_answers: u64,
    /// The classes in the job's order.
    pub classes: Vec<String>,
}

/// The agreement statistics, as [`AgreementMeasures`] defines them.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementReport(pub AgreementMeasures);

/// Class totals in the order of the classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTotals(pub Vec<(String, u64)>);

/// The labels of all items.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelsReport {
    items: ItemIds,
    classes: Vec<String>,
    labels: Vec<Option<u32>>,
}

/// The label of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LabelReport<'a> {
    /// The item's id.
    pub item: &'a str,
    /// The class, or null where there is no consensus.
    pub label: Option<&'a str>,
}

impl LabelsReport {
    /// The labels of these items, each the index of one of the classes; the shorter list ends both.
    pub fn new(items: ItemIds, classes: Vec<String>, labels: Vec<Option<u32>>) -> Self {
        Self { items, classes, labels }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len().min(self.labels.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = LabelReport<'_>> {
        self.items.iter().zip(&self.labels).map(|(item, label)| LabelReport {
            item,
            label: label.and_then(|class| self.classes.get(class as usize)).map(String::as_str),
        })
    }
}

/// One contributor's scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContributorReport {
    /// The name.
    pub contributor: String,
    /// Counted answers.
    pub answers: u64,
    /// Mean over its items of the share of the other answers that match.
    pub agreement: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_reason: Option<&'static str>,
    /// Share of its answers equal to the label of their item; an item without label agrees with nobody.
    pub agreement_with_label: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_with_label_reason: Option<&'static str>,
    /// Agreement minus the agreement of its answers with the answers to other items:
    /// `Q / (L·n·(n-1))`.
    pub beyond_chance: Option<f64>,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_chance_reason: Option<&'static str>,
    /// Share of its answers to items with gold that are right; absent where the job has no gold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gold: Option<f64>,
    /// Why it has none although the job has gold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gold_reason: Option<&'static str>,
}

/// The pay of a job, in micro-units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PayoutsReport {
    /// The currency.
    pub currency: String,
    /// Sum of the pay.
    pub total: u64,
    /// Each contributor's pay.
    pub items: Vec<PayoutReport>,
}

/// One contributor's pay, in micro-units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PayoutReport {
    /// The name.
    pub contributor: String,
    /// The pay.
    pub amount: u64,
}

const NOT_RELEASED: &str = "the job does not release it";

impl Report {
    /// Verifies a certificate and works out what it certifies.
    pub fn new(certificate: &Certificate, cluster: &Cluster) -> Result<Self, CertificateError> {
        Self::of_verified(certificate, &certificate.verify(cluster)?)
    }

    /// What a certificate certifies that was verified and opens these values.
    ///
    /// # Errors
    /// An output holds what no answers give, or the pay passes the budget.
    pub fn of_verified(certificate: &Certificate, opened: &Opened) -> Result<Self, CertificateError> {
        let Certificate { terms, facts, .. } = certificate;
        let classes = terms.classes();
        let measures = opened
            .get(OutputName::Agreement)
            .map(|values| {
                AgreementMeasures::from_opened(values, facts, classes.len()).ok_or(CertificateError::Shape(OutputName::Agreement))
            })
            .transpose()?;
        let totals = opened
            .get(OutputName::ClassTotals)
            .map(|values| ClassTotals(classes.iter().cloned().zip(values.iter().map(|total| total.to_u64())).collect()));
        let payouts = terms.payout().map(|payout| payouts(payout, certificate, opened)).transpose()?;
        Ok(Self {
            job: JobReport {
                id: terms.id.to_string(),
                items: terms.items,
                contributors: facts.contributors.len() as u64,
                answers: facts.answers,
                rejected_answers: facts.rejected_answers(),
                classes: classes.to_vec(),
            },
            agreement_reason: measures.is_none().then_some(NOT_RELEASED),
            agreement: measures.map(AgreementReport),
            class_totals_reason: totals.is_none().then_some(NOT_RELEASED),
            class_totals: totals,
            labels_reason: (!terms.releases(Release::Labels)).then_some(NOT_RELEASED),
            labels: labels(certificate, opened)?,
            contributors: if terms.releases(Release::Scores) {
                contributors(certificate, opened)?
            } else {
                Vec::new()
            },
            payouts_reason: payouts.is_none().then_some(NOT_RELEASED),
            payouts,
            certificate: "certificate.json",
        })
    }

    /// The text of `result.json`.
    pub fn to_json(&self) -> Vec<u8> {
        canonical::to_json(self)
    }

    /// Writes the text of `result.json`, in small pieces.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_json(&self, to: impl Write) -> io::Result<()> {
        canonical::write(self, to)
    }

    /// The text of `payouts.csv`: contributor, pay in micro-units, currency, job. Cells that a
    /// spreadsheet would take for a formula are neutralised with a leading apostrophe.
    pub fn payouts_csv(&self) -> Vec<u8> {
        let mut text = String::from("contributor,pay,currency,reference\n");
        for PayoutReport { contributor, amount } in self.payouts.iter().flat_map(|p| &p.items) {
            let currency = self.payouts.as_ref().map_or("", |p| p.currency.as_str());
            text.push_str(&format!("{},{amount},{currency},{}\n", csv_cell(contributor), self.job.id));
        }
        text.into_bytes()
    }
}

/// A CSV cell (RFC 4180) that no spreadsheet takes for a formula.
pub fn csv_cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// The signed integers of a contributor output.
fn scores<'a>(opened: &'a Opened, name: OutputName, certificate: &'a Certificate) -> impl Iterator<Item = i64> + 'a {
    let classes = certificate.terms.classes().len();
    let signed = move |value: &Fp61, c: &ContributorFacts| match name {
        OutputName::ContributorBeyondChance => c.scale.signed(value.to_u64(), c.paired, classes),
        // Sums of non-negative terms stay non-negative, and the scale keeps them below 2^60.
        _ => value.to_u64() as i64,
    };
    opened
        .get(name)
        .unwrap_or_default()
        .iter()
        .zip(&certificate.facts.contributors)
        .map(move |(value, c)| signed(value, c))
}

/// The label of each item; none where the job has no such output.
fn labels(certificate: &Certificate, opened: &Opened) -> Result<LabelsReport, CertificateError> {
    let (terms, name) = (&certificate.terms, OutputName::Labels);
    let values = opened.get(name).unwrap_or_default();
    let labels = labels_from_values(values, terms.classes().len()).ok_or(CertificateError::Value(name))?;
    Ok(LabelsReport::new(terms.item_ids.clone(), terms.classes().to_vec(), labels))
}

/// How many of each contributor's answers are labels; none where the job has no such output.
fn label_agreement(opened: &Opened, certificate: &Certificate) -> Result<Vec<u64>, CertificateError> {
    let name = OutputName::ContributorLabelAgreement;
    let values = opened.get(name).unwrap_or_default().iter().zip(&certificate.facts.contributors);
    values
        .map(|(value, c)| Some(value.to_u64()).filter(|agreeing| *agreeing <= c.answers))
        .collect::<Option<_>>()
        .ok_or(CertificateError::Value(name))
}

/// Each contributor's score on gold; none where the job has no such output.
fn gold_scores(opened: &Opened, certificate: &Certificate) -> Result<Vec<GoldScore>, CertificateError> {
    let name = OutputName::ContributorGold;
    let values = opened.get(name).unwrap_or_default().iter().zip(&certificate.facts.contributors);
    values
        .map(|(value, c)| GoldScore::from_opened(*value, c.answers).ok_or(CertificateError::Value(name)))
        .collect()
}

fn contributors(certificate: &Certificate, opened: &Opened) -> Result<Vec<ContributorReport>, CertificateError> {
    let agreement = scores(opened, OutputName::ContributorAgreement, certificate);
    let beyond = scores(opened, OutputName::ContributorBeyondChance, certificate);
    let gold = gold_scores(opened, certificate)?;
    let with_label = label_agreement(opened, certificate)?;
    let report = |(index, ((c, a), q)): (usize, ((&ContributorFacts, i64), i64))| {
        let scale = c.scale.value as f64;
        let n = c.paired as f64;
        let (gold, gold_reason) = match gold.get(index) {
            Some(GoldScore::Share { right, of }) => (Some(*right as f64 / *of as f64), None),
            Some(GoldScore::Unasked) => (None, Some("it answered no item with gold")),
            None => (None, None),
        };
        ContributorReport {
            contributor: c.contributor.clone(),
            answers: c.answers,
            agreement: (c.paired > 0).then(|| a as f64 / (scale * n)),
            agreement_reason: (c.paired == 0).then_some("nobody else answered its items"),
            agreement_with_label: with_label.get(index).map(|agreeing| *agreeing as f64 / c.answers as f64),
            agreement_with_label_reason: with_label.get(index).is_none().then_some("the job has no labels"),
            beyond_chance: (c.paired > 1).then(|| q as f64 / (scale * n * (n - 1.0))),
            beyond_chance_reason: (c.paired <= 1).then_some("needs two answers on items that others answered"),
            gold,
            gold_reason,
        }
    };
    let contributors = certificate.facts.contributors.iter();
    Ok(contributors.zip(agreement).zip(beyond).enumerate().map(report).collect())
}

/// What each contributor's bonus follows from.
fn pay_scores(payout: &Payout, certificate: &Certificate, opened: &Opened) -> Result<Vec<Score>, CertificateError> {
    use OutputName::{ContributorAgreement, ContributorBeyondChance};
    let classes = certificate.terms.classes().len();
    Ok(match payout.rule {
        PayRule::Flat => vec![Score::Flat; certificate.facts.contributors.len()],
        PayRule::PeerAgreement => scores(opened, ContributorAgreement, certificate).map(Score::Agreement).collect(),
        PayRule::PeerAgreementBeyondChance => scores(opened, ContributorBeyondChance, certificate)
            .map(Score::BeyondChance)
            .collect(),
        PayRule::Gold => gold_scores(opened, certificate)?
            .into_iter()
            .map(|score| Score::Gold { score, classes })
            .collect(),
    })
}

fn payouts(payout: &Payout, certificate: &Certificate, opened: &Opened) -> Result<PayoutsReport, CertificateError> {
    let items: Vec<PayoutReport> = certificate
        .facts
        .contributors
        .iter()
        .zip(pay_scores(payout, certificate, opened)?)
        .map(|(c, score)| PayoutReport {
            contributor: c.contributor.clone(),
            amount: pay(payout, c, score),
        })
        .collect();
    let total: u128 = items.iter().map(|item| u128::from(item.amount)).sum();
    match u64::try_from(total) {
        Ok(total) if total <= payout.budget => Ok(PayoutsReport {
            currency: payout.currency.clone(),
            total,
            items,
        }),
        _ => Err(CertificateError::Budget {
            total,
            budget: payout.budget,
        }),
    }
}

impl Serialize for LabelsReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for ClassTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (class, total) in &self.0 {
            map.serialize_entry(class, total)?;
        }
        map.end()
    }
}

impl Serialize for AgreementReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let measures: [(&str, Measure); 5] = [
            ("observed", self.0.observed),
            ("observed_pooled", self.0.observed_pooled),
            ("fleiss_kappa", self.0.fleiss_kappa),
            ("krippendorff_alpha", self.0.krippendorff_alpha),
            ("gwet_ac1", self.0.gwet_ac1),
        ];
        let mut map = serializer.serialize_map(None)?;
        for (name, measure) in measures {
            map.serialize_entry(name, &measure.ok())?;
            if let Err(reason) = measure {
                map.serialize_entry(&format!("{name}_reason"), &reason.to_string())?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn cells_are_neutral_and_quoted() {
        for (cell, written) in [
            ("alice", "alice"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("=a,b", "\"'=a,b\""),
        ] {
            assert_eq!(csv_cell(cell), written);
        }
    }
}
