//! `tacit answer`: shares and submits one contributor's answers. It can be run again after a failure, and with more answers: it sends what
//! is new.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use tacit_client::answers::{Answers, Expected, Row, parse, whose_rows};
use tacit_client::batches::{self, Batch};
use tacit_client::files;
use tacit_client::http::Api;
use tacit_client::resending::{self, Author, Resent};
use tacit_client::state::{AnswerHasher, Plan, State};
use tacit_client::text::one_line;
use tacit_client::unsent::{MadeSubmission, SortedRows, answers_of, sort};
use tacit_client::{sealing_keys, sharing};
use tacit_program::error_line;
use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::consent::ConsentRecord;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::name::{NAME_RULE, is_name};
use tacit_protocol::question::Answer;
use tacit_protocol::submission::Submission;
use zeroize::Zeroizing;

use crate::args;
use crate::commands::connect::{connect, need_cluster};
use crate::commands::contributor::{AnswerSource, enrol, invitation, read_job};
use crate::commands::sent::sent_elsewhere;
use crate::commands::{agreement, shell};
use crate::output::{self, Format};

/// How many rows that have changed are shown, and how many submissions.
const SHOWN: usize = 20;

/// Runs the command.
pub(crate) async fn run(args: &args::Answer, format: Format) -> Result<()> {
    let file = args.answers.display().to_string();
    let bytes = Zeroizing::new(files::read(&args.answers)?);
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = need_cluster(cluster, "answers are sealed to the nodes it names")?;
    let invitation = invitation(&args.who)?;
    // Whose rows they are is known before a key is enrolled: a name is for good.
    let name_of = |key: &Path| -> Result<Option<String>> { Ok(Some(Names::of(args, key, &file, &bytes)?.enrolled)) };
    let job = read_job((&args.who, &args.job), &api, &cluster, invitation.as_ref(), name_of).await?;
    let source = AnswerSource::new(&args.who, &cluster, &job, invitation.as_ref())?;
    let names = Names::of(args, &source.path, &file, &bytes)?;
    names.check(args, &source, &job)?;
    let answers = read(&file, &names.rows, &bytes, &job)?;
    output::report_unanswered(&file, answers.unanswered);
    if !names.has_agreed {
        agreement::ask(args.public_answers, &job, &source.name(&names.enrolled, &job), format)?;
    }

    let mut cluster = sealing_keys::fetch(&api, cluster).await?;
    let mut state = State::open(&source.path, Plan::of_contributor(&cluster, &job, &names.rows))?;
    state.store_terms(job.terms())?;
    let agreed = agreement::record(&state, &cluster, &job, &source.key)?;
    let lost = resending::send_lost(&api, &cluster, &source.key, &state, Author::Contributor).await?;
    output::report_resent(&lost);
    let made = MadeSubmission::all(&state)?;
    let elsewhere = sent_elsewhere(&api, &cluster, &job, &source, &made).await?;
    let hasher = AnswerHasher::new(&source.key, &job);
    let rows = sort(&answers.rows, &hasher, &made, &elsewhere, args.send_withdrawn);
    let sealed_again = seal_again(&mut state, lost, &made, &rows)?;
    let sitting = Sitting {
        args,
        api: &api,
        job: &job,
        source: &source,
        agreed: &agreed,
        contributor: &names.enrolled,
        hasher,
        answers: &answers.rows,
    };
    let sent = sitting.send(&mut cluster, &mut state, &made, &rows).await?;
    if sealed_again > 0 {
        error_line(
            "tacit",
            &format_args!(
                "the coordinator had lost {sealed_again} submissions that the nodes do not open any more; their answers were sealed again \
             and sent"
            ),
        );
    }
    let name = source.name(&names.enrolled, &job);
    let before = sent_before(&state, &rows, &sent);
    let outcome = json!({
        "job": args.job,
        "contributor": name,
        "sent_now": sent.answers,
        "sent_before": before,
        "sent_from_elsewhere": rows.elsewhere,
        "withdrawn": rows.taken_back,
        "changed": rows.sent.values().map(|rows| rows.changed.len()).sum::<usize>(),
        "sealed_again": sealed_again,
        "unanswered": answers.unanswered,
        "receipts": state.folder(),
    });
    format.print(&outcome, &summary(args, &name, &state, &rows, (sent.answers, before)))?;
    refuse_changed(args, &source, (&file, &answers), &made, &rows)
}

