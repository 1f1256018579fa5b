//! `tacit answer`: shares and submits one contributor's answers. It can be run again after a failure.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tacit_client::answers::{Expected, only_contributor, parse};
use tacit_client::batches::{self, Batch};
use tacit_client::credentials::{self, PoolContributor};
use tacit_client::http::Api;
use tacit_client::reading::{self, JobReader};
use tacit_client::resending::{self, Author};
use tacit_client::state::{Plan, State};
use tacit_client::text::one_line;
use tacit_client::{files, keys, sealing_keys, sharing};
use tacit_program::error_line;
use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::{Credential, Invitation};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::name::{NAME_RULE, is_name};
use tacit_protocol::question::Answer;
use tacit_protocol::submission::Submission;
use zeroize::Zeroizing;

use crate::args;
use crate::commands::connect::{connect, need_cluster};
use crate::exit::Cause;
use crate::output::{self, Format, PUBLIC_ANSWERS};

/// Runs the command.
pub(crate) async fn run(args: &args::Answer, format: Format) -> Result<()> {
    let file = args.answers.display().to_string();
    let bytes = Zeroizing::new(files::read(&args.answers)?);
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = need_cluster(cluster, "answers are sealed to the nodes it names")?;
    let invitation = invitation(args)?;
    let job = read_job(args, &api, &cluster, invitation.as_ref(), (&file, &bytes)).await?;
    let source = source(args, &cluster, &job, invitation.as_ref())?;
    let contributor = contributor(args, &source.path, &file, &bytes)?;
    let (batches, unanswered) = read(&file, &contributor, &bytes, &job)?;
    output::report_unanswered(&file, unanswered);

    let plan = Plan::new(&cluster, &job, &contributor, &source.key, &bytes, batches.len());
    if State::stored(&source.path, &args.job)?.is_none() {
        consent(args.public_answers, &job)?;
        format.print_before(&vouched(&job))?;
    }
    let mut cluster = sealing_keys::fetch(&api, cluster).await?;
    let mut state = State::open(&source.path, plan)?;
    state.store_terms(job.terms())?;
    let lost = resending::send_lost(&api, &cluster, &source.key, &state, Author::Contributor).await?;
    output::report_resent(&lost);
    let sealed_again = lost.sealed_too_late.len();
    state.replace(lost.sealed_too_late.into_iter().map(|(index, _)| index))?;
    let (mut now, mut withdrawn, mut answers) = (0, 0, 0);
    for (index, batch) in state.plan().current().zip(&batches) {
        // Whoever has taken a part back does not want it sent again.
        if state.is_taken_back(index)? {
            withdrawn += 1;
            continue;
        }
        answers += batch.len();
        let share = |cluster: &Cluster, again: bool| submission(&state, (index, again), &contributor, &source, cluster, &job, batch);
        // A credential takes the place of an enrolment.
        if now == 0 && source.credential.is_none() && state.receipt(index)?.is_none() {
            sharing::enrol(&api, &cluster, &contributor, &source.key).await?;
        }
        let is_sent = sharing::send_pending::<anyhow::Error>(&api, &mut cluster, &state, index, share).await?;
        now += usize::from(is_sent);
    }
    if sealed_again > 0 {
        error_line(
            "tacit",
            &format_args!(
                "the coordinator had lost {sealed_again} submissions that the nodes do not open any more; their answers were sealed again \
             and sent"
            ),
        );
    }
    let news = if now == 0 {
        "all of it sent before".to_owned()
    } else {
        format!("{now} sent now")
    };
    let mut text = format!(
        "{}: {answers} answers of {} in {} submissions, {news}; receipts in {}\n",
        args.job,
        one_line(&source.name(&contributor, &job)),
        batches.len() - withdrawn,
        state.folder().display()
    );
    if withdrawn > 0 {
        text += &format!(
            "{withdrawn} of {} submissions were withdrawn and are not sent again; once all are, this command sends new answers\n",
            batches.len()
        );
    }
    let outcome = json!({
        "job": args.job,
        "contributor": source.name(&contributor, &job),
        "answers": answers,
        "submissions": batches.len() - withdrawn,
        "sent_now": now,
        "sealed_again": sealed_again,
        "withdrawn": withdrawn,
        "unanswered": unanswered,
        "receipts": state.folder(),
    });
    format.print(&outcome, &text)
}

