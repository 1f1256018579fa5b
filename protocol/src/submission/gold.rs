//! The buyer's gold answers: submissions that cover every item of a job, so that nobody can tell from
//! them which items have gold.

use std::ops::Range;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Role, Statement, Submission, SubmissionError, most_answers};
use crate::cluster::Cluster;
use crate::identity::SecretKey;
use crate::job::Job;
use tacit_mpc_core::field::{Field, Fp61};

/// Who gold answers are of, where a contributor's name would be.
pub const AUTHOR: &str = "gold";

/// How many submissions the gold answers to a job take: each holds as many items as one may.
pub fn parts(job: &Job) -> usize {
    job.items().len().div_ceil(rows(job))
}

/// The items of a part, from 0; none if there is no such part.
pub fn items_of(job: &Job, part: usize) -> Range<u32> {
    let items = job.items().len();
    let start = part.saturating_mul(rows(job)).min(items);
    let end = (start + rows(job)).min(items);
    start as u32..end as u32
}

/// Which part a submission of gold answers is, by its items.
pub fn part_of(job: &Job, items: &[u32]) -> Option<usize> {
    let part = *items.first()? as usize / rows(job);
    items.iter().copied().eq(items_of(job, part)).then_some(part)
}

/// Items in a part.
fn rows(job: &Job) -> usize {
    most_answers(job.terms().classes().len()).max(1)
}

/// Whether a statement is that of a part: in gold answers nothing is left to choose but the id.
pub(super) fn is_part(job: &Job, statement: &Statement) -> bool {
    statement.contributor == AUTHOR && part_of(job, &statement.items).is_some()
}

impl Submission {
    /// Shares one part of the buyer's gold answers. `answers` are all of them: pairs of item index and class
    /// index, items strictly ascending. Items without gold get a row of zeros.
    ///
    /// # Errors
    /// The key is not the job's for gold, or the answers or the part are not of the job.
    pub fn create_gold<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        key: &SecretKey,
        answers: &[(u32, u32)],
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
        let classes = job.terms().classes().len();
        let mut rows = Zeroizing::new(vec![Fp61::ZERO; items.len() * classes]);
        for (index, (item, class)) in answers.iter().enumerate() {
            let ascending = index == 0 || answers[index - 1].0 < *item;
            if !ascending || *item as usize >= job.items().len() || *class as usize >= classes {
                return Err(SubmissionError::Answer(index));
            }
            if items.contains(item) {
                rows[(item - items.start) as usize * classes + *class as usize] = Fp61::ONE;
            }
        }
        Self::of_elements(cluster, job, AUTHOR, key, items.collect(), &rows, rng)
    }
}