/// Whose answers are sent.
struct Names {
    /// As the file names the contributor.
    rows: String,
    /// The name that the key has, or gets, at the coordinator.
    enrolled: String,
    /// The name in the submissions that were made before.
    made_as: Option<String>,
    /// Whether the contributor has agreed to the job before.
    has_agreed: bool,
}

impl Names {
    /// From the command line, from an earlier run, or from the file.
    fn of(args: &args::Answer, key: &Path, file: &str, bytes: &[u8]) -> Result<Self> {
        for (option, name) in [("contributor", &args.contributor), ("enrolled-as", &args.enrolled_as)] {
            ensure!(name.as_ref().is_none_or(|name| is_name(name)), "--{option} {NAME_RULE}");
        }
        let state = State::stored(key, &args.job)?;
        let before = state.as_ref().map(|state| state.plan().contributor().to_owned());
        let has_agreed = match &state {
            Some(state) => state.consent()?.is_some(),
            None => false,
        };
        let made_as = match &state {
            Some(state) => state.made_as()?,
            None => None,
        };
        let rows = whose_rows(file, bytes, args.contributor.as_deref(), before.as_deref())?;
        let enrolled = match (&args.enrolled_as, &made_as) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) if before.as_ref() == Some(&rows) => name.clone(),
            (None, _) => rows.clone(),
        };
        Ok(Self {
            rows,
            enrolled,
            made_as,
            has_agreed,
        })
    }

    /// Checks that the answers are of whoever has answered with this key before.
    fn check(&self, args: &args::Answer, source: &AnswerSource, job: &Job) -> Result<()> {
        let name = source.name(&self.enrolled, job);
        let Some(made_as) = self.made_as.as_ref().filter(|made_as| **made_as != name) else {
            return Ok(());
        };
        let (id, key, network) = (&args.job, shell::path(&source.path), shell::network(&args.network));
        bail!(
            "nothing was sent: this key has answered job {id} as `{made_as}`, and these rows are of `{}`. A key has one name for good. \
             If you are both, go on \
             under that name: add --contributor {} --enrolled-as {}. If `{made_as}` is a mistake, take back what was sent: `tacit \
             withdraw {id} --key {key}{network}`; make another key: `tacit keygen --out FILE`; and answer with that",
            self.rows,
            shell::name(&self.rows),
            shell::name(made_as)
        );
    }
}

/// The contributor's answers, one to an item.
fn read(file: &str, contributor: &str, bytes: &[u8], job: &Job) -> Result<Answers> {
    let items: Vec<String> = job.items().iter().map(|item| item.id.clone()).collect();
    let expected = Expected {
        question: Some(&job.terms().question),
        items: Some(&items),
        contributor: Some(contributor),
    };
    let answers = parse(file, bytes, expected)?;
    answers.check_once(file)?;
    Ok(answers)
}

/// Has the answers of submissions sealed again that are lost and were sealed too late, as far as the file has them as they were sent.
/// Returns of how many.
fn seal_again(state: &mut State, lost: Resent, made: &[MadeSubmission], rows: &SortedRows) -> Result<usize> {
    let is_here = |index: usize| {
        let here = rows.sent.get(&index).map_or(0, |rows| rows.same.len());
        made.iter().any(|one| one.index == index && one.items.len() == here)
    };
    let (again, missing): (Vec<_>, Vec<_>) = lost.sealed_too_late.into_iter().partition(|(index, _)| is_here(*index));
    state.replace(again.iter().map(|(index, _)| *index))?;
    output::report_sealed_too_late(&Resent {
        sealed_too_late: missing,
        ..Resent::default()
    });
    Ok(again.len())
}

/// What was sent in this run: how many answers, and in which submissions.
#[derive(Default)]
struct Sent {
    answers: usize,
    submissions: HashSet<usize>,
}

/// One run that sends answers.
struct Sitting<'a> {
    args: &'a args::Answer,
    api: &'a Api,
    job: &'a Job,
    source: &'a AnswerSource,
    /// What the contributor has agreed to.
    agreed: &'a ConsentRecord,
    /// The name that the key has at the coordinator.
    contributor: &'a str,
    hasher: AnswerHasher<'a>,
    answers: &'a [Row],
}