/// Who answers: a key, and the credential for it where the job names issuers.
struct AnswerSource {
    /// The path of the key file.
    path: PathBuf,
    key: SecretKey,
    credential: Option<Credential>,
}

impl AnswerSource {
    /// The contributor's name in submissions: that of the credential, if there is one.
    fn name(&self, contributor: &str, job: &Job) -> String {
        let named = job.terms().issuers.as_ref().zip(self.credential.as_ref());
        named.map_or_else(|| contributor.to_owned(), |(issuers, credential)| credential.name(issuers))
    }
}

fn invitation(args: &args::Answer) -> Result<Option<Invitation>> {
    let code = match (&args.invitation, &args.invitation_file) {
        (Some(code), _) => Some(Zeroizing::new(code.clone())),
        (None, Some(file)) => Some(Zeroizing::new(
            String::from_utf8_lossy(&Zeroizing::new(files::read(file)?)).into_owned(),
        )),
        (None, None) => None,
    };
    Ok(code.map(|code| code.parse::<Invitation>()).transpose()?)
}

/// Reads the job as whoever the command line names. Who is not enrolled yet is enrolled if the job is not shown without.
async fn read_job(
    args: &args::Answer,
    api: &Api,
    cluster: &Cluster,
    invitation: Option<&Invitation>,
    answers: (&str, &[u8]),
) -> Result<Job> {
    let path = match (&args.key, invitation) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => credentials::known_key(cluster, &args.job)?,
    };
    let (path, missing) = match path {
        Some(path) if !path.exists() => (None, Some(path)),
        other => (other, None),
    };
    let mut readers: Vec<JobReader> = invitation.map(JobReader::of_invitation).into_iter().collect();
    if let Some(path) = &path {
        readers.extend(JobReader::of_file(path, cluster)?);
    }
    let unknown = match reading::fetch_job(api, cluster, &args.job, &readers).await {
        Err(error) if error.is_unknown() => error,
        Err(error) if error.kind() == Some(ProblemKind::JobEnded) => return Err(error).with_context(|| ended(&args.job, path.as_deref())),
        other => return Ok(other?),
    };
    if invitation.is_some() {
        return Err(unknown).context(
            "if the job is for the people of your pool, the invitation has expired, was revoked, or lacks signatures: ask its issuers",
        );
    }
    if let Some(path) = path {
        let (file, bytes) = answers;
        let (contributor, key) = (contributor(args, &path, file, bytes)?, keys::load(&path)?);
        sharing::enrol(api, cluster, &contributor, &key).await?;
        match reading::fetch_job(api, cluster, &args.job, &[JobReader::of_key(key)]).await {
            Err(error) if error.is_unknown() => {}
            other => return Ok(other?),
        }
    }
    let missing = missing.map(|path| format!("there is no key file {}, see `tacit keygen`; ", path.display()));
    Err(unknown).with_context(|| {
        format!(
            "{}if the job is for the people of a pool, give --invitation CODE or --invitation-file FILE, once",
            missing.unwrap_or_default()
        )
    })
}

/// What to do instead once a job takes no more answers.
fn ended(job: &JobId, key: Option<&Path>) -> String {
    let key = key.map_or_else(|| "FILE".to_owned(), |path| path.display().to_string());
    format!("nothing was sent: job {job} has ended; `tacit receipt {job} --key {key}` says which of your answers count")
}

/// The key and credential that the command line, or what is stored beside the key, gives for this job.
fn source(args: &args::Answer, cluster: &Cluster, job: &Job, invitation: Option<&Invitation>) -> Result<AnswerSource> {
    let Some(issuers) = &job.terms().issuers else {
        ensure!(
            invitation.is_none(),
            "job {} names no issuers: answer without an invitation",
            job.id()
        );
        let path = args
            .key
            .clone()
            .context("give --key FILE: the contributor's key, see `tacit keygen`")?;
        return Ok(AnswerSource {
            key: keys::load(&path)?,
            path,
            credential: None,
        });
    };
    let path = match &args.key {
        Some(path) => path.clone(),
        None => credentials::default_key(cluster, issuers)?,
    };
    let closes_at = job.terms().closes_at_seconds()?;
    let contributor = PoolContributor::load_or_make(&path, cluster, issuers, closes_at, invitation)?;
    Ok(AnswerSource {
        path: contributor.path,
        key: contributor.key,
        credential: Some(contributor.credential),
    })
}

