//! `tacit-coordinator init`: makes a folder with everything but the cluster file.

use std::io::{self, Write};
use std::path::PathBuf;

use tacit_program::{CreateError, CreatedFiles, key_file};
use tacit_protocol::card::Card;
use tacit_protocol::cluster::CoordinatorEntry;
use tacit_protocol::identity::SecretKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::args::Init;
use crate::buyers::{Buyers, new_token};
use crate::random::{NoRandomness, random};

/// Why `init` made nothing.
#[derive(Debug, Error)]
pub(crate) enum InitError {
    /// A file exists.
    #[error("{0} exists already and is not overwritten: choose another folder, or remove it if it is not needed any more")]
    Exists(PathBuf),
    /// A file or folder cannot be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The card or the buyer's token cannot be printed.
    #[error("cannot print the card and the buyer's token: {0}; no folder was made")]
    Print(String),
    /// The operating system provides no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// What the operator needs of a new folder.
struct New {
    /// The coordinator's entry for the cluster file.
    entry: CoordinatorEntry,
    /// The first buyer's token. It is printed once; the folder holds its hash.
    buyer_token: Zeroizing<String>,
}

impl New {
    /// Prints the card, which is public, to `out`, and the token, which is secret, to `aside`.
    fn show(self, out: &mut impl Write, aside: &mut impl Write) -> io::Result<()> {
        let token = Zeroizing::new(format!(
            "key fingerprint: {}\n\
             # The first buyer's token. It is not stored and not shown again.\n\
             buyer_token = \"{}\"\n",
            self.entry.fingerprint(),
            self.buyer_token.as_str()
        ));
        aside.write_all(token.as_bytes())?;
        let card = Card {
            coordinator: Some(self.entry),
            nodes: Vec::new(),
        };
        let card = toml::to_string(&card).map_err(io::Error::other)?;
        out.write_all(card.as_bytes())?;
        out.flush()
    }
}

/// Makes the folder, and prints the coordinator's card to `out` and the first buyer's token to `aside`.
///
/// # Errors
/// A file exists already, or something cannot be written or printed. Then no new file or folder is left.
pub(crate) fn init(args: &Init, out: &mut impl Write, aside: &mut impl Write) -> Result<(), InitError> {
    let mut created = CreatedFiles::default();
    let new = make(args, &mut created)?;
    // The token is printed only here; without it the folder is of no use.
    new.show(out, aside).map_err(|e| InitError::Print(e.to_string()))?;
    created.keep();
    Ok(())
}

fn make(args: &Init, created: &mut CreatedFiles) -> Result<New, InitError> {
    let Init {
        dir, url, listen, demo, ..
    } = args;
    let header = key_file::header(&jiff::Timestamp::now().to_string(), *demo);
    let [key_path, config_path, buyers_path] = ["identity.key", "config.toml", "buyers.toml"].map(|name| dir.join(name));
    for path in [&key_path, &config_path, &buyers_path] {
        if path.exists() {
            return Err(InitError::Exists(path.clone()));
        }
    }
    let seed = random()?;
    let key = SecretKey::from_bytes(&seed);
    let buyer_token = new_token()?;
    created.folder(dir)?;
    created.file(key_path, key_file::seed_text(&header, &seed).as_bytes())?;
    created.file(buyers_path, (header + &Buyers::file_text("first", &buyer_token)).as_bytes())?;
    created.file(config_path, config_text(args).as_bytes())?;
    Ok(New {
        entry: CoordinatorEntry {
            url: url.clone().unwrap_or_else(|| format!("http://{listen}")),
            identity: key.public(),
        },
        buyer_token,
    })
}

fn config_text(args: &Init) -> String {
    let Init { listen, admin, .. } = args;
    let [cluster, data] = [&args.cluster, &args.data].map(|path| toml::Value::from(path.as_str()));
    let mut text = format!(
        "# Paths are relative to this file.\n\
         cluster = {cluster}        # the same file at every member\n\
         identity_key = \"identity.key\"\n\
         data = {data}\n\
         listen = \"{listen}\"      # HTTP API; others than this machine need TLS: [tls], or a proxy\n\
         admin = \"{admin}\"       # /livez /readyz /metrics; keep it private\n\
         buyers = \"buyers.toml\"\n\
         enrolment = \"open\"              # or \"closed\"\n\
         max_attempts = 3\n\
         # page_origins = [\"https://answers.example.org\"]   # pages that may use the API; without it all, or those of this machine\n\
         \n\
         # [tls]                          # read again on SIGHUP\n\
         # certificate = \"api.crt\"\n\
         # key = \"api.key\"\n"
    );
    if !args.proxies.is_empty() {
        let proxies = toml::Value::Array(args.proxies.iter().map(|range| range.to_string().into()).collect());
        text += &format!(
            "\n\
             [limits]\n\
             proxies = {proxies}       # they connect for everybody, and have to limit their clients themselves\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn args(dir: &Path) -> Init {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        Init {
            dir: dir.to_owned(),
            url: None,
            listen: address,
            admin: address,
            proxies: Vec::new(),
            cluster: "cluster.toml".to_owned(),
            data: "data".to_owned(),
            demo: false,
        }
    }

    #[test]
    fn the_other_commands_read_what_init_makes() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("coordinator");
        let (mut out, mut aside) = (Vec::new(), Vec::new());
        init(&args(&dir), &mut out, &mut aside).unwrap();
        let card = Card::parse(&out).unwrap().coordinator.unwrap();
        assert_eq!(card.url, "http://127.0.0.1:8080");

        let config = crate::config::read(&dir.join("config.toml")).unwrap();
        let key = crate::config::read_key(&config.identity_key).unwrap();
        assert_eq!(card.identity, key.public());
        let buyers = Buyers::read(config.buyers.as_deref().unwrap()).unwrap();
        let aside = String::from_utf8(aside).unwrap();
        let token = aside.lines().find_map(|line| line.strip_prefix("buyer_token = ")).unwrap();
        assert_eq!(
            buyers.of_token(token.trim_matches('"')).map(|buyer| buyer.name).as_deref(),
            Some("first")
        );
        assert!(aside.contains(&card.fingerprint()) && !String::from_utf8(out).unwrap().contains("token"));
        let mode = std::fs::metadata(&config.identity_key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let mut unwritten = Vec::new();
        let again = init(&args(&dir), &mut unwritten, &mut Vec::new());
        assert!(matches!(again, Err(InitError::Exists(_))) && unwritten.is_empty());
        assert_eq!(crate::config::read_key(&config.identity_key).unwrap().public(), key.public());
    }

    #[test]
    fn the_proxies_of_the_command_line_stand_in_the_config() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("coordinator");
        let proxies: Vec<_> = ["10.0.0.0/8", "fd00::7"].iter().map(|text| text.parse().unwrap()).collect();
        let mut behind = args(&dir);
        behind.proxies.clone_from(&proxies);
        init(&behind, &mut Vec::new(), &mut Vec::new()).unwrap();
        let config = crate::config::read(&dir.join("config.toml")).unwrap();
        assert_eq!(config.limits.proxies, proxies);
    }

    #[test]
    fn init_that_fails_leaves_nothing_and_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new").join("coordinator");
        // If nobody reads the output, the token would be lost.
        let (reader, mut closed) = io::pipe().unwrap();
        drop(reader);
        for lost in [
            init(&args(&dir), &mut Vec::new(), &mut closed),
            init(&args(&dir), &mut closed, &mut Vec::new()),
        ] {
            assert!(matches!(lost, Err(InitError::Print(_))));
        }
        assert!(!folder.path().join("new").exists());

        // The last file cannot be written: a dangling link has its name.
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("cluster.toml"), "theirs").unwrap();
        std::os::unix::fs::symlink(folder.path().join("nowhere/config.toml"), dir.join("config.toml")).unwrap();
        let error = init(&args(&dir), &mut Vec::new(), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("config.toml"), "{error}");
        let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");

        std::fs::remove_file(dir.join("config.toml")).unwrap();
        init(&args(&dir), &mut Vec::new(), &mut Vec::new()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("cluster.toml")).unwrap(), "theirs");
    }
}