impl Sitting<'_> {
    /// Sends what was made before and has no receipt, then what is new.
    async fn send(&self, cluster: &mut Cluster, state: &mut State, made: &[MadeSubmission], rows: &SortedRows) -> Result<Sent> {
        let mut batches: BTreeMap<usize, Batch> = BTreeMap::new();
        for one in made.iter().filter(|one| !one.is_taken_back) {
            let index = state.plan().newest(one.index);
            let sent = rows.sent.get(&one.index);
            let batch = answers_of(self.answers, sent.map_or(&[][..], |rows| &rows.same[..]));
            let is_whole = batch.len() == one.items.len();
            // Whoever has another answer now is told, and does not want the old one sent.
            let has_changed = sent.is_some_and(|rows| !rows.changed.is_empty()) && state.receipt(index)?.is_none();
            let is_made = index == one.index;
            if !has_changed && (is_made || is_whole) {
                batches.insert(index, batch);
            }
        }
        let new = answers_of(self.answers, &rows.new);
        let new = batches::split(&new, batches::most(&self.job.terms().question));
        let indices = state.add(new.len())?;
        batches.extend(indices.zip(new));

        let (mut sent, mut is_enrolled) = (Sent::default(), self.source.credential.is_some());
        for (mut index, batch) in batches {
            // A credential takes the place of an enrolment.
            if !is_enrolled && state.receipt(index)?.is_none() {
                enrol(self.api, cluster, self.contributor, &self.source.key).await?;
                is_enrolled = true;
            }
            let mut seals_left = sharing::RESEALS;
            loop {
                let share = |cluster: &Cluster| self.submission(state, index, cluster, &batch);
                match sharing::send_pending::<anyhow::Error>(self.api, cluster, state, index, share).await {
                    Ok(sharing::Sent::Before) => break,
                    Ok(sharing::Sent::Now) => {
                        sent.answers += state.receipt(index)?.map_or(0, |receipt| receipt.value.answers as usize);
                        sent.submissions.insert(index);
                        break;
                    }
                    Ok(sharing::Sent::SealedTooLate) => {
                        ensure!(
                            seals_left > 0,
                            "nodes destroy their keys faster than submissions arrive, as the coordinator says: tell the operators"
                        );
                        seals_left -= 1;
                        self.check_is_whole(state, index, &batch)?;
                        state.replace([index])?;
                        index = state.plan().newest(index);
                    }
                    Err(error) => return Err(self.explained(error, sent.answers)),
                }
            }
        }
        Ok(sent)
    }

    /// Checks that the file has all answers of a submission, which are to be sealed again.
    fn check_is_whole(&self, state: &State, index: usize, batch: &[(u32, Answer)]) -> Result<()> {
        let Some(stored) = state.submission(index)? else { return Ok(()) };
        let statement = &stored.header.value.statement;
        ensure!(
            statement.items.len() == batch.len(),
            "{}: a node has destroyed the key that submission {} is sealed to, and this file does not have all of its answers: run \
             this with the file that has them",
            self.args.answers.display(),
            statement.id
        );
        Ok(())
    }

    /// The stored submission, or, if there is none, a new one, which is stored before it is sent.
    fn submission(&self, state: &State, index: usize, cluster: &Cluster, batch: &[(u32, Answer)]) -> Result<Submission> {
        let stored = state.submission(index)?;
        if let Some(stored) = &stored {
            let statement = &stored.header.value.statement;
            let same = statement.key == self.source.key.public()
                && statement.contributor == self.source.name(self.contributor, self.job)
                && (statement.cluster, statement.job_digest) == (cluster.digest(), self.job.digest());
            ensure!(
                same,
                "{}: submission {} is not of this key and this job",
                state.folder().display(),
                index + 1
            );
        }
        if let Some(stored) = stored {
            return Ok(stored);
        }
        let (key, mut rng) = (&self.source.key, rand::rng());
        let submission = match &self.source.credential {
            Some(credential) => Submission::create_with_credential(cluster, self.job, credential, key, self.agreed, batch, &mut rng)?,
            None => Submission::create(cluster, self.job, self.contributor, key, self.agreed, batch, &mut rng)?,
        };
        let digests: Vec<_> = batch.iter().map(|(item, answer)| self.hasher.digest(*item, answer)).collect();
        state.store_answer_digests(index, &digests)?;
        state.store_submission(index, &submission)?;
        Ok(submission)
    }

    /// An error of the coordinator with what to do.
    fn explained(&self, error: anyhow::Error, sent: usize) -> anyhow::Error {
        let kind = error.downcast_ref::<sharing::SendError>().and_then(|error| match error {
            sharing::SendError::Api(error) => error.kind(),
            sharing::SendError::Receipt { .. } => None,
        });
        let (id, key) = (&self.args.job, shell::path(&self.source.path));
        let sent = match sent {
            0 => "nothing was sent now".to_owned(),
            _ => format!("{sent} answers were sent now, and the others were not"),
        };
        match kind {
            Some(ProblemKind::JobClosed | ProblemKind::JobEnded) => error.context(format!(
                "{sent}: job {id} takes no more answers; `tacit receipt {id} --key {key}` says which of yours are in it"
            )),
            Some(ProblemKind::JobFull) => error.context(format!("{sent}: job {id} has all the answers that it takes")),
            _ => error,
        }
    }
}

