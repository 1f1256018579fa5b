//! `tacit cluster`: makes and shows cluster files.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tacit_client::cluster_file::load_cluster;
use tacit_client::files::{self, Access, FileError};
use tacit_client::text::one_line;
use tacit_program::durable;
use tacit_protocol::card::{Card, cluster_text};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::words::words;

use crate::args::{self, ClusterCommand};
use crate::output::Format;

/// The largest standard input that is read: thousands of cards.
const MAX_INPUT: u64 = 16 << 20;

/// Makes or shows a cluster file.
pub(crate) fn run(args: &args::Cluster, format: Format) -> Result<()> {
    match &args.command {
        ClusterCommand::Create {
            name,
            threshold,
            out,
            cards,
        } => create(name, *threshold, out, cards, format),
        ClusterCommand::Show { file } => show(file, format),
    }
}

fn create(name: &str, threshold: usize, out: &Path, cards: &[PathBuf], format: Format) -> Result<()> {
    let cards = cards.iter().map(|path| read_cards(path)).collect::<Result<Vec<_>>>()?;
    let text = cluster_text(name, threshold, cards)?;
    durable::write_new(out, text.as_bytes(), Access::Public).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::anyhow!(
            "{}: there is a file already, and a cluster file is never overwritten: move it away or choose another name with --out",
            out.display()
        ),
        _ => FileError::new(out, &error).into(),
    })?;
    // Read the file again, so that what is shown is what it contains.
    show(out, format)
}

fn show(file: &Path, format: Format) -> Result<()> {
    let cluster = load_cluster(file)?;
    format.print(&described(&cluster), &shown(&cluster))
}

/// The card in a file, or all cards of standard input.
fn read_cards(path: &Path) -> Result<Card> {
    if path != Path::new("-") {
        let card = Card::parse(&files::read(path)?).with_context(|| path.display().to_string())?;
        // One card per file: an operator who sends two cards in one file would get two nodes unnoticed.
        match usize::from(card.coordinator.is_some()) + card.nodes.len() {
            1 => return Ok(card),
            members => bail!(
                "{}: holds {members} members, but each sends its own card: ask who sent it",
                path.display()
            ),
        }
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes);
    if read.context("standard input")? as u64 > MAX_INPUT {
        bail!("standard input: more than {} MB are no cards", MAX_INPUT >> 20);
    }
    Card::parse(&bytes).context("standard input")
}

/// A cluster for programs.
fn described(cluster: &Cluster) -> serde_json::Value {
    let file = cluster.file();
    let nodes: Vec<_> = file
        .nodes
        .iter()
        .map(|node| json!({ "name": node.name, "operator": node.operator, "address": node.address, "fingerprint": node.fingerprint() }))
        .collect();
    json!({
        "cluster": file.name,
        "threshold": file.threshold,
        "protocol": file.protocol,
        "digest": cluster.digest(),
        "coordinator": { "url": file.coordinator.url, "fingerprint": file.coordinator.fingerprint() },
        "nodes": nodes,
    })
}

/// A cluster for people.
fn shown(cluster: &Cluster) -> String {
    let file = cluster.file();
    let mut text = format!(
        "cluster    {}\nthreshold  {} of {} nodes may be corrupt\nprotocol   {}\ndigest     {}\nin words   {}\n",
        one_line(&file.name),
        file.threshold,
        file.nodes.len(),
        file.protocol,
        cluster.digest(),
        words(&cluster.digest()),
    );
    let mut member = |name: &str, operator: &str, address: &str, fingerprint: &str| {
        text += &format!("\n{name}\n");
        if !operator.is_empty() {
            text += &format!("  operator     {}\n", one_line(operator));
        }
        text += &format!("  address      {}\n  fingerprint  {fingerprint}\n", one_line(address));
    };
    member("coordinator", "", &file.coordinator.url, &file.coordinator.fingerprint());
    for node in &file.nodes {
        member(&node.name, &node.operator, &node.address, &node.fingerprint());
    }
    text
}
