//! `tacit-coordinator init`: a folder with everything but the cluster file.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tacit_core::identity::{PublicKey, SecretKey};
use thiserror::Error;
use zeroize::Zeroizing;

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
    /// What the cluster file needs, and the buyer's token, cannot be shown.
    #[error("cannot print what the cluster file needs: {0}; no folder was made")]
    Print(String),
    /// The operating system gives no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// What a new folder is known by.
struct Card {
    /// Where the API will be reached.
    url: String,
    /// The coordinator's public key.
    identity: PublicKey,
    /// The first buyer's token: shown once, kept as a hash.
    buyer_token: Zeroizing<String>,
}

impl Card {
    /// The card as TOML.
    fn to_toml(&self) -> Zeroizing<String> {
        let Self {
            url,
            identity,
            buyer_token,
        } = self;
        Zeroizing::new(format!(
            "identity = \"{identity}\"\n\
             # The first buyer's token. It is not kept and not shown again.\n\
             buyer_token = \"{}\"\n\
             \n\
             # For the cluster file; the url is where buyers and contributors reach the coordinator.\n\
             [coordinator]\n\
             url = \"{url}\"\n\
             identity = \"{identity}\"\n",
            buyer_token.as_str()
        ))
    }
}

/// Makes the folder and prints what it is known by; all of it or nothing.
///
/// # Errors
/// A file exists already, or something cannot be written. Then nothing is left of what was.
pub fn init(dir: &Path, listen: SocketAddr, admin: SocketAddr, out: &mut impl Write) -> Result<(), InitError> {
    let mut made = Made::default();
    make(dir, listen, admin, &mut made)
        .and_then(|card| {
            // The token is shown here only: unseen, the folder is of no use.
            out.write_all(card.to_toml().as_bytes())
                .and_then(|()| out.flush())
                .map_err(|e| InitError::Print(e.to_string()))
        })
        .inspect_err(|_| made.undo())
}

fn make(dir: &Path, listen: SocketAddr, admin: SocketAddr, made: &mut Made) -> Result<Card, InitError> {
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
    made.file(key_path, &Zeroizing::new(format!("{}\n", seed_text.as_str())))?;
    made.file(buyers_path, &Buyers::file_text("first", &buyer_token))?;
    made.file(config_path, &config_text(listen, admin))?;
    Ok(Card {
        url: format!("http://{listen}"),
        identity: key.public(),
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

fn config_text(listen: SocketAddr, admin: SocketAddr) -> String {
    format!(
        "# Paths are relative to this file.\n\
         cluster = \"cluster.toml\"        # the same file at every member\n\
         identity_key = \"identity.key\"\n\
         data = \"data\"\n\
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
    use std::os::unix::fs::PermissionsExt;

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 8080))
    }

    #[test]
    fn makes_a_folder_once_that_the_other_commands_read() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("coordinator");
        let mut out = Vec::new();
        init(&dir, address(), address(), &mut out).unwrap();
        let card: toml::Table = String::from_utf8(out).unwrap().parse().unwrap();
        assert_eq!(card["coordinator"]["url"].as_str().unwrap(), "http://127.0.0.1:8080");

        let config = crate::config::read(&dir.join("config.toml")).unwrap();
        let key = crate::key_file::read(&config.identity_key).unwrap();
        assert_eq!(card["identity"].as_str().unwrap(), key.public().to_string());
        let buyers = Buyers::read(config.buyers.as_deref().unwrap()).unwrap();
        assert_eq!(buyers.name_of(card["buyer_token"].as_str().unwrap()), Some("first"));
        let mode = std::fs::metadata(&config.identity_key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let again = init(&dir, address(), address(), &mut Vec::new());
        assert!(matches!(again, Err(InitError::Exists(_))));
        assert_eq!(crate::key_file::read(&config.identity_key).unwrap().public(), key.public());
    }

    #[test]
    fn what_cannot_be_finished_is_undone_and_can_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new").join("coordinator");
        // A reader that is gone: the token would be lost.
        let (reader, mut closed) = std::io::pipe().unwrap();
        drop(reader);
        assert!(matches!(init(&dir, address(), address(), &mut closed), Err(InitError::Print(_))));
        assert!(!folder.path().join("new").exists());

        // The last file cannot be written: a link to nowhere is in its place.
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("cluster.toml"), "theirs").unwrap();
        std::os::unix::fs::symlink(folder.path().join("nowhere/config.toml"), dir.join("config.toml")).unwrap();
        let error = init(&dir, address(), address(), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("config.toml"), "{error}");
        let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");

        std::fs::remove_file(dir.join("config.toml")).unwrap();
        init(&dir, address(), address(), &mut Vec::new()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("cluster.toml")).unwrap(), "theirs");
    }
}
