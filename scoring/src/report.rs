//! `result.json` and `payouts.csv`: both follow from a certificate alone, byte for byte, so anyone can
//! make them again and compare.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::noise::NoiseReport;
use crate::payout::pays;
use crate::statistic::class_totals::ClassTotals;
use crate::statistic::labels::LabelsReport;
use crate::statistic::nominal::AgreementReport;
use crate::statistic::peers::{self, PeerScores};
use crate::statistic::{gold, label_agreement, labels};
use tacit_protocol::accepted::{ContributorFacts, RefusedBy};
use tacit_protocol::canonical;
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::Payout;
use tacit_protocol::question::Release;
use tacit_protocol::release::OutputName;

pub use crate::absence::Absence;

/// What `result.json` holds. A value that is not available is null, with the reason beside it.
///
/// Read from JSON it has the same values, but nothing shows that nodes certified them: see [`Report::new`].
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The job in numbers.
    pub job: JobReport,
    /// The agreement statistics.
    pub agreement: Option<AgreementReport>,
    /// Why there are no agreement statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_reason: Option<Absence>,
    /// How often each class was answered, in the job's order of classes.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, u64>>))]
    pub class_totals: Option<ClassTotals>,
    /// Why there are no class totals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_totals_reason: Option<Absence>,
    /// How far noise moves the class totals and the agreement statistics; absent where they are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseReport>,
    /// The consensus label of each item, in the job's order.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<labels::LabelReport<'static>>))]
    pub labels: LabelsReport,
    /// Why there are no labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_reason: Option<Absence>,
    /// Each contributor's scores, where the job releases them.
    pub contributors: Vec<ContributorReport>,
    /// The pay of all contributors.
    pub payouts: Option<PayoutsReport>,
    /// Why there is no pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payouts_reason: Option<Absence>,
    /// The file that certifies all of this.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub certificate: Cow<'static, str>,
}

/// The job in numbers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Which nodes, by index, refused how many submissions that they could not use; absent if none did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedBy>,
    /// The classes in the job's order.
    pub classes: Vec<String>,
}

/// One contributor's scores.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContributorReport {
    /// The contributor's name.
    pub contributor: String,
    /// The contributor's key, which tells apart names that look alike.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// The number of counted answers.
    pub answers: u64,
    /// The mean over its items of the share of the other answers that match, from 0 to 1.
    pub agreement: Option<f64>,
    /// Why `agreement` is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_reason: Option<Absence>,
    /// The share of its answers that equal the label of their item, from 0 to 1; an item without label agrees with nobody.
    pub agreement_with_label: Option<f64>,
    /// Why `agreement_with_label` is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_with_label_reason: Option<Absence>,
    /// The agreement minus the mean agreement of its answers with the answers to other items, from -1 to 1.
    pub beyond_chance: Option<f64>,
    /// Why `beyond_chance` is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_chance_reason: Option<Absence>,
    /// The share of its answers to items with gold that are right, from 0 to 1; absent where the job has no gold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gold: Option<f64>,
    /// Why `gold` is absent although the job has gold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gold_reason: Option<Absence>,
}

/// The pay of a job, in micro-units.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutsReport {
    /// The currency, as the job's terms name it.
    pub currency: String,
    /// The sum of all pay in micro-units.
    pub total: u64,
    /// The pay of each contributor, in the order of `contributors` in the certificate's facts.
    pub items: Vec<PayoutReport>,
}

/// One contributor's pay, in micro-units.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutReport {
    /// The contributor's name.
    pub contributor: String,
    /// The contributor's key, which tells apart names that look alike.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// Base and bonus in micro-units.
    pub amount: u64,
}

impl Report {
    /// Verifies a certificate and works out what it certifies.
    ///
    /// # Errors
    /// The certificate does not verify, an output holds what no answers give, or the pay passes the budget.
    pub fn new(certificate: &Certificate, cluster: &Cluster) -> Result<Self, CertificateError> {
        Self::of_verified(certificate, &certificate.verify(cluster)?)
    }

