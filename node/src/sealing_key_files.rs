//! The files of sealing keys: one for each epoch, in the folder `sealing` of the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use tacit_program::durable::{self, Access};
use tacit_program::key_file::{self, KeyFileError};
use tacit_program::unix_time;
use tacit_protocol::sealing::{Suite, UnsealingKey};
use tacit_protocol::sealing_epoch::MAX_LIFETIME;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How long sealing keys live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// After this many seconds the next epoch begins.
    pub interval: u64,
    /// For this many seconds more the key of the epoch before is kept.
    pub overlap: u64,
}

impl Lifetime {
    /// Checks that the two are usable together.
    pub(crate) fn check(self) -> Result<(), String> {
        if self.interval == 0 || self.overlap == 0 {
            return Err("fields `sealing_interval_seconds` and `sealing_overlap_seconds` must be at least 1".to_owned());
        }
        match self.interval.checked_add(self.overlap) {
            Some(lifetime) if lifetime <= MAX_LIFETIME => Ok(()),
            _ => Err(format!(
                "fields `sealing_interval_seconds` and `sealing_overlap_seconds` must be {MAX_LIFETIME} together at most: contributors refuse keys that live longer"
            )),
        }
    }
}

/// Why a key cannot be read, made or destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SealingKeysError {
    /// A key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The folder or a file in it cannot be written.
    #[error("sealing key {path}: {reason}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Several keys have these errors.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<Self>),
}

impl SealingKeysError {
    /// These errors as one; none if there are none.
    pub(crate) fn of_all(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.pop() {
            None => Ok(()),
            Some(error) if errors.is_empty() => Err(error),
            Some(error) => {
                errors.push(error);
                Err(Self::Several(errors))
            }
        }
    }

    fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |error| Self::File {
            path: path.to_owned(),
            reason: format!("{error}: make the folder writable for the node"),
        }
    }
}

/// A key file.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    expires: u64,
    opens_older_until: u64,
    #[zeroize(skip)]
    suite: Suite,
    secret_key: String,
}

/// The key of one epoch.
#[derive(Debug)]
pub(crate) struct Epoch {
    /// When contributors stop to seal to it, in Unix time.
    pub expires: u64,
    /// Until when the keys before it are kept, in Unix time.
    pub opens_older_until: u64,
    pub key: Arc<UnsealingKey>,
}

/// Draws a key for the next epoch, beside those under a data folder. Returns the number of the epoch. A node that runs takes it up
/// within a second or two.
pub(crate) fn rotate(data: &Path, lifetime: Lifetime) -> Result<u64, SealingKeysError> {
    create(&folder(data), lifetime, unix_time())
}

/// Draws a key for the epoch that begins now, or after the last one of the folder if that is later. Returns the number of the epoch.
pub(crate) fn create(folder: &Path, lifetime: Lifetime, now: u64) -> Result<u64, SealingKeysError> {
    durable::create_folders(folder, Access::Private, |_| {}).map_err(SealingKeysError::at(folder))?;
    let last = numbers(folder)?.into_iter().max();
    let number = last.map_or(now, |last| now.max(last.saturating_add(1)));
    let key = UnsealingKey::generate(Suite::XWing, &mut UnwrapErr(SysRng));
    let opens_older_until = number.saturating_add(lifetime.overlap);
    let file = KeyFile {
        expires: opens_older_until.saturating_add(lifetime.interval),
        opens_older_until,
        suite: key.suite(),
        secret_key: hex::encode(key.to_bytes()),
    };
    let path = folder.join(file_name(number));
    let written = toml::to_string(&file).map(Zeroizing::new);
    let text = written.map_err(|error| SealingKeysError::File {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    durable::write_new(&path, text.as_bytes(), Access::Private).map_err(SealingKeysError::at(&path))?;
    hand_over(folder, &path).map_err(SealingKeysError::at(&path))?;
    Ok(number)
}

/// Gives a new file to the user to whom the folder belongs: an operator may rotate keys as root, and the node is another user.
#[cfg(unix)]
fn hand_over(folder: &Path, path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let [owner, file] = [std::fs::metadata(folder)?, std::fs::metadata(path)?];
    if (owner.uid(), owner.gid()) == (file.uid(), file.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(not(unix))]
fn hand_over(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The folder of the keys under a data folder.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("sealing")
}

pub(crate) fn file_name(number: u64) -> String {
    format!("{number}.key")
}

/// The numbers of the epochs that have a file; none if there is no folder.
pub(crate) fn numbers(folder: &Path) -> Result<Vec<u64>, SealingKeysError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(SealingKeysError::at(folder))?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(SealingKeysError::at(folder))?.file_name();
        let number: Option<u64> = name
            .to_str()
            .and_then(|name| name.strip_suffix(".key"))
            .and_then(|number| number.parse().ok());
        numbers.extend(number);
    }
    Ok(numbers)
}

/// Overwrites the file of an epoch's key with zeros and removes it.
pub(crate) fn destroy(folder: &Path, number: u64) -> Result<(), SealingKeysError> {
    let path = folder.join(file_name(number));
    durable::erase(&path).map_err(SealingKeysError::at(&path))
}

/// Checks that the key files under a data folder can be read.
pub(crate) fn inspect(data: &Path) -> Result<(), SealingKeysError> {
    let folder = folder(data);
    for number in numbers(&folder)? {
        read(&folder.join(file_name(number)))?;
    }
    Ok(())
}

/// Reads a key file; `None` if it holds nothing but zeros: the process ended between overwriting and removing it.
pub(crate) fn read(path: &Path) -> Result<Option<Epoch>, SealingKeysError> {
    let syntax = |expected: &'static str| KeyFileError::Syntax {
        path: path.to_owned(),
        expected,
    };
    let text = key_file::read(path)?;
    if text.bytes().all(|byte| byte == 0) {
        return Ok(None);
    }
    // The parser's own message could repeat the line with the key.
    let file: KeyFile = toml::from_str(&text).map_err(|_| syntax("the fields `expires`, `opens_older_until`, `suite` and `secret_key`"))?;
    let secret = hex::decode(&file.secret_key).map(Zeroizing::new);
    let key = secret.ok().and_then(|secret| UnsealingKey::from_bytes(file.suite, &secret).ok());
    Ok(Some(Epoch {
        expires: file.expires,
        opens_older_until: file.opens_older_until,
        key: Arc::new(key.ok_or_else(|| syntax("a key of its suite in hexadecimal in field `secret_key`"))?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Lifetime = Lifetime {
        interval: 100,
        overlap: 10,
    };

    #[test]
    fn files_of_a_lost_folder_get_greater_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let first = create(&super::folder(folder.path()), LIFETIME, 1_000).unwrap();
        std::fs::remove_dir_all(super::folder(folder.path())).unwrap();
        assert!(create(&super::folder(folder.path()), LIFETIME, 1_001).unwrap() > first);
    }

    #[test]
    fn lifetimes_that_contributors_refuse_are_refused() {
        let check = |interval, overlap| Lifetime { interval, overlap }.check();
        assert_eq!(check(1, 1), Ok(()));
        assert!(check(0, 1).is_err() && check(1, 0).is_err() && check(MAX_LIFETIME, 1).is_err() && check(u64::MAX, 1).is_err());
    }
}
