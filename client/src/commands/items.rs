//! `tacit items`: what a job asks, pays and publishes, its items, and a file of answers to fill in.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tacit_client::credentials::{self, PoolContributor, PoolContributorError};
use tacit_client::http::Api;
use tacit_client::item_columns::{ItemColumns, lines};
use tacit_client::state::State;
use tacit_client::unsent::MadeSubmission;
use tacit_client::{answers, keys};
use tacit_program::durable::{self, Access};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{Item, Job};
use tacit_protocol::name::{NAME_RULE, is_name};
use tacit_scoring::report::csv_cell;

use crate::args;
use crate::commands::connect::{connect, need_cluster};
use crate::commands::contributor::{AnswerSource, invitation, read_job};
use crate::commands::sent::sent_elsewhere;
use crate::commands::{published, shell};
use crate::output::{self, Format};

/// How many items are shown.
const SHOWN: usize = 20;

/// Who stands in the templates of jobs that name issuers: there the name only tells the rows of several people apart.
const SOMEBODY: &str = "me";

/// Runs the command.
pub(crate) async fn run(args: &args::Items, format: Format) -> Result<()> {
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = need_cluster(cluster, "it says whose signatures the job must have")?;
    ensure!(
        args.contributor.as_ref().is_none_or(|name| is_name(name)),
        "--contributor {NAME_RULE}"
    );
    let invitation = invitation(&args.who)?;
    let name_of = |_: &Path| -> Result<Option<String>> { Ok(args.contributor.clone()) };
    let job = read_job((&args.who, &args.job), &api, &cluster, invitation.as_ref(), name_of).await?;
    if args.csv {
        return output::print(&items_csv(job.items()));
    }
    let Some(path) = &args.template else {
        let outcome = json!({ "job": args.job, "terms": job.terms(), "items": job.items() });
        return format.print(&outcome, &shown(args, &job));
    };
    let key = Key::of(args, &cluster, &job)?;
    let answered = match &key {
        Some(key) => key.answered(&api, &cluster, &job).await?,
        None => HashSet::new(),
    };
    let left: Vec<&Item> = (0..)
        .zip(job.items())
        .filter(|(index, _)| !answered.contains(index))
        .map(|(_, item)| item)
        .collect();
    ensure!(
        !left.is_empty(),
        "{}: this key has answered all {} items; nothing was written",
        args.job,
        job.items().len()
    );
    let before = key.as_ref().and_then(|key| key.contributor.clone());
    let name = match (&args.contributor, before.as_ref(), &job.terms().issuers) {
        (Some(name), _, _) | (None, Some(name), _) => name.clone(),
        (None, None, Some(_)) => SOMEBODY.to_owned(),
        (None, None, None) => bail!("give --contributor NAME: the name for the column `contributor`, under which you are paid"),
    };
    let text = answers::template(&name, &left);
    write_new(path, &text)?;
    let outcome = json!({ "job": args.job, "template": path, "rows": left.len(), "answered_before": answered.len() });
    format.print(&outcome, &filled_in(args, &job, (path, left.len()), answered.len()))
}

/// The key of the command line, or of the job's pool, if there is one, and what was answered with it before.
struct Key {
    source: AnswerSource,
    made: Vec<MadeSubmission>,
    /// Whose rows were sent before.
    contributor: Option<String>,
}

impl Key {
    /// An invitation makes no key here: that is for `tacit answer`.
    fn of(args: &args::Items, cluster: &Cluster, job: &Job) -> Result<Option<Self>> {
        let issuers = job.terms().issuers.as_ref();
        let path = match (&args.who.key, issuers) {
            (Some(path), _) => path.clone(),
            (None, Some(issuers)) => credentials::default_key(cluster, issuers)?,
            (None, None) => return Ok(None),
        };
        if !path.exists() {
            return Ok(None);
        }
        let credential = match issuers {
            Some(issuers) => {
                let closes_at = job.terms().closes_at_seconds()?;
                match PoolContributor::load_or_make(&path, cluster, issuers, closes_at, None) {
                    Err(PoolContributorError::NotInvited { .. }) => return Ok(None),
                    known => Some(known?.credential),
                }
            }
            None => None,
        };
        let state = State::stored(&path, &args.job)?;
        let made = state.as_ref().map(MadeSubmission::all).transpose()?.unwrap_or_default();
        Ok(Some(Self {
            contributor: state.map(|state| state.plan().contributor().to_owned()),
            source: AnswerSource {
                key: keys::load(&path)?,
                path,
                credential,
            },
            made,
        }))
    }

    /// The items that the key has answered, here or elsewhere.
    async fn answered(&self, api: &Api, cluster: &Cluster, job: &Job) -> Result<HashSet<u32>> {
        let mut items = sent_elsewhere(api, cluster, job, &self.source, &self.made).await?;
        let made = self.made.iter().filter(|one| !one.is_taken_back);
        items.extend(made.flat_map(|one| one.items.iter().copied()));
        Ok(items)
    }
}

/// What the job asks, pays and publishes, and its first items.
fn shown(args: &args::Items, job: &Job) -> String {
    let terms = job.terms();
    let mut text = published::asked(terms);
    text += &published::about_you(terms, args.contributor.as_deref());
    text += &published::vouched(terms);
    text += "\n";
    let items = job.items();
    for item in items.iter().take(SHOWN) {
        lines(item).iter().for_each(|line| text += &format!("{line}\n"));
    }
    if items.len() > SHOWN {
        text += &format!("and {} more: --csv prints all\n", items.len() - SHOWN);
    }
    text
}

/// All items, as a buyer's file has them.
fn items_csv(items: &[Item]) -> String {
    let columns = ItemColumns::all(items.iter());
    let mut text = String::from("id");
    columns.names().for_each(|name| text += &format!(",{name}"));
    text.push('\n');
    for item in items {
        text += &csv_cell(&item.id);
        columns.cells(item).for_each(|cell| text += &format!(",{}", csv_cell(&cell)));
        text.push('\n');
    }
    text
}

fn write_new(path: &Path, text: &str) -> Result<()> {
    match durable::write_new(path, text.as_bytes(), Access::Private) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!(
                "{}: this file exists and is not overwritten: give another name, or move it away",
                path.display()
            )
        }
        other => other.with_context(|| format!("cannot write {}", path.display())),
    }
}

/// What was written, and what to do next.
fn filled_in(args: &args::Items, job: &Job, (path, rows): (&Path, usize), answered: usize) -> String {
    let before = match answered {
        0 => String::new(),
        _ => format!(", without the {answered} items that this key has answered"),
    };
    let key = args
        .who
        .key
        .as_ref()
        .map(|key| format!(" --key {}", shell::path(key)))
        .unwrap_or_default();
    let (file, network) = (shell::path(path), shell::network(&args.network));
    published::asked(job.terms())
        + &format!(
            "\n{}: {rows} items to answer{before}. Write an answer into the column `answer` of as many as you like, then:\n  tacit \
             answer {} --answers {file}{key}{network}\n",
            path.display(),
            args.job
        )
}
