//! `tacit issuer`: makes keys of issuers, invites people, signs for other issuers, revokes, and serves a platform.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tacit_client::issuer::invitations::{self, Invited};
use tacit_client::issuer::serve::Service;
use tacit_client::issuer::{Document, Entry, Ledger, Request, pool};
use tacit_client::text::one_line;
use tacit_client::{files, keys};
use tacit_protocol::api::Revoked;
use tacit_protocol::credential::{Issuers, PoolSize, Revocation};
use tacit_protocol::identity::SecretKey;

use crate::args::{self, IssuerCommand, Network, PlatformKind, Pool, Serve};
use crate::commands::connect::connect;
use crate::commands::token;
use crate::output::Format;

/// Runs one of the commands.
pub(crate) async fn run(args: &args::Issuer, format: Format) -> Result<()> {
    match &args.command {
        IssuerCommand::Keygen { out } => {
            let key = keys::generate(out)?.public();
            format.print(&json!({ "key": key, "file": out }), &format!("{key}\n"))
        }
        IssuerCommand::Invite {
            people,
            pool,
            out,
            expires,
        } => invite(people, pool, out, expires.as_deref(), format),
        IssuerCommand::Sign { file: Some(file), key, .. } => sign(file, key, format),
        IssuerCommand::Sign {
            file: None,
            key,
            count,
            pool,
            issuers,
            out,
        } => size(key, *count, (pool.as_deref(), issuers.as_deref()), out.as_deref(), format),
        IssuerCommand::Revoke {
            send: Some(file), network, ..
        } => match Document::load(file)? {
            Document::Revocation(revocation) => {
                let revoked = send(network, &revocation).await?;
                format.print(&json!({ "file": file, "missing_signatures": 0, "sent": revoked }), &sent(&revoked))
            }
            _ => bail!("{}: not a revocation", file.display()),
        },
        IssuerCommand::Revoke {
            numbers,
            send: None,
            key,
            pool,
            issuers,
            out,
            network,
        } => {
            let key = key.as_deref().context("give --key FILE: the issuer's key")?;
            revoke(numbers, key, (pool.as_deref(), issuers.as_deref()), (out, network), format).await
        }
        IssuerCommand::Serve(args) => serve(args, format).await,
    }
}

/// The pool that the command line names, and the issuer's key.
fn pool_of(key: &Path, (name, file): (Option<&str>, Option<&Path>)) -> Result<(Issuers, SecretKey)> {
    let key = keys::load(key)?;
    let issuers = match (name, file) {
        (_, Some(file)) => pool::load(file)?,
        (Some(name), None) => pool::alone(name, key.public()),
        (None, None) => bail!("which pool? Give --issuers pool.toml, or --pool NAME for a pool of this key alone"),
    };
    issuers.check()?;
    Ok((issuers, key))
}

fn invite(people: &Path, pool: &Pool, out: &Path, expires: Option<&str>, format: Format) -> Result<()> {
    let (issuers, key) = pool_of(&pool.key, (pool.pool.as_deref(), pool.issuers.as_deref()))?;
    let expires = expires.map(seconds).transpose()?;
    let people = invitations::people(people)?;
    // Until these invitations are signed, no service and no other command with this key gives a number.
    let mut ledger = Ledger::of(&pool.key)?;
    let mut invited = invitations::read(out, &issuers)?;
    invitations::remove_unfinished(&mut invited, &ledger, &issuers);
    let next_number = |last| ledger.next_number(&issuers, last);
    let new = invitations::extend(&mut invited, people, expires, next_number, &mut rand::rng())?;
    ledger.check(&issuers, invited.iter().map(Invited::number))?;
    let request_path = files::with_suffix(out, ".request.json");
    if request_path.exists()
        && let Document::Invitations(request) = Document::load(&request_path)?
    {
        invitations::merge(&mut invited, &issuers, &request.people);
    }
    // The secret keys are on disk before the ledger says that they are signed.
    invitations::write(out, &issuers, &invited)?;
    let entries = invited.iter().map(|one| Entry {
        person: one.person.clone(),
        grant: one.invitation.grant(),
        signatures: one.invitation.signatures.clone(),
    });
    let mut request = Request {
        issuers: issuers.clone(),
        people: entries.collect(),
    };
    let signing = request.sign(&key, &mut ledger)?;
    invitations::merge(&mut invited, &issuers, &request.people);
    invitations::write(out, &issuers, &invited)?;
    let complete = invited.iter().filter(|one| one.invitation.check(&issuers).is_ok()).count();
    let mut text = format!(
        "{new} new invitations to pool `{}`; {complete} of {} are complete, in {}: send each person the code, and nobody else's\n",
        issuers.pool,
        invited.len(),
        out.display()
    );
    if issuers.need > 1 {
        Document::Invitations(request).store(&request_path)?;
    }
    if signing.missing > 0 {
        text += &format!(
            "{} more of the issuers must sign: send them {}, which holds no secret; they run `tacit issuer sign` on it and send it back; \
             put it there again and run this command once more\n",
            signing.missing,
            request_path.display()
        );
    }
    text += &format!("for the job's spec: issuers = {}\n", in_spec(&issuers));
    let outcome = json!({
        "new": new,
        "complete": complete,
        "invitations": invited.len(),
        "file": out,
        "missing_signatures": signing.missing,
        "request": (issuers.need > 1).then_some(&request_path),
        "issuers": issuers,
    });
    format.print(&outcome, &text)
}

