//! With which key a contributor reads and answers a job, and under which name the key is enrolled.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tacit_client::authenticity::AuthenticityError;
use tacit_client::credentials::{self, PoolContributor};
use tacit_client::http::Api;
use tacit_client::reading::{self, JobReader};
use tacit_client::{files, keys, sharing};
use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::{Credential, Invitation};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId};
use zeroize::Zeroizing;

use crate::args::ContributorKey;
use crate::commands::shell;

/// Who answers: a key, and the credential for it where the job names issuers.
pub(super) struct AnswerSource {
    /// The path of the key file.
    pub(super) path: PathBuf,
    pub(super) key: SecretKey,
    pub(super) credential: Option<Credential>,
}

impl AnswerSource {
    /// The contributor's name in submissions: that of the credential, if there is one.
    pub(super) fn name(&self, contributor: &str, job: &Job) -> String {
        let named = job.terms().issuers.as_ref().zip(self.credential.as_ref());
        named.map_or_else(|| contributor.to_owned(), |(issuers, credential)| credential.name(issuers))
    }

    /// The key and credential that the command line, or what is stored beside the key, gives for this job.
    pub(super) fn new(who: &ContributorKey, cluster: &Cluster, job: &Job, invitation: Option<&Invitation>) -> Result<Self> {
        let Some(issuers) = &job.terms().issuers else {
            ensure!(
                invitation.is_none(),
                "job {} names no issuers: answer without an invitation",
                job.id()
            );
            let path = who
                .key
                .clone()
                .context("give --key FILE: the contributor's key, see `tacit keygen`")?;
            return Ok(Self {
                key: keys::load(&path)?,
                path,
                credential: None,
            });
        };
        let path = match &who.key {
            Some(path) => path.clone(),
            None => credentials::default_key(cluster, issuers)?,
        };
        let closes_at = job.terms().closes_at_seconds()?;
        let contributor = PoolContributor::load_or_make(&path, cluster, issuers, closes_at, invitation)?;
        Ok(Self {
            path: contributor.path,
            key: contributor.key,
            credential: Some(contributor.credential),
        })
    }
}

/// The invitation that the command line names.
pub(super) fn invitation(who: &ContributorKey) -> Result<Option<Invitation>> {
    let code = match (&who.invitation, &who.invitation_file) {
        (Some(code), _) => Some(Zeroizing::new(code.clone())),
        (None, Some(file)) => Some(Zeroizing::new(
            String::from_utf8_lossy(&Zeroizing::new(files::read(file)?)).into_owned(),
        )),
        (None, None) => None,
    };
    Ok(code.map(|code| code.parse::<Invitation>()).transpose()?)
}

/// Reads the job as whoever the command line names. A key that is not enrolled yet is enrolled if the job is not shown without, under the
/// name that `name_of` gives for the path of the key; `None` if no name is known.
pub(super) async fn read_job(
    (who, id): (&ContributorKey, &JobId),
    api: &Api,
    cluster: &Cluster,
    invitation: Option<&Invitation>,
    name_of: impl FnOnce(&Path) -> Result<Option<String>>,
) -> Result<Job> {
    let path = match (&who.key, invitation) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => credentials::known_key(cluster, id)?,
    };
    let (path, missing) = match path {
        Some(path) if !path.exists() => (None, Some(path)),
        other => (other, None),
    };
    let mut readers: Vec<JobReader> = invitation.map(JobReader::of_invitation).into_iter().collect();
    if let Some(path) = &path {
        readers.extend(JobReader::of_file(path, cluster)?);
    }
    let unknown = match reading::fetch_job(api, cluster, id, &readers).await {
        Err(error) if error.is_unknown() => error,
        other => return explained(other, id, path.as_deref()),
    };
    if invitation.is_some() {
        return Err(unknown).context(
            "if the job is for the people of your pool, the invitation has expired, was revoked, or lacks signatures: ask its issuers",
        );
    }
    let mut unnamed = match (&path, &missing) {
        (None, None) => "a job that is not public is shown to its contributors only: give --key FILE; ",
        _ => "",
    };
    if let Some(path) = path {
        let key = keys::load(&path)?;
        if let Some(name) = name_of(&path)? {
            enrol(api, cluster, &name, &key).await?;
            match reading::fetch_job(api, cluster, id, &[JobReader::of_key(key)]).await {
                Err(error) if error.is_unknown() => {}
                other => return explained(other, id, Some(&path)),
            }
        } else {
            unnamed = "if the key is new, give --contributor NAME, under which it is enrolled; ";
        }
    }
    let missing = missing.map(|path| format!("there is no key file {}, see `tacit keygen`; ", path.display()));
    Err(unknown).with_context(|| {
        format!(
            "nothing was sent: no job `{id}` is shown to you: compare the id with the buyer's; {}{unnamed}if the job is for the people \
             of a pool, give --invitation CODE or --invitation-file FILE, once",
            missing.unwrap_or_default()
        )
    })
}

/// Enrols the key under a name. The same key under the same name again is no error.
pub(super) async fn enrol(api: &Api, cluster: &Cluster, name: &str, key: &SecretKey) -> Result<()> {
    match sharing::enrol(api, cluster, name, key).await {
        Err(error) if error.kind() == Some(ProblemKind::EnrolmentConflict) => Err(error).with_context(|| {
            format!(
                "nothing was sent: this key cannot be enrolled as `{name}`. A key has one name for good, and a name one key: give the \
                 name that this \
                 key has, or one that is free, with --enrolled-as NAME; or make another key with `tacit keygen --out FILE`"
            )
        }),
        Err(error) if error.kind() == Some(ProblemKind::EnrolmentClosed) => Err(error).with_context(|| {
            format!(
                "nothing was sent: this key is not enrolled as `{name}`, and the coordinator enrols nobody by itself; its operator \
            has to do it"
            )
        }),
        other => Ok(other?),
    }
}

/// A job that was asked for; what to do instead once it takes no more answers.
fn explained(job: Result<Job, AuthenticityError>, id: &JobId, key: Option<&Path>) -> Result<Job> {
    let ended =
        |key: String| format!("nothing was sent: job {id} has ended; `tacit receipt {id} --key {key}` says which of your answers count");
    match job {
        Err(error) if error.kind() == Some(ProblemKind::JobEnded) => {
            Err(error).with_context(|| ended(key.map_or_else(|| "FILE".to_owned(), shell::path)))
        }
        other => Ok(other?),
    }
}