    /// What a certificate certifies that was verified and opens these values.
    ///
    /// # Errors
    /// An output holds what no answers give, or the pay passes the budget.
    pub fn of_verified(certificate: &Certificate, opened: &OpenedOutputs) -> Result<Self, CertificateError> {
        let Certificate { terms, facts, .. } = certificate;
        let classes = terms.classes();
        let absent = |release: Release| {
            if terms.releases(release) {
                Absence::TooLittle
            } else {
                Absence::NotReleased
            }
        };
        let agreement = AgreementReport::read(opened, certificate)?;
        let totals = ClassTotals::read(opened, certificate);
        let payouts = terms.payout().map(|payout| payouts(payout, certificate, opened)).transpose()?;
        Ok(Self {
            job: JobReport {
                id: terms.id.to_string(),
                items: terms.items,
                contributors: facts.contributors.len() as u64,
                answers: facts.answers,
                rejected_answers: facts.rejected_answers(),
                refused: facts.refused.clone(),
                classes: classes.to_vec(),
            },
            agreement_reason: agreement.is_none().then_some(absent(Release::Agreement)),
            agreement,
            class_totals_reason: totals.is_none().then_some(absent(Release::ClassTotals)),
            class_totals: totals,
            noise: NoiseReport::new(certificate),
            labels_reason: opened.get(OutputName::Labels).is_none().then_some(absent(Release::Labels)),
            labels: LabelsReport::new(terms.item_ids.clone(), classes.to_vec(), labels::read(opened, certificate)?)
                .with_too_few_answers(&facts.too_few_answers),
            contributors: if terms.releases(Release::Scores) {
                contributors(certificate, opened)?
            } else {
                Vec::new()
            },
            payouts_reason: payouts.is_none().then_some(Absence::NotReleased),
            payouts,
            certificate: Cow::Borrowed("certificate.json"),
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

    /// The text of `payouts.csv`: contributor, its key, pay in micro-units, currency, job. Cells that a
    /// spreadsheet would take for a formula are neutralised with a leading apostrophe.
    pub fn payouts_csv(&self) -> Vec<u8> {
        let mut text = String::from("contributor,key,pay,currency,reference\n");
        for PayoutReport { contributor, key, amount } in self.payouts.iter().flat_map(|p| &p.items) {
            let currency = self.payouts.as_ref().map_or("", |p| p.currency.as_str());
            text.push_str(&format!("{},{key},{amount},{currency},{}\n", csv_cell(contributor), self.job.id));
        }
        text.into_bytes()
    }
}

/// A CSV cell (RFC 4180) that no spreadsheet takes for a formula: such texts get an apostrophe in front, and so do texts that begin with
/// one, so that different texts are different cells.
pub fn csv_cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) {
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

fn contributors(certificate: &Certificate, opened: &OpenedOutputs) -> Result<Vec<ContributorReport>, CertificateError> {
    let peers = peers::scores(opened, certificate);
    let mut with_label = label_agreement::scores(opened, certificate)?;
    let mut gold = gold::scores(opened, certificate)?;
    let report = |(contributor, peers): (&ContributorFacts, PeerScores)| {
        let with_label = with_label.next().unwrap_or(Err(Absence::NoLabels));
        let gold = gold.next();
        ContributorReport {
            contributor: contributor.contributor.clone(),
            key: contributor.key,
            answers: contributor.answers,
            agreement: peers.agreement.ok(),
            agreement_reason: peers.agreement.err(),
            agreement_with_label: with_label.ok(),
            agreement_with_label_reason: with_label.err(),
            beyond_chance: peers.beyond_chance.ok(),
            beyond_chance_reason: peers.beyond_chance.err(),
            gold: gold.and_then(Result::ok),
            gold_reason: gold.and_then(Result::err),
        }
    };
    Ok(certificate.facts.contributors.iter().zip(peers).map(report).collect())
}

fn payouts(payout: &Payout, certificate: &Certificate, opened: &OpenedOutputs) -> Result<PayoutsReport, CertificateError> {
    let items: Vec<PayoutReport> = certificate
        .facts
        .contributors
        .iter()
        .zip(pays(certificate, opened)?)
        .map(|(c, amount)| PayoutReport {
            contributor: c.contributor.clone(),
            key: c.key,
            amount,
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

#[cfg(test)]
mod tests {
    use super::Report;
    use super::csv_cell;
    use crate::statistic::nominal::Unavailable;

    #[test]
    fn cells_are_neutral_and_quoted() {
        for (cell, written) in [
            ("alice", "alice"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("'=1+1", "''=1+1"),
            ("a,b", "\"a,b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("=a,b", "\"'=a,b\""),
        ] {
            assert_eq!(csv_cell(cell), written);
        }
    }

    /// A result with one of everything that can be absent.
    const RESULT: &str = r#"{
  "job": { "id": "j", "items": 2, "contributors": 1, "answers": 2, "rejected_answers": 0, "classes": ["b", "a"] },
  "agreement": {
    "observed": 0.5, "observed_pooled": 0.25, "fleiss_kappa": null, "fleiss_kappa_reason": "all answers name the same class",
    "krippendorff_alpha": -0.125, "gwet_ac1": null, "gwet_ac1_reason": "the question has one class only"
  },
  "class_totals": { "b": 0, "a": 2 }, "noise": { "class_totals": 4.5, "observed": 0.25 },
  "labels": [{ "item": "x\"", "label": "a" }, { "item": "y", "label": null }, { "item": "z", "label": "b" }],
  "contributors": [{
    "contributor": "c", "key": "0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d", "answers": 2, "agreement": null, "agreement_reason": "nobody else answered its items",
    "agreement_with_label": 0.5, "beyond_chance": null, "beyond_chance_reason": "needs two answers on items that others answered"
  }],
  "payouts": null, "payouts_reason": "the job does not release it", "certificate": "certificate.json"
}"#;

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let report: Report = serde_json::from_str(RESULT).unwrap();
        let labels: Vec<_> = report.labels.iter().map(|one| (one.item, one.label)).collect();
        assert_eq!(labels, [("x\"", Some("a")), ("y", None), ("z", Some("b"))]);
        assert_eq!(report.class_totals.as_ref().unwrap().0, [("b".to_owned(), 0), ("a".to_owned(), 2)]);
        let measures = report.agreement.as_ref().unwrap().0.to_array();
        let expected = [
            Ok(0.5),
            Ok(0.25),
            Err(Unavailable::OneClassUsed),
            Ok(-0.125),
            Err(Unavailable::OneClassAsked),
        ];
        assert_eq!(measures, expected);
        let text = report.to_json();
        assert_eq!(serde_json::from_slice::<Report>(&text).unwrap(), report);
        let (same, written): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(RESULT).unwrap(), serde_json::from_slice(&text).unwrap());
        assert_eq!(same, written);
    }

    #[test]
    fn a_null_needs_a_known_reason() {
        for (known, other) in [
            ("all answers name the same class", "it was Tuesday"),
            (", \"fleiss_kappa_reason\": \"all answers name the same class\"", ""),
            ("\"observed\": 0.5, ", ""),
            ("nobody else answered its items", "nobody knows"),
        ] {
            assert!(RESULT.contains(known));
            let text = RESULT.replace(known, other);
            assert!(serde_json::from_str::<Report>(&text).is_err(), "{known} -> {other}");
        }
    }
}
