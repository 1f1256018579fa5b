//! What a person needs to use the new cluster at once: the buyer's token and key, an issuer's pool with invitations, and an example of a job.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tacit_client::files::{self, Access};
use tacit_client::issuer::pool;
use tacit_client::keys;
use tacit_client::text::one_line;
use tokio::process::Command;

/// The name of the pool.
pub(super) const POOL: &str = "local";
/// How many people are invited to it: as many as a sensitive job with labels needs, and some more.
pub(super) const INVITATIONS: usize = 10;
/// The people who answer the example.
pub(super) const CONTRIBUTORS: [&str; 2] = ["alice", "bob"];

const SPEC: &str = r#"name = "street signs"
question = { kind = "categorical", classes = ["stop", "yield", "other"], text = "Which sign is this?" }
items = "items.csv"
answers_per_item = 2
# With so few answers, what is published shows what each contributor answered. A job with `sensitive = true` needs more people, and issuers:
# issuers = "../issuer/pool.toml"
sensitive = false
release = ["labels", "agreement", "class_totals", "payouts"]
[payout]
rule = "peer_agreement"
currency = "EUR"
base_per_item = 20000
bonus_per_item = 20000
budget = 500000
"#;
const ITEMS: &str = "id\nsign-1\nsign-2\nsign-3\n";
/// What each of the contributors answers.
const ANSWERS: [[&str; 3]; 2] = [["stop", "yield", "stop"], ["stop", "yield", "other"]];

/// Makes the files in the directory of a new cluster.
pub(super) async fn make(directory: &Path, token: &str) -> Result<()> {
    files::write(&directory.join("token"), format!("{token}\n").as_bytes(), Access::Private)?;
    keys::generate(&directory.join("buyer.key"))?;
    invite(&directory.join("issuer")).await?;
    example(&directory.join("example"))
}

/// Makes a pool whose only issuer is in this folder, and its invitations, with the command that real issuers use.
async fn invite(folder: &Path) -> Result<()> {
    files::make_folder(folder, Access::Private)?;
    let key = keys::generate(&folder.join("issuer.key"))?;
    let pool = toml::to_string(&pool::alone(POOL, key.public())).context("pool.toml")?;
    files::write(&folder.join("pool.toml"), pool.as_bytes(), Access::Public)?;
    let people: String = (1..=INVITATIONS).map(|number| format!("person-{number}\n")).collect();
    files::write(&folder.join("people.csv"), format!("person\n{people}").as_bytes(), Access::Public)?;
    let own = std::env::current_exe().context("cannot find out the path of this program")?;
    let mut command = Command::new(own);
    command
        .args(["issuer", "invite", "people.csv", "--issuers", "pool.toml", "--key", "issuer.key"])
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = command.output().await.context("`tacit issuer invite` cannot be run")?;
    if !output.status.success() {
        bail!(
            "`tacit issuer invite` failed: {}",
            one_line(&String::from_utf8_lossy(&output.stderr))
        );
    }
    Ok(())
}

fn example(folder: &Path) -> Result<()> {
    files::make_folder(folder, Access::Private)?;
    let mut texts = vec![
        ("signs.toml".to_owned(), SPEC.to_owned()),
        ("items.csv".to_owned(), ITEMS.to_owned()),
    ];
    for (name, answers) in CONTRIBUTORS.into_iter().zip(ANSWERS) {
        keys::generate(&folder.join(format!("{name}.key")))?;
        let items = ITEMS.lines().skip(1);
        let rows: String = items
            .zip(answers)
            .map(|(item, answer)| format!("{item},{name},{answer}\n"))
            .collect();
        texts.push((format!("{name}.csv"), format!("item,contributor,answer\n{rows}")));
    }
    for (name, text) in texts {
        files::write(&folder.join(name), text.as_bytes(), Access::Public)?;
    }
    Ok(())
}