/// Who vouches for the contributors of a job, as it is shown before the first answer leaves; empty if nobody does.
fn vouched(job: &Job) -> String {
    let Some(issuers) = &job.terms().issuers else {
        return String::new();
    };
    let mut text = format!(
        "the other contributors are people of pool `{}`, as {} of these issuers say (could they be the buyer's own?):\n",
        issuers.pool, issuers.need
    );
    issuers.keys.iter().for_each(|key| text.push_str(&format!("  {key}\n")));
    text
}

/// Asks before the first answer to a job that is not sensitive.
fn consent(given: bool, job: &Job) -> Result<()> {
    if job.terms().sensitive || given {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Cause::NotConfirmed.error(format!(
            "{}: {PUBLIC_ANSWERS}; nothing was sent. If you agree, give --public-answers",
            job.id()
        )));
    }
    write!(
        std::io::stderr(),
        "tacit: {}: {PUBLIC_ANSWERS}. Send your answers? [y/N] ",
        job.id()
    )
    .context("cannot ask for your decision")?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said).context("cannot read your decision")?;
    if matches!(said.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Cause::NotConfirmed.error(format!("{}: nothing was sent", job.id())))
    }
}

/// The contributor whose answers are sent: from the command line, from the first run, or from the file.
fn contributor(args: &args::Answer, key: &Path, file: &str, bytes: &[u8]) -> Result<String> {
    let Some(name) = &args.contributor else {
        return match State::stored(key, &args.job)? {
            Some(state) => Ok(state.plan().contributor().to_owned()),
            None => Ok(only_contributor(file, bytes)?),
        };
    };
    ensure!(is_name(name), "--contributor {NAME_RULE}");
    Ok(name.clone())
}

/// The contributor's answers in batches, and the number of rows without an answer.
fn read(file: &str, contributor: &str, bytes: &[u8], job: &Job) -> Result<(Vec<Batch>, u64)> {
    let items: Vec<String> = job.items().iter().map(|item| item.id.clone()).collect();
    let question = &job.terms().question;
    let expected = Expected {
        question: Some(question),
        items: Some(&items),
        contributor: Some(contributor),
    };
    let answers = parse(file, bytes, expected)?;
    let pairs: Batch = answers.rows.into_iter().map(|row| (row.item, row.answer)).collect();
    Ok((batches::split(&pairs, batches::most(question)), answers.unanswered))
}

/// The stored submission, or a new one, which is stored before it is sent: if there is none, or another one is wanted.
fn submission(
    state: &State,
    (index, again): (usize, bool),
    contributor: &str,
    source: &AnswerSource,
    cluster: &Cluster,
    job: &Job,
    batch: &[(u32, Answer)],
) -> Result<Submission> {
    if let Some(stored) = state.submission(index)?
        && !again
    {
        let statement = &stored.header.value.statement;
        let same = statement.key == source.key.public()
            && statement.contributor == source.name(contributor, job)
            && (statement.cluster, statement.job_digest) == (cluster.digest(), job.digest())
            && statement.items.iter().copied().eq(batch.iter().map(|(item, _)| *item));
        ensure!(
            same,
            "{}: submission {} is not of this key and these answers",
            state.folder().display(),
            index + 1
        );
        return Ok(stored);
    }
    let (key, mut rng) = (&source.key, rand::rng());
    let submission = match &source.credential {
        Some(credential) => Submission::create_with_credential(cluster, job, credential, key, batch, &mut rng)?,
        None => Submission::create(cluster, job, contributor, key, batch, &mut rng)?,
    };
    state.store_submission(index, &submission)?;
    Ok(submission)
}
