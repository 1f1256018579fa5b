//! What `tacit up` prints: where everything is, how people are invited, and what to type next.

use std::path::Path;

use serde_json::{Value, json};
use tacit_mpc_core::digest::Digest;

use super::first_steps::{CONTRIBUTORS, INVITATIONS, POOL};

/// What is printed about a cluster that runs.
pub(super) struct Summary<'a> {
    /// The directory, as the person has written it.
    pub directory: &'a Path,
    pub nodes: usize,
    pub threshold: usize,
    /// The URL of the coordinator.
    pub coordinator: &'a str,
    /// The URL of the page.
    pub page: &'a str,
    /// The digest of the cluster file, which links to the page name.
    pub digest: Digest,
    /// The URL of Prometheus, or why there is none.
    pub monitoring: Option<Result<String, &'static str>>,
}

impl Summary<'_> {
    /// The same facts for programs.
    pub(super) fn document(&self) -> Value {
        let at = |name: &str| self.directory.join(name);
        json!({
            "directory": self.directory,
            "coordinator": self.coordinator,
            "page": self.page,
            "link": self.link(),
            "cluster": at("cluster.toml"),
            "token": at("token"),
            "buyer_key": at("buyer.key"),
            "pool": at("issuer/pool.toml"),
            "invitations": at("issuer/invitations.csv"),
            "nodes": self.nodes,
            "threshold": self.threshold,
            "prometheus": self.monitoring.as_ref().and_then(|monitoring| monitoring.as_ref().ok()),
        })
    }

    /// The link at which a job is answered in a browser.
    fn link(&self) -> String {
        format!("{}#cluster={}&job=ID", self.page, self.digest)
    }

    /// The text, after the line that says what was started.
    pub(super) fn text(&self) -> String {
        let at = |name: &str| quoted(&self.directory.join(name));
        let option = if self.directory == Path::new(crate::args::STANDING_CLUSTER) {
            String::new()
        } else {
            format!(" --dir {}", quoted(self.directory))
        };
        let monitoring = match &self.monitoring {
            None => String::new(),
            Some(Ok(url)) => format!("Prometheus    {url}\n"),
            Some(Err(why)) => format!("Prometheus    {why}\n"),
        };
        format!(
            "\n\
             coordinator   {coordinator}\n\
             page          {page}\n\
             nodes         {nodes}, of which {threshold} may be corrupt\n\
             cluster file  {cluster}\n\
             buyer         token {token}, key {key}\n\
             logs          {logs}\n\
             {monitoring}\
             \n\
             To invite people: a job that names no issuers takes answers of everybody who has the cluster file and a key (`tacit keygen`).\n\
             A job whose spec says issuers = \"{pool_file}\" takes those who have a code of pool `{POOL}`; {INVITATIONS} codes,\n\
             one for each person, are in {invitations}.\n\
             In a browser, buyers begin at {page}#buyer, and contributors at the link of their job, which buyers find there:\n\
             {link}, with &invitation=CODE at its end for those who have a code.\n\
             All programs run on this machine only, and whoever controls it can read the answers: for trying out.\n\
             \n\
             Next, for an example, as it stands:\n\
             \n\
             export TACIT_CLUSTER={cluster} TACIT_BUYER_KEY={key}\n\
             tacit job create {spec} --id signs --token-file {token}\n\
             for who in {contributors}; do tacit answer signs --answers {answers}/$who.csv --key {answers}/$who.key --public-answers; done\n\
             tacit job close signs && tacit job watch signs && tacit job result signs\n\
             \n\
             `tacit down{option}` stops the cluster, `tacit up{option}` goes on where it was.\n",
            coordinator = self.coordinator,
            page = self.page,
            link = self.link(),
            nodes = self.nodes,
            threshold = self.threshold,
            cluster = at("cluster.toml"),
            token = at("token"),
            key = at("buyer.key"),
            logs = quoted(&self.directory.join("NAME/log.txt")),
            // A spec names it relative to its own folder, so only the whole path is right everywhere.
            pool_file = std::path::absolute(self.directory.join("issuer/pool.toml"))
                .unwrap_or_default()
                .display(),
            invitations = at("issuer/invitations.csv"),
            spec = at("example/signs.toml"),
            answers = at("example"),
            contributors = CONTRIBUTORS.join(" "),
        )
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(directory: &str) -> String {
        Summary {
            directory: Path::new(directory),
            nodes: 3,
            threshold: 1,
            coordinator: "http://127.0.0.1:20001",
            page: "http://127.0.0.1:20002/",
            digest: Digest::from_bytes([7; 32]),
            monitoring: Some(Err("is not installed")),
        }
        .text()
    }

    #[test]
    fn commands_name_the_directory_as_it_was_given() {
        let text = summary(crate::args::STANDING_CLUSTER);
        assert!(text.contains("`tacit down` stops the cluster"), "{text}");
        assert!(
            text.contains(&format!("http://127.0.0.1:20002/#cluster={}&job=ID, with", "07".repeat(32))),
            "{text}"
        );
        let text = summary("/tmp/it's here");
        assert!(text.contains(r"`tacit down --dir '/tmp/it'\''s here'`"), "{text}");
        assert!(text.contains(r"--token-file '/tmp/it'\''s here/token'"), "{text}");
    }
}
