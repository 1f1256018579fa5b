//! The node's sealing keys, one for each epoch. A new key is drawn when the newest one is old enough, or when the operator says so; a key
//! whose time is over is overwritten and removed. Each is a file of its own in the folder `sealing` of the data folder, so that
//! `tacit-node rotate-sealing-key` makes one while the node runs. Backups leave this folder out: a copy would open what was sealed long ago.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_program::durable::{self, Access};
use tacit_program::key_file::{self, KeyFileError};
use tacit_program::{Backoff, LastReason};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::sealing::{Suite, UnsealingKey};
use tacit_protocol::sealing_epoch::{MAX_LIFETIME, SealingEpoch, SignedEpoch};
use thiserror::Error;
use tracing::{error, info};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How often the folder is looked at.
const PAUSE: Duration = Duration::from_secs(1);
const FAILED_PAUSE: Duration = Duration::from_secs(10);

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
}

impl SealingKeysError {
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
struct Epoch {
    expires: u64,
    opens_older_until: u64,
    key: Arc<UnsealingKey>,
}

/// The sealing keys of a node, by the number of their epoch.
#[derive(Debug)]
pub(crate) struct SealingKeys {
    folder: PathBuf,
    lifetime: Lifetime,
    cluster: Digest,
    identity: SecretKey,
    epochs: RwLock<BTreeMap<u64, Epoch>>,
}

impl SealingKeys {
    /// Reads the keys under a data folder, draws one if the newest is missing or old, and destroys those whose time is over. The keys are
    /// signed for the cluster of this digest with the identity key.
    pub(crate) fn open(data: &Path, lifetime: Lifetime, cluster: Digest, identity: SecretKey) -> Result<Self, SealingKeysError> {
        let keys = Self {
            folder: folder(data),
            lifetime,
            cluster,
            identity,
            epochs: RwLock::default(),
        };
        keys.look_after(now())?;
        Ok(keys)
    }

    /// The key of the epoch of this number, if its time is not over.
    pub(crate) fn key(&self, number: u64) -> Option<Arc<UnsealingKey>> {
        let epochs = self.epochs();
        // The file may be there for a moment longer.
        let live = end_of(&epochs, number).is_some_and(|end| now() < end);
        epochs.get(&number).filter(|_| live).map(|epoch| Arc::clone(&epoch.key))
    }

    /// The newest key, signed; `None` if there is none, because the folder cannot be written.
    pub(crate) fn newest(&self) -> Option<SignedEpoch> {
        let epochs = self.epochs();
        let (number, epoch) = epochs.last_key_value()?;
        let statement = SealingEpoch {
            cluster: self.cluster,
            number: *number,
            expires: epoch.expires,
            opens_older_until: epoch.opens_older_until,
            key: epoch.key.public(),
        };
        Some(Signed::new(statement, Purpose::SealingEpoch, &self.identity))
    }

