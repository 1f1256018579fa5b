//! Jobs: checking what a coordinator shows.

use serde::Serialize;
use tacit_client::batches;
use tacit_protocol::card;
use tacit_protocol::job::{self, Item, MIN_ANSWERS, MIN_CONTRIBUTORS, PayRule, SignedSpec, Terms};
use tacit_protocol::submission::gold;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::values::{from_json, job_id, to_json, to_object};

/// A checked job, signed by its buyer for one cluster.
#[wasm_bindgen]
pub struct Job(job::Job);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobView<'a> {
    id: &'a str,
    digest: String,
    terms: &'a Terms,
    items: &'a [Item],
    closes_at: Option<u64>,
    answers_per_submission: usize,
    pay: Option<PayView<'a>>,
    floors: Option<FloorsView>,
    takes_gold: bool,
    gold_submissions: usize,
    buyer_fingerprint: String,
    issuers: Option<IssuersView>,
}

#[derive(Serialize)]
struct IssuersView {
    digest: String,
    fingerprints: Vec<String>,
}

#[derive(Serialize)]
struct PayView<'a> {
    currency: &'a str,
    base: u64,
    bonus: u64,
    rule: PayRule,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FloorsView {
    contributors: usize,
    answers: u64,
    answers_to_label: u32,
}

#[wasm_bindgen]
impl Job {
    /// Checks the body of `GET /v1/jobs/{id}/spec`, and that its terms have the pinned digest if one is given.
    /// Throws `job_id`, `syntax`, `job`, `other_terms`.
    pub fn open(cluster: &Cluster, id: &str, spec: &[u8], pinned: Option<String>) -> Result<Self, Failure> {
        let signed: SignedSpec = from_json(spec, "the job's spec")?;
        let job = job::Job::open(&cluster.inner().digest(), job_id(id)?, signed)
            .map_err(|error| Failure::new(Code::Job, format_args!("job {id}: the coordinator's spec is refused: {error}")))?;
        check_pinned(id, &job.digest().to_string(), pinned.as_deref())?;
        Ok(Self(job))
    }

    /// The job's id.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// The digest of the terms.
    #[wasm_bindgen(getter)]
    pub fn digest(&self) -> String {
        self.0.digest().to_string()
    }

    /// The job as it is shown to people.
    #[wasm_bindgen(unchecked_return_type = "JobView")]
    pub fn view(&self) -> Result<JsValue, Failure> {
        let terms = self.0.terms();
        let takes_gold = terms.scores_gold();
        to_object(&JobView {
            id: self.0.id().as_str(),
            digest: self.digest(),
            terms,
            items: self.0.items(),
            closes_at: terms.closes_at_seconds().map_err(as_code(Code::Job))?,
            answers_per_submission: batches::most(&terms.question),
            pay: terms.payout().map(|payout| PayView {
                currency: &payout.currency,
                base: payout.base_per_item,
                bonus: payout.bonus_per_item,
                rule: terms.pay_rule().unwrap_or(PayRule::Flat),
            }),
            floors: terms.sensitive.then(|| FloorsView {
                contributors: MIN_CONTRIBUTORS,
                answers: MIN_ANSWERS,
                answers_to_label: terms.min_answers_to_label(),
            }),
            takes_gold,
            gold_submissions: if takes_gold { gold::parts(&self.0) } else { 0 },
            buyer_fingerprint: card::key_fingerprint(&terms.buyer),
            issuers: terms.issuers.as_ref().map(|issuers| IssuersView {
                digest: issuers.digest().to_string(),
                fingerprints: issuers.keys.iter().map(card::key_fingerprint).collect(),
            }),
        })
    }

    /// The terms as JSON, without the items.
    pub fn terms(&self) -> Result<Vec<u8>, Failure> {
        to_json(self.0.terms())
    }
}

impl Job {
    #[cfg(feature = "buyer")]
    pub(crate) fn new(job: job::Job) -> Self {
        Self(job)
    }

    pub(crate) fn inner(&self) -> &job::Job {
        &self.0
    }
}

/// Checks that something is of the job whose terms have the pinned digest.
pub(crate) fn check_pinned(id: &str, theirs: &str, pinned: Option<&str>) -> Result<(), Failure> {
    match pinned {
        Some(pinned) if !pinned.eq_ignore_ascii_case(theirs) => {
            let text = format_args!("job {id} is of other terms than it should be: their digest is {theirs}, not {pinned}").to_string();
            Err(Failure::new(Code::OtherTerms, text))
        }
        _ => Ok(()),
    }
}