/// How many of the file's answers an earlier run has sent.
fn sent_before(state: &State, rows: &SortedRows, sent: &Sent) -> usize {
    let earlier = rows
        .sent
        .iter()
        .filter(|(index, _)| !sent.submissions.contains(&state.plan().newest(**index)));
    earlier.map(|(_, rows)| rows.same.len()).sum()
}

/// What was done, on one line, and what was not. Of the answers, so many were sent now and so many before.
fn summary(args: &args::Answer, name: &str, state: &State, rows: &SortedRows, answers: (usize, usize)) -> String {
    let (job, name, folder) = (&args.job, one_line(name), state.folder().display());
    let mut text = match answers {
        (0, 0) => format!("{job}: nothing new to send; receipts in {folder}\n"),
        (0, before) => format!("{job}: nothing new to send, {before} answers of {name} sent before; receipts in {folder}\n"),
        (new, 0) => format!("{job}: {new} new answers of {name} sent; receipts in {folder}\n"),
        (new, before) => format!("{job}: {new} new answers of {name} sent, {before} sent before; receipts in {folder}\n"),
    };
    if rows.elsewhere > 0 {
        text += &format!(
            "{} rows are of items that this key has answered from elsewhere, as the coordinator says: they are not sent again, and their \
             answers are not known here. `tacit receipt` and `tacit withdraw` work here too; what was answered only the machine that has \
             sent it can tell, or its folder {}\n",
            rows.elsewhere,
            state.folder().file_name().unwrap_or_default().display()
        );
    }
    if rows.taken_back > 0 {
        text += &format!(
            "{} answers were withdrawn and are not sent again, as they have not changed; --send-withdrawn sends them\n",
            rows.taken_back
        );
    }
    text
}

/// Fails if the file has other answers than were sent: names the rows, and the commands that take the old answers back.
fn refuse_changed(
    args: &args::Answer,
    source: &AnswerSource,
    (file, answers): (&str, &Answers),
    made: &[MadeSubmission],
    rows: &SortedRows,
) -> Result<()> {
    let mut changed: Vec<(&Row, &MadeSubmission)> = Vec::new();
    for (index, sent) in &rows.sent {
        let submission = made.iter().find(|one| one.index == *index);
        let here = sent.changed.iter().filter_map(|place| answers.rows.get(*place));
        changed.extend(here.zip(submission.into_iter().cycle()));
    }
    if changed.is_empty() {
        return Ok(());
    }
    changed.sort_by_key(|(row, _)| row.line);
    for (row, submission) in changed.iter().take(SHOWN) {
        let item = answers.items.get(row.item as usize).map_or("", String::as_str);
        let line = row.line;
        error_line(
            "tacit",
            &format_args!(
                "{file}, line {line}: item `{}` has another answer than was sent in submission {}",
                one_line(item),
                submission.id
            ),
        );
    }
    let submissions: BTreeMap<usize, &MadeSubmission> = changed.iter().map(|(_, one)| (one.index, *one)).collect();
    let commands = submissions.values().take(SHOWN).map(|one| withdrawal(&args.job, source, args, one));
    let commands: Vec<String> = commands.collect();
    bail!(
        "{file}: rows with another answer than was sent: {}. They are not sent, as an answer in the job is not replaced. Until the job closes \
         it can be taken back with its whole submission: {}; then run this again, which sends what is taken back as the file has it",
        changed.len(),
        commands.join("; ")
    )
}

/// The command that takes a submission back.
fn withdrawal(job: &JobId, source: &AnswerSource, args: &args::Answer, submission: &MadeSubmission) -> String {
    let (key, network) = (shell::path(&source.path), shell::network(&args.network));
    format!(
        "`tacit withdraw {job} --key {key} --submission {}{network}` ({} answers)",
        submission.id,
        submission.items.len()
    )
}
