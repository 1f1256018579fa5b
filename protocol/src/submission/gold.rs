//! The buyer's gold answers. They are shared in submissions that together cover every item of a job, so that nobody can tell
//! from them which items have gold.

use std::ops::Range;

use rand_core::CryptoRng;
use tacit_mpc_core::field::{Field, Fp61};
use zeroize::Zeroizing;

use super::create::{Author, encode_rows};
use super::{Role, Statement, Submission, SubmissionError, most_answers};
use crate::cluster::Cluster;
use crate::identity::SecretKey;
use crate::job::Job;
use crate::question::Answer;

/// What stands in the place of the contributor's name in gold answers.
pub const AUTHOR: &str = "gold";

/// How many submissions the gold answers to a job take. All but the last hold as many items as a submission may.
pub fn parts(job: &Job) -> usize {
    job.items().len().div_ceil(items_per_part(job))
}

/// The indices of the items of a part, from 0; empty if there is no such part.
pub fn items_of(job: &Job, part: usize) -> Range<u32> {
    let items = job.items().len();
    let start = part.saturating_mul(items_per_part(job)).min(items);
    let end = (start + items_per_part(job)).min(items);
    start as u32..end as u32
}

/// Which part has exactly these items, if any.
pub fn part_of(job: &Job, items: &[u32]) -> Option<usize> {
    let part = *items.first()? as usize / items_per_part(job);
    items.iter().copied().eq(items_of(job, part)).then_some(part)
}

pub(super) fn items_per_part(job: &Job) -> usize {
    most_answers(job.terms().question.width()).max(1)
}

/// Whether a statement is that of a part. Nothing in gold answers is left to choose but the id, so that they carry no hint.
pub(super) fn is_part(job: &Job, statement: &Statement) -> bool {
    statement.contributor == AUTHOR && part_of(job, &statement.items).is_some()
}

impl Submission {
    /// Shares one part of the buyer's gold answers. `answers` are those of all parts: pairs of item index and answer, items
    /// strictly ascending. Items without gold get a row of zeros.
    ///
    /// # Errors
    /// The key is not the job's for gold, there is no such part, an answer does not fit the job, or a node's key is unusable.
    pub fn create_gold<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        key: &SecretKey,
        answers: &[(u32, Answer)],
        part: usize,
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        if Role::of(job, &key.public()) != Role::Gold {
            return Err(SubmissionError::GoldKey);
        }
        let items = items_of(job, part);
        if items.is_empty() {
            return Err(SubmissionError::GoldPart { part, parts: parts(job) });
        }
        let mut rows = Zeroizing::new(vec![Fp61::ZERO; items.len() * job.terms().question.width()]);
        let row_of = |_, item: u32| items.contains(&item).then(|| (item - items.start) as usize);
        encode_rows(job, answers, row_of, &mut rows)?;
        let author = Author {
            name: AUTHOR,
            credential: None,
            consent: None,
        };
        Self::from_rows(cluster, job, &author, key, items.collect(), &rows, rng)
    }
}
