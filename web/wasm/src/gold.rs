//! The buyer's gold answers.

use tacit_client::gold_answers;
use tacit_protocol::question::Answer;
use tacit_protocol::submission;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::answers::{Submission, failure};
use crate::cluster::SealingKeys;
use crate::error::{Code, Failure, as_code};
use crate::jobs::Job;
use crate::keys::Key;

/// Gold answers: a CSV file `item,answer`.
#[wasm_bindgen]
pub struct Gold {
    answers: Vec<(u32, Answer)>,
    items: usize,
}

#[wasm_bindgen]
impl Gold {
    /// Reads the file of this name, for messages. Throws `gold_file`.
    pub fn parse(name: &str, csv: Vec<u8>, job: &Job) -> Result<Self, Failure> {
        let (csv, job) = (Zeroizing::new(csv), job.inner());
        let answers = gold_answers::parse(name, &csv, job.items(), &job.terms().question).map_err(as_code(Code::GoldFile))?;
        Ok(Self {
            answers,
            items: job.items().len(),
        })
    }

    /// How many items have one.
    #[wasm_bindgen(getter)]
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// Advice for the buyer, if there is any.
    #[wasm_bindgen(getter)]
    pub fn advice(&self) -> Option<String> {
        gold_answers::advice(self.answers.len(), self.items)
    }

    /// Shares one part of them. Throws `gold_key`, `answers`, `sealing_keys`.
    pub fn share(&self, sealing: &SealingKeys, job: &Job, key: &Key, part: usize) -> Result<Submission, Failure> {
        let made = submission::Submission::create_gold(sealing.cluster(), job.inner(), key.inner(), &self.answers, part, &mut rand::rng());
        made.map(Submission::new).map_err(failure)
    }
}
