//! What a key has sent to a job from other machines. The coordinator says what that is, and has signed a receipt for each submission; with the
//! key and such a receipt a submission can be taken back from here, and what the nodes certify about it be checked. What only the first
//! machine can tell is said in the documentation of the functions.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tacit_protocol::api::{CertifiedReceipts, ContributorReceipts, ProblemKind, Receipt, ReceiptStatement, SentSubmission};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::{PublicKey, SecretKey};
use tacit_protocol::job::JobId;
use tacit_protocol::receipt::{ContributorRecord, Record, SubmissionRecord};
use tacit_protocol::submission::SubmissionId;
use tacit_protocol::withdrawal::{Erasure, ErasureReceipt, Withdrawal};
use tokio::time::{Instant, sleep};

use crate::coordinator_receipt::check_sent;
use crate::erasures::{self, Erased};
use crate::files::{self, Access, FileError};
use crate::http::{Api, ApiError};
use crate::receipt::ReceiptError;
use crate::state::{StateError, StoredWithdrawal, folder_of};
use crate::withdrawals::{Outcome, is_unknown};

const PAUSE: Duration = Duration::from_millis(500);

/// Those of the coordinator's list that the key has signed for this job, with receipts of the coordinator, and that were not made here. What it leaves
/// out is not known here: the machine that has sent it has its receipt.
pub fn not_made_here(
    cluster: &Cluster,
    job: &JobId,
    key: &PublicKey,
    listed: Vec<SentSubmission>,
    here: &HashSet<SubmissionId>,
) -> Vec<SentSubmission> {
    let is_elsewhere = |one: &SentSubmission| {
        let signed = check_sent(cluster, job, key, one);
        signed.is_some_and(|header| !here.contains(&header.statement.id))
    };
    listed.into_iter().filter(is_elsewhere).collect()
}

/// A submission from elsewhere that was asked back from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedBack {
    receipt: Receipt,
    withdrawal: StoredWithdrawal,
}

/// The folder for what was asked back from here, in that of the key and job.
struct Folder(PathBuf);

impl Folder {
    fn path(&self, id: &SubmissionId) -> PathBuf {
        self.0.join(format!("{id}.withdrawal.json"))
    }

    fn all(&self) -> Result<Vec<AskedBack>, StateError> {
        let mut all = Vec::new();
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(all),
            entries => entries.map_err(|error| FileError::new(&self.0, &error))?,
        };
        for entry in entries {
            let path = entry.map_err(|error| FileError::new(&self.0, &error))?.path();
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            all.extend(files::read_json::<AskedBack, _>(&path, StateError::Damaged)?);
        }
        all.sort_by_key(|one| one.receipt.value.sequence);
        Ok(all)
    }

    fn store(&self, one: &AskedBack) -> Result<(), StateError> {
        files::make_folder(&self.0, Access::Private)?;
        Ok(files::write_json(&self.path(&one.receipt.value.submission), one, Access::Private)?)
    }

    fn forget(&self, one: &AskedBack) -> Result<(), StateError> {
        let path = self.path(&one.receipt.value.submission);
        Ok(std::fs::remove_file(&path).map_err(|error| FileError::new(&path, &error))?)
    }
}

/// Takes submissions of a key back that were made elsewhere: those of the list, and those that were asked back from here before; or only the
/// one of this id. Asks again until every node has signed or the patience is at an end. Receipts of the nodes are kept beside the key.
///
/// # Errors
/// A file cannot be read or written. What the coordinator refuses stands in the outcomes.
pub async fn withdraw(
    api: &Api,
    cluster: &Cluster,
    (key_file, key): (&Path, &SecretKey),
    job: &JobId,
    (listed, only): (&[SentSubmission], Option<SubmissionId>),
    patience: Duration,
) -> Result<Vec<(SubmissionId, Outcome)>, StateError> {
    let folder = Folder(folder_of(key_file, job).join("elsewhere"));
    let mut chosen = folder.all()?;
    for one in listed {
        if chosen
            .iter()
            .all(|before| before.receipt.value.submission != one.receipt.value.submission)
        {
            chosen.push(AskedBack {
                receipt: one.receipt.clone(),
                withdrawal: StoredWithdrawal::default(),
            });
        }
    }
    chosen.retain(|one| only.is_none_or(|only| one.receipt.value.submission == only));
    let end = Instant::now() + patience;
    let mut outcomes = Vec::with_capacity(chosen.len());
    for one in &mut chosen {
        outcomes.push(ask(api, cluster, key, &folder, one).await?);
    }
    let is_waiting = |outcome: &Outcome| matches!(outcome, Outcome::Erased(erased) if !erased.missing.is_empty());
    while outcomes.iter().any(is_waiting) && Instant::now() < end {
        sleep(PAUSE).await;
        for (one, known) in chosen.iter_mut().zip(&mut outcomes) {
            if is_waiting(known) {
                *known = ask(api, cluster, key, &folder, one).await?;
            }
        }
    }
    Ok(chosen.iter().map(|one| one.receipt.value.submission).zip(outcomes).collect())
}