/// The pool as one line of a spec.
fn in_spec(issuers: &Issuers) -> String {
    let keys: Vec<String> = issuers.keys.iter().map(|key| format!("\"{key}\"")).collect();
    format!(
        "{{ pool = \"{}\", keys = [{}], need = {} }}",
        issuers.pool,
        keys.join(", "),
        issuers.need
    )
}

fn sign(file: &Path, key_path: &Path, format: Format) -> Result<()> {
    let key = keys::load(key_path)?;
    let mut document = Document::load(file)?;
    let signing = document.sign(&key, key_path)?;
    document.store(file)?;
    let what = match &document {
        Document::Invitations(request) => {
            let names: Vec<String> = request.people.iter().map(|entry| one_line(&entry.person)).collect();
            format!("invitations of {} people: {}", names.len(), names.join(", "))
        }
        Document::Revocation(revocation) => format!("the revocation of {} numbers", revocation.serials.len()),
        Document::PoolSize(size) => format!("that the pool has {} credentials", size.credentials),
    };
    let text = format!(
        "pool `{}`: {} signatures added to {what}\n{}\n",
        document.issuers().pool,
        signing.added,
        missing(signing.missing)
    );
    let outcome = json!({
        "file": file,
        "pool": document.issuers().pool,
        "added_signatures": signing.added,
        "missing_signatures": signing.missing,
        "signed": what,
    });
    format.print(&outcome, &text)
}

fn missing(issuers: usize) -> String {
    match issuers {
        0 => "complete".to_owned(),
        more => format!("{more} more of the issuers must sign"),
    }
}

fn size(key_path: &Path, count: Option<u32>, pool: (Option<&str>, Option<&Path>), out: Option<&Path>, format: Format) -> Result<()> {
    let (issuers, key) = pool_of(key_path, pool)?;
    let (Some(credentials), Some(out)) = (count, out) else {
        bail!("give a FILE to sign, or --count NUMBER with --out FILE");
    };
    let mut document = Document::PoolSize(PoolSize {
        issuers,
        credentials,
        signatures: Vec::new(),
    });
    let signing = document.sign(&key, key_path)?;
    document.store(out)?;
    format.print(
        &json!({ "file": out, "credentials": credentials, "missing_signatures": signing.missing }),
        &format!("{}: {}\n", out.display(), missing(signing.missing)),
    )
}

async fn revoke(
    numbers: &[u32],
    key_path: &Path,
    pool: (Option<&str>, Option<&Path>),
    (out, network): (&Path, &Network),
    format: Format,
) -> Result<()> {
    let (issuers, key) = pool_of(key_path, pool)?;
    let mut serials = numbers.to_vec();
    serials.sort_unstable();
    serials.dedup();
    let revocation = Revocation {
        issuers,
        serials,
        signatures: Vec::new(),
    };
    let mut document = Document::Revocation(revocation);
    let signing = document.sign(&key, key_path)?;
    document.store(out)?;
    format.print_before(&format!("{}: {}\n", out.display(), missing(signing.missing)))?;
    let revoked = match &document {
        Document::Revocation(revocation) if signing.missing == 0 && (network.cluster.is_some() || network.coordinator.is_some()) => {
            Some(send(network, revocation).await?)
        }
        _ => None,
    };
    let text = match &revoked {
        Some(revoked) => sent(revoked),
        None => format!("send it with `tacit issuer revoke --send {}`\n", out.display()),
    };
    format.print(
        &json!({ "file": out, "missing_signatures": signing.missing, "sent": revoked }),
        &text,
    )
}

async fn send(network: &Network, revocation: &Revocation) -> Result<Revoked> {
    revocation.check()?;
    let (api, _) = connect(network, None).await?;
    Ok(api.revoke(revocation).await?)
}

fn sent(revoked: &Revoked) -> String {
    format!(
        "pool `{}`: {} numbers are revoked now; answers that are stored count all the same\n",
        one_line(&revoked.pool),
        revoked.numbers
    )
}

/// A time of the command line in Unix seconds.
fn seconds(text: &str) -> Result<u64> {
    let time: jiff::Timestamp = text
        .parse()
        .ok()
        .with_context(|| format!("--expires {text}: not a date and time with an offset, like 2027-01-01T00:00:00Z"))?;
    u64::try_from(time.as_second())
        .ok()
        .with_context(|| format!("--expires {text}: is before 1970"))
}

async fn serve(args: &Serve, format: Format) -> Result<()> {
    let (issuers, key) = pool_of(&args.pool.key, (args.pool.pool.as_deref(), args.pool.issuers.as_deref()))?;
    let PlatformKind::Prolific = args.platform;
    let token = token::read(&args.token_file)?;
    let expires = args.expires.as_deref().map(seconds).transpose()?;
    let (line, named) = (in_spec(&issuers), issuers.clone());
    let service = Service::new(
        (issuers, key, expires),
        &args.study,
        (&args.platform_url, token.as_str()),
        (&args.record, &args.pool.key),
    )?;
    let given = service.given();
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on TCP {}", args.listen))?;
    let address = listener.local_addr()?;
    let study = "https://YOUR.HOST/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}";
    // Whoever has started the service may not read on.
    let _ = format.print(
        &json!({ "ready": format!("http://{address}"), "given": given, "issuers": named, "study": study }),
        &format!("ready http://{address} given={given}\nfor the job's spec: issuers = {line}\nthe study's address: {study}\n"),
    );
    axum::serve(listener, service.router())
        .with_graceful_shutdown(async {
            // Without a handler of signals the service runs until it is killed, which harms nothing.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await
        .context("the service has failed")
}
