//! `tacit-coordinator init`: a folder with everything but the cluster file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tacit_mpc_core::heading::heading;
use tacit_protocol::card::Card;
use tacit_protocol::cluster::CoordinatorEntry;
use tacit_protocol::identity::SecretKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::args::Init;
use crate::buyers::{Buyers, new_token};
use crate::key_file::write_private;
use crate::random::{NoRandomness, random};

/// Why no folder was made.
#[derive(Debug, Error)]
pub enum InitError {
    /// A file is there already.
    #[error("{0} exists already and is not overwritten: choose another folder, or remove it if it is not needed any more")]
    Exists(String),
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// The card or the buyer's token cannot be shown.
    #[error("cannot print the card and the buyer's token: {0}; no folder was made")]
    Print(String),
    /// The operating system gives no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// What a new folder is known by.
struct New {
    /// For the cluster file.
    entry: CoordinatorEntry,
    /// The first buyer's token: shown once, kept as a hash.
    buyer_token: Zeroizing<String>,
}

impl New {
    /// The card goes to `out`, for everyone; the token to `aside`, for one.
    fn show(self, out: &mut impl Write, aside: &mut impl Write) -> io::Result<()> {
        let token = Zeroizing::new(format!(
            "key fingerprint: {}\n\
             # The first buyer's token. It is not kept and not shown again.\n\
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

/// Makes the folder, prints the coordinator's card to `out` and the first buyer's token to `aside`; all of it or nothing.
///
/// # Errors
/// A file exists already, or something cannot be written. Then nothing is left of what was.
pub fn init(args: &Init, out: &mut impl Write, aside: &mut impl Write) -> Result<(), InitError> {
    let mut made = Made::default();
    make(args, &mut made)
        // The token is shown here only: unseen, the folder is of no use.
        .and_then(|new| new.show(out, aside).map_err(|e| InitError::Print(e.to_string())))
        .inspect_err(|_| made.undo())
}

fn make(args: &Init, made: &mut Made) -> Result<New, InitError> {
    let Init {
        dir, url, listen, demo, ..
    } = args;
    let heading = heading(&jiff::Timestamp::now().to_string(), *demo);
    let [key_path, config_path, buyers_path] = ["identity.key", "config.toml", "buyers.toml"].map(|name| dir.join(name));
    for path in [&key_path, &config_path, &buyers_path] {
        if path.exists() {
            return Err(InitError::Exists(path.display().to_string()));
        }
    }
    let seed = random()?;
    let key = SecretKey::from_bytes(&seed);
    let buyer_token = new_token()?;
    made.folder(dir)?;
    let seed_text = Zeroizing::new(hex::encode(seed.as_slice()));
    made.file(key_path, &Zeroizing::new(format!("{heading}{}\n", seed_text.as_str())))?;
    made.file(buyers_path, &(heading + &Buyers::file_text("first", &buyer_token)))?;
    made.file(config_path, &config_text(args))?;
    Ok(New {
        entry: CoordinatorEntry {
            url: url.clone().unwrap_or_else(|| format!("http://{listen}")),
            identity: key.public(),
        },
        buyer_token,
    })
}

/// What this run has made, and removes again when it cannot make the rest.
#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Made {
    fn folder(&mut self, dir: &Path) -> Result<(), InitError> {
        let missing = dir
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let mut missing: Vec<&Path> = missing.collect();
        missing.reverse();
        for folder in missing {
            std::fs::create_dir(folder).map_err(write_error(folder))?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf, text: &str) -> Result<(), InitError> {
        write_private(&path, text).map_err(write_error(&path))?;
        self.files.push(path);
        Ok(())
    }

    /// The failure that led here is the one to tell, not that of a removal.
    fn undo(&self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> InitError {
    move |e| InitError::Write {
        path: path.display().to_string(),
        reason: e.to_string(),
    }
}

fn config_text(args: &Init) -> String {
    let Init { listen, admin, .. } = args;
    let [cluster, data] = [&args.cluster, &args.data].map(|path| toml::Value::from(path.as_str()));
    format!(
        "# Paths are relative to this file.\n\
         cluster = {cluster}        # the same file at every member\n\
         identity_key = \"identity.key\"\n\
         data = {data}\n\
         listen = \"{listen}\"      # HTTP API; put TLS before it when others than this machine use it\n\
         admin = \"{admin}\"       # /livez /readyz /metrics; keep it private\n\
         buyers = \"buyers.toml\"\n\
         enrolment = \"open\"              # or \"closed\"\n\
         max_attempts = 3\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::os::unix::fs::PermissionsExt;

    fn args(dir: &Path) -> Init {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        Init {
            dir: dir.to_owned(),
            url: None,
            listen: address,
            admin: address,
            cluster: "cluster.toml".to_owned(),
            data: "data".to_owned(),
            demo: false,
        }
    }

    #[test]
    fn makes_a_folder_once_that_the_other_commands_read() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("coordinator");
        let (mut out, mut aside) = (Vec::new(), Vec::new());
        init(&args(&dir), &mut out, &mut aside).unwrap();
        let card = Card::parse(&out).unwrap().coordinator.unwrap();
        assert_eq!(card.url, "http://127.0.0.1:8080");

        let config = crate::config::read(&dir.join("config.toml")).unwrap();
        let key = crate::key_file::read(&config.identity_key).unwrap();
        assert_eq!(card.identity, key.public());
        let buyers = Buyers::read(config.buyers.as_deref().unwrap()).unwrap();
        let aside = String::from_utf8(aside).unwrap();
        let token = aside.lines().find_map(|line| line.strip_prefix("buyer_token = ")).unwrap();
        assert_eq!(buyers.name_of(token.trim_matches('"')), Some("first"));
        assert!(aside.contains(&card.fingerprint()) && !String::from_utf8(out).unwrap().contains("token"));
        let mode = std::fs::metadata(&config.identity_key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let mut unwritten = Vec::new();
        let again = init(&args(&dir), &mut unwritten, &mut Vec::new());
        assert!(matches!(again, Err(InitError::Exists(_))) && unwritten.is_empty());
        assert_eq!(crate::key_file::read(&config.identity_key).unwrap().public(), key.public());
    }

    #[test]
    fn what_cannot_be_finished_is_undone_and_can_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new").join("coordinator");
        // A reader that is gone: the token would be lost.
        let (reader, mut closed) = std::io::pipe().unwrap();
        drop(reader);
        for lost in [
            init(&args(&dir), &mut Vec::new(), &mut closed),
            init(&args(&dir), &mut closed, &mut Vec::new()),
        ] {
            assert!(matches!(lost, Err(InitError::Print(_))));
        }
        assert!(!folder.path().join("new").exists());

        // The last file cannot be written: a link to nowhere is in its place.
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