/// Asks once.
async fn ask(api: &Api, cluster: &Cluster, key: &SecretKey, folder: &Folder, one: &mut AskedBack) -> Result<Outcome, StateError> {
    folder.store(one)?;
    let statement = one.receipt.value.clone();
    let withdrawal = Withdrawal {
        cluster: statement.cluster,
        job: statement.job.clone(),
        job_digest: statement.job_digest,
        submission: statement.digest,
    };
    let known = std::mem::take(&mut one.withdrawal.erasures);
    let answer = api.withdraw(&statement.job, &statement.submission, withdrawal.sign(key)).await;
    let (receipts, error) = match answer {
        Ok(status) => (known.into_iter().chain(status.erasures).collect(), None),
        Err(error) => (known, Some(error)),
    };
    let erased = erased(cluster, &statement, receipts);
    one.withdrawal.erasures.clone_from(&erased.receipts);
    let Some(error) = error else {
        one.withdrawal.is_confirmed = true;
        folder.store(one)?;
        return Ok(Outcome::Erased(erased));
    };
    let is_frozen = error.kind() == Some(ProblemKind::Frozen);
    if one.withdrawal.is_confirmed && !is_frozen {
        return Ok(Outcome::Erased(erased));
    }
    if is_frozen {
        folder.forget(one)?;
    }
    Ok(if is_unknown(&error) && error.kind() != Some(ProblemKind::Purged) {
        Outcome::Lost
    } else {
        Outcome::Failed(error)
    })
}

fn erased(cluster: &Cluster, statement: &ReceiptStatement, receipts: Vec<ErasureReceipt>) -> Erased {
    let due = Erasure {
        cluster: statement.cluster,
        job_digest: statement.job_digest,
        submission: statement.digest,
    };
    erasures::of(cluster, &due, receipts)
}

/// What the nodes certify to a key, as far as it can be checked without what was kept on the machine that has sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedElsewhere {
    /// How many contributors have an answer that counts.
    pub contributors: u64,
    /// The names of the nodes that have signed.
    pub signers: Vec<String>,
    /// The contributor's record; `None` if none of its submissions was accepted.
    pub contributor: Option<ContributorRecord>,
    /// What became of each submission, in the order of the list; `None` if nothing is certified about it.
    pub submissions: Vec<Option<SubmissionRecord>>,
}

/// Checks what a coordinator passes on as certified about the submissions of its list: signatures, paths, that the records are this key's,
/// and sums. Not checked: that the terms are those that were answered, that the pay follows from them, and that the list is complete. The
/// machine that has sent the answers has the terms and the receipts for that.
///
/// # Errors
/// The first check that fails.
pub fn check(
    cluster: &Cluster,
    key: &PublicKey,
    listed: &[SentSubmission],
    certified: &CertifiedReceipts,
) -> Result<CertifiedElsewhere, ReceiptError> {
    let statement = &certified.root.statement;
    certified.root.verify(cluster)?;
    if let Some(other) = listed.iter().find(|one| one.receipt.value.job_digest != statement.job) {
        return Err(ReceiptError::OtherTerms {
            theirs: statement.job,
            ours: other.receipt.value.job_digest,
        });
    }
    if !certified.records.iter().all(|proof| proof.is_under(&statement.records)) {
        return Err(ReceiptError::Leaf);
    }
    let is_listed = |record: &SubmissionRecord| listed.iter().any(|one| one.receipt.value.digest == record.digest);
    let mut contributor = None;
    let mut known: Vec<&SubmissionRecord> = Vec::new();
    for proof in &certified.records {
        match &proof.record {
            Record::Contributor(one) if one.facts.key == *key || one.submissions.iter().any(is_listed) => {
                if contributor.replace(one.clone()).is_some() {
                    return Err(ReceiptError::NotYours("there are two of a contributor".to_owned()));
                }
                known.extend(&one.submissions);
            }
            Record::Submission(one) if is_listed(one) => known.push(one),
            Record::Contributor(one) => return Err(ReceiptError::NotYours(one.facts.contributor.clone())),
            Record::Submission(one) => return Err(ReceiptError::NotYours(format!("submission {}", one.digest))),
        }
    }
    let mut submissions = Vec::with_capacity(listed.len());
    for one in listed {
        let signed = &one.receipt.value;
        let record = known.iter().find(|record| record.digest == signed.digest).copied().cloned();
        if record
            .as_ref()
            .is_some_and(|record| record.answers != signed.answers || !record.adds_up())
        {
            let text = format!(
                "submission {} was sent with {} answers, and is certified with others",
                signed.submission, signed.answers
            );
            return Err(ReceiptError::Sum(text));
        }
        submissions.push(record);
    }
    Ok(CertifiedElsewhere {
        contributors: statement.records.contributors,
        signers: statement.participants.iter().map(|node| cluster.node_name(node)).collect(),
        contributor,
        submissions,
    })
}

/// What the coordinator says that the key which signs the requests has sent, and what is certified to it; `None` if it has nothing of the key.
///
/// # Errors
/// It cannot be asked, or has deleted everything of the job after its time.
pub async fn ask_what_was_sent(api: &Api, job: &JobId) -> Result<Option<ContributorReceipts>, ApiError> {
    match api.receipts(job).await {
        Ok(answer) if answer.submissions.is_empty() && answer.certified.is_none() => Ok(None),
        Ok(answer) => Ok(Some(answer)),
        // It has nothing of this key, or shows the job to enrolled keys only, which this one is not yet.
        Err(error) if matches!(error.kind(), Some(ProblemKind::UnknownJob | ProblemKind::UnknownSubmission)) => Ok(None),
        Err(error) => Err(error),
    }
}
