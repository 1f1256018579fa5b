//! The contributors: each enrols or is invited, shares its answers and sends them, as its own client would. Submissions wait on disk until they are
//! sent, so a job of any size takes little memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use tacit_client::batches::{self, Batch};
use tacit_client::http::Api;
use tacit_client::sharing;
use tacit_program::unix_time;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec;
use tacit_protocol::consent::ConsentRecord;
use tacit_protocol::credential::Credential;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::submission::{Header, Submission, SubmissionError};

use super::pool::Pool;
use super::synthetic::{Size, SyntheticAnswers};
use crate::progress::Phase;

/// How many requests run at the same time.
const AT_ONCE: usize = 8;

/// A contributor.
pub(super) struct Contributor {
    name: String,
    key: SecretKey,
    /// What shows that the issuers vouch for the key, where the job names issuers.
    credential: Option<Credential>,
}

impl Contributor {
    fn submission(&self, cluster: &Cluster, job: &Job, batch: &Batch) -> Result<Submission, SubmissionError> {
        let rng = &mut rand::rng();
        let (key, consent) = (&self.key, ConsentRecord::new(cluster, job.terms(), &self.key, unix_time(), rng));
        match &self.credential {
            Some(credential) => Submission::create_with_credential(cluster, job, credential, key, &consent, batch, rng),
            None => Submission::create(cluster, job, &self.name, key, &consent, batch, rng),
        }
    }
}

/// All contributors, by index, with new keys. Those of a pool have credentials.
pub(super) fn contributors(size: Size, cluster: &Cluster, pool: Option<&Pool>) -> Result<Vec<Contributor>> {
    let contributor = |index: usize| {
        let key = SecretKey::generate(&mut rand::rng());
        let credential = pool.map(|pool| pool.credential(&cluster.digest(), index, &key.public()));
        Ok(Contributor {
            name: size.name(index),
            credential: credential.transpose()?,
            key,
        })
    };
    (0..size.contributors).map(contributor).collect()
}

/// Enrols all contributors who have no credential.
pub(super) async fn enrol(api: &Api, cluster: &Cluster, contributors: &[Contributor], phase: &Phase<'_>) -> Result<()> {
    let enrol = async |contributor: &Contributor| -> Result<()> {
        let Contributor { name, key, .. } = contributor;
        sharing::enrol(api, cluster, name, key).await.with_context(|| name.clone())?;
        phase.advance(1);
        Ok(())
    };
    stream::iter(contributors.iter().filter(|contributor| contributor.credential.is_none()))
        .map(enrol)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The submissions of all contributors, ready to be sent.
pub(super) struct SharedSubmissions {
    submissions: Vec<StoredSubmission>,
    /// The number of bytes that will be delivered to each node: headers and its own envelopes.
    pub bytes: Vec<u64>,
}

/// A submission on disk.
struct StoredSubmission {
    header: Header,
    path: PathBuf,
}

impl SharedSubmissions {
    /// Shares all answers on one core, one contributor after the other, and writes the submissions to `folder`.
    pub(super) async fn make(
        synthetic: &SyntheticAnswers,
        cluster: &Cluster,
        job: &Job,
        contributors: &[Contributor],
        folder: &Path,
    ) -> Result<Self> {
        let mut shared = Self {
            submissions: Vec::new(),
            bytes: vec![0; cluster.nodes().len()],
        };
        std::fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let most = batches::most(&job.terms().question);
        for (contributor, answers) in contributors.iter().zip(synthetic.by_contributor()) {
            for batch in batches::split(&answers, most) {
                let submission = contributor.submission(cluster, job, &batch);
                let submission = submission.with_context(|| contributor.name.clone())?;
                let envelopes: Vec<usize> = submission.envelopes.iter().map(Vec::len).collect();
                let (header, bytes) = sharing::encode(submission);
                let path = folder.join(shared.submissions.len().to_string());
                std::fs::write(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
                let public = codec::encode(&header).len();
                for (all, envelope) in shared.bytes.iter_mut().zip(envelopes) {
                    *all += (public + envelope) as u64;
                }
                shared.submissions.push(StoredSubmission { header, path });
            }
            // A signal or the time-out can end the command here; sharing a large job takes minutes.
            tokio::task::yield_now().await;
        }
        Ok(shared)
    }

    /// How many submissions there are.
    pub(super) fn len(&self) -> usize {
        self.submissions.len()
    }

    /// Sends all of them.
    pub(super) async fn send(&self, api: &Api, cluster: &Arc<Cluster>, phase: &Phase<'_>) -> Result<()> {
        let send = async |waiting: &StoredSubmission| -> Result<()> {
            let StoredSubmission { header, path } = waiting;
            let bytes = tokio::fs::read(path)
                .await
                .with_context(|| format!("cannot read {}", path.display()))?;
            let of = || header.statement.contributor.clone();
            sharing::send(api, cluster, header, bytes).await.with_context(of)?;
            phase.advance(header.statement.items.len() as u64);
            Ok(())
        };
        stream::iter(&self.submissions)
            .map(send)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}