    /// Looks after the keys again and again, and tells `newest` the number of the newest one. Never returns.
    pub(crate) async fn keep(self: Arc<Self>, newest: impl Fn(u64) + Send) {
        let mut last_error: LastReason<SealingKeysError> = LastReason::default();
        let mut pauses = Backoff::without_jitter(PAUSE, FAILED_PAUSE);
        loop {
            if let Some((number, _)) = self.epochs().last_key_value() {
                newest(*number);
            }
            let keys = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || keys.look_after(now())).await {
                Ok(Err(error)) => {
                    if last_error.is_new(&error) {
                        error!(%error, "sealing keys are not renewed or not destroyed in time");
                    }
                    tokio::time::sleep(pauses.next_pause()).await;
                }
                _ => {
                    last_error.clear();
                    pauses.reset();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Takes up new files, begins an epoch if it is time, and destroys keys whose time is over at this Unix time.
    fn look_after(&self, now: u64) -> Result<(), SealingKeysError> {
        self.take_up()?;
        let due = |(number, epoch): (&u64, &Epoch)| number.saturating_add(self.lifetime.interval) <= now || epoch.expires <= now;
        if self.epochs().last_key_value().is_none_or(due) {
            create(&self.folder, self.lifetime, now)?;
            self.take_up()?;
        }
        let over: Vec<u64> = {
            let epochs = self.epochs();
            let is_over = |number: &u64| end_of(&epochs, *number).is_some_and(|end| end <= now);
            epochs.keys().copied().filter(is_over).collect()
        };
        for number in over {
            // Whoever opens an envelope with it at this moment still has it in memory.
            self.epochs.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
            let path = self.folder.join(file_name(number));
            durable::destroy(&path).map_err(SealingKeysError::at(&path))?;
            info!(epoch = number, "a sealing key whose time is over was destroyed");
        }
        Ok(())
    }

    /// Reads the files that are not known yet.
    fn take_up(&self) -> Result<(), SealingKeysError> {
        for number in numbers(&self.folder)? {
            if self.epochs().contains_key(&number) {
                continue;
            }
            let epoch = read(&self.folder.join(file_name(number)))?;
            info!(epoch = number, expires = epoch.expires, "a sealing key is in use");
            self.epochs.write().unwrap_or_else(PoisonError::into_inner).insert(number, epoch);
        }
        Ok(())
    }

    fn epochs(&self) -> RwLockReadGuard<'_, BTreeMap<u64, Epoch>> {
        // No panic leaves the map half changed.
        self.epochs.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the key of an epoch is destroyed, in Unix time.
fn end_of(epochs: &BTreeMap<u64, Epoch>, number: u64) -> Option<u64> {
    let (newest, last) = epochs.last_key_value()?;
    let epoch = epochs.get(&number)?;
    Some(if number == *newest {
        epoch.expires
    } else {
        epoch.expires.min(last.opens_older_until)
    })
}

/// Draws a key for the next epoch, beside those under a data folder. Returns the number of the epoch. A node that runs takes it up
/// within a second or two.
pub(crate) fn rotate(data: &Path, lifetime: Lifetime) -> Result<u64, SealingKeysError> {
    create(&folder(data), lifetime, now())
}

fn create(folder: &Path, lifetime: Lifetime, now: u64) -> Result<u64, SealingKeysError> {
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

fn file_name(number: u64) -> String {
    format!("{number}.key")
}

/// The numbers of the epochs that have a file; none if there is no folder.
fn numbers(folder: &Path) -> Result<Vec<u64>, SealingKeysError> {
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

/// Checks that the key files under a data folder can be read, and whether `tacit demo` has made them.
pub(crate) fn inspect(data: &Path) -> Result<(), SealingKeysError> {
    let folder = folder(data);
    for number in numbers(&folder)? {
        read(&folder.join(file_name(number)))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Epoch, SealingKeysError> {
    let syntax = |expected: &'static str| KeyFileError::Syntax {
        path: path.to_owned(),
        expected,
    };
    let text = key_file::read(path)?;
    // The parser's own message could repeat the line with the key.
    let file: KeyFile = toml::from_str(&text).map_err(|_| syntax("the fields `expires`, `opens_older_until`, `suite` and `secret_key`"))?;
    let secret = hex::decode(&file.secret_key).map(Zeroizing::new);
    let key = secret.ok().and_then(|secret| UnsealingKey::from_bytes(file.suite, &secret).ok());
    Ok(Epoch {
        expires: file.expires,
        opens_older_until: file.opens_older_until,
        key: Arc::new(key.ok_or_else(|| syntax("a key of its suite in hexadecimal in field `secret_key`"))?),
    })
}

/// The time now, in Unix time.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
impl SealingKeys {
    /// Keys without files: this one, of this epoch, for good.
    pub(crate) fn of_tests(number: u64, key: UnsealingKey, identity: SecretKey) -> Self {
        let epoch = Epoch {
            expires: u64::MAX,
            opens_older_until: u64::MAX,
            key: Arc::new(key),
        };
        Self {
            folder: PathBuf::new(),
            lifetime: Lifetime { interval: 1, overlap: 1 },
            cluster: Digest::of("test", &[]),
            identity,
            epochs: RwLock::new([(number, epoch)].into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_784_030_400;
    const LIFETIME: Lifetime = Lifetime {
        interval: 100,
        overlap: 10,
    };

    fn opened(folder: &Path) -> SealingKeys {
        SealingKeys {
            folder: super::folder(folder),
            lifetime: LIFETIME,
            cluster: Digest::of("cluster", &[]),
            identity: SecretKey::from_bytes(&[1; 32]),
            epochs: RwLock::default(),
        }
    }

    fn known(keys: &SealingKeys) -> Vec<u64> {
        keys.epochs().keys().copied().collect()
    }

    #[test]
    fn keys_are_drawn_in_time_and_destroyed_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let keys = opened(folder.path());
        let look_after = |now, numbers: &[u64]| {
            keys.look_after(now).unwrap();
            assert_eq!(known(&keys), numbers, "{}", now - NOW);
            let mut files = super::numbers(&keys.folder).unwrap();
            files.sort_unstable();
            assert_eq!(files, numbers);
        };
        look_after(NOW, &[NOW]);
        look_after(NOW + 99, &[NOW]);
        look_after(NOW + 100, &[NOW, NOW + 100]);
        look_after(NOW + 109, &[NOW, NOW + 100]);
        look_after(NOW + 110, &[NOW + 100]);
        // A second and a third one by hand, in one second.
        assert_eq!(create(&keys.folder, LIFETIME, NOW + 120).unwrap(), NOW + 120);
        assert_eq!(create(&keys.folder, LIFETIME, NOW + 120).unwrap(), NOW + 121);
        look_after(NOW + 130, &[NOW + 100, NOW + 120, NOW + 121]);
        look_after(NOW + 131, &[NOW + 121]);
        // A node that was away for long comes back with a fresh key only.
        look_after(NOW + 10_000, &[NOW + 10_000]);

        let again = opened(folder.path());
        again.look_after(NOW + 10_001).unwrap();
        assert_eq!(again.newest(), keys.newest(), "a restart changes nothing");
    }

    #[test]
    fn the_newest_key_is_signed_and_has_the_files_times() {
        let folder = tempfile::tempdir().unwrap();
        let keys = opened(folder.path());
        assert_eq!(keys.newest(), None);
        keys.look_after(NOW).unwrap();
        let signed = keys.newest().unwrap();
        let (cluster, identity) = (keys.cluster, keys.identity.public());
        assert_eq!(SealingEpoch::check(&signed, &cluster, &identity, NOW), Ok(()));
        let epoch = signed.value;
        assert_eq!((epoch.number, epoch.expires, epoch.opens_older_until), (NOW, NOW + 110, NOW + 10));
        assert!(keys.key(NOW + 1).is_none());
    }

    #[test]
    fn files_of_a_lost_folder_get_greater_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let first = create(&super::folder(folder.path()), LIFETIME, NOW).unwrap();
        std::fs::remove_dir_all(super::folder(folder.path())).unwrap();
        assert!(create(&super::folder(folder.path()), LIFETIME, NOW + 1).unwrap() > first);
    }

    #[test]
    fn errors_name_the_file_and_never_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = opened(folder.path());
        keys.look_after(NOW).unwrap();
        let path = keys.folder.join(file_name(NOW));
        let text = std::fs::read_to_string(&path).unwrap();
        let secret = text.split("secret_key = \"").nth(1).unwrap()[..64].to_owned();
        durable::write(&path, text.replace("secret_key", "secret").as_bytes(), Access::Private).unwrap();
        let error = inspect(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&file_name(NOW)) && !error.contains(&secret), "{error}");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(inspect(folder.path()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn lifetimes_that_contributors_refuse_are_refused() {
        let check = |interval, overlap| Lifetime { interval, overlap }.check();
        assert_eq!(check(1, 1), Ok(()));
        assert!(check(0, 1).is_err() && check(1, 0).is_err() && check(MAX_LIFETIME, 1).is_err() && check(u64::MAX, 1).is_err());
    }
}
