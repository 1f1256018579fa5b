//! The node's sealing keys, one for each epoch. A new key is drawn when the newest one is old enough, or when the operator says so; a key
//! whose time is over is overwritten and removed. Each is a file of its own, so that `tacit-node rotate-sealing-key` makes one while the node
//! runs. Backups leave their folder out: a copy would open what was sealed long ago.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tacit_mpc_core::digest::Digest;
use tacit_program::{Backoff, LastReason, unix_time};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::sealing::UnsealingKey;
use tacit_protocol::sealing_epoch::{SealingEpoch, SignedEpoch};
use tracing::{error, info};

use crate::sealing_key_files::{self, Epoch, Lifetime, SealingKeysError, create, file_name, numbers, read};

/// How often the folder is looked at.
const PAUSE: Duration = Duration::from_secs(1);
const FAILED_PAUSE: Duration = Duration::from_secs(10);

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
            folder: sealing_key_files::folder(data),
            lifetime,
            cluster,
            identity,
            epochs: RwLock::default(),
        };
        keys.look_after(unix_time())?;
        Ok(keys)
    }

    /// The key of the epoch of this number, if its time is not over.
    pub(crate) fn key(&self, number: u64) -> Option<Arc<UnsealingKey>> {
        let epochs = self.epochs();
        // The file may be there for a moment longer.
        let live = end_of(&epochs, number).is_some_and(|end| unix_time() < end);
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

    /// Looks after the keys at the start, and then every [`PAUSE`], and each time tells `newest` the number of the newest one. After a failure
    /// the pause grows to [`FAILED_PAUSE`]. Never returns.
    pub(crate) async fn keep(self: Arc<Self>, newest: impl Fn(u64) + Send) {
        let mut last_error: LastReason<SealingKeysError> = LastReason::default();
        let mut pauses = Backoff::without_jitter(PAUSE, FAILED_PAUSE);
        loop {
            if let Some((number, _)) = self.epochs().last_key_value() {
                newest(*number);
            }
            let keys = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || keys.look_after(unix_time())).await {
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

    /// Takes up new files, destroys keys whose time is over at this Unix time, and begins an epoch if it is time. Whatever fails does not keep the
    /// rest from being done: an expired key must not stay because the disk is full, or because another file cannot be read.
    fn look_after(&self, now: u64) -> Result<(), SealingKeysError> {
        let mut errors = self.take_up();
        errors.extend(self.destroy(now));
        let due = |(number, epoch): (&u64, &Epoch)| number.saturating_add(self.lifetime.interval) <= now || epoch.expires <= now;
        if self.epochs().last_key_value().is_none_or(due) {
            match create(&self.folder, self.lifetime, now) {
                Ok(_) => errors.extend(self.take_up()),
                Err(error) => errors.push(error),
            }
        }
        errors.dedup();
        SealingKeysError::of_all(errors)
    }

    /// Destroys the keys whose time is over, and returns what has failed.
    fn destroy(&self, now: u64) -> Vec<SealingKeysError> {
        let over: Vec<u64> = {
            let epochs = self.epochs();
            let is_over = |number: &u64| end_of(&epochs, *number).is_some_and(|end| end <= now);
            epochs.keys().copied().filter(is_over).collect()
        };
        let mut errors = Vec::new();
        for number in over {
            // Whoever opens an envelope with it at this moment still has it in memory.
            match sealing_key_files::destroy(&self.folder, number) {
                Ok(()) => {
                    self.epochs.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
                    info!(epoch = number, "a sealing key whose time is over was destroyed");
                }
                Err(error) => errors.push(error),
            }
        }
        errors
    }

    /// Reads the files that are not known yet, and returns what has failed.
    fn take_up(&self) -> Vec<SealingKeysError> {
        let numbers = match numbers(&self.folder) {
            Ok(numbers) => numbers,
            Err(error) => return vec![error],
        };
        let mut errors = Vec::new();
        for number in numbers {
            if self.epochs().contains_key(&number) {
                continue;
            }
            match read(&self.folder.join(file_name(number))) {
                Ok(Some(epoch)) => {
                    info!(epoch = number, expires = epoch.expires, "a sealing key is in use");
                    self.epochs.write().unwrap_or_else(PoisonError::into_inner).insert(number, epoch);
                }
                Ok(None) => errors.extend(sealing_key_files::destroy(&self.folder, number).err()),
                Err(error) => errors.push(error),
            }
        }
        errors
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
    use tacit_program::durable::{self, Access};

    use super::*;
    use crate::sealing_key_files::inspect;

    const NOW: u64 = 1_784_030_400;
    const LIFETIME: Lifetime = Lifetime {
        interval: 100,
        overlap: 10,
    };

    fn opened(folder: &Path) -> SealingKeys {
        SealingKeys {
            folder: sealing_key_files::folder(folder),
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
        let look_after = |now, expected: &[u64]| {
            keys.look_after(now).unwrap();
            assert_eq!(known(&keys), expected, "{}", now - NOW);
            let mut files = numbers(&keys.folder).unwrap();
            files.sort_unstable();
            assert_eq!(files, expected);
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
    fn what_cannot_be_read_or_drawn_keeps_no_expired_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = opened(folder.path());
        keys.look_after(NOW).unwrap();
        let expired = keys.folder.join(file_name(NOW));
        // Somebody has put a file there that is no key, and a number that is greater than all: so no new key can be drawn either.
        let odd = keys.folder.join(file_name(u64::MAX));
        durable::write(&odd, b"no key", Access::Private).unwrap();
        let errors = keys.look_after(NOW + 10_000).unwrap_err();
        assert!(matches!(&errors, SealingKeysError::Several(errors) if errors.len() > 1), "{errors}");
        assert!(errors.to_string().contains(&file_name(u64::MAX)), "{errors}");
        assert!(!expired.exists() && keys.key(NOW).is_none());
        std::fs::remove_file(odd).unwrap();
        keys.look_after(NOW + 10_000).unwrap();
        assert_eq!(known(&keys), [NOW + 10_000]);
    }

    #[test]
    fn a_file_of_zeros_is_a_key_that_was_being_destroyed() {
        let folder = tempfile::tempdir().unwrap();
        let keys = opened(folder.path());
        keys.look_after(NOW).unwrap();
        let paths = [NOW - 2, NOW - 1].map(|number| keys.folder.join(file_name(number)));
        durable::write(&paths[0], &[0; 300], Access::Private).unwrap();
        durable::write(&paths[1], b"", Access::Private).unwrap();
        inspect(folder.path()).unwrap();
        let again = opened(folder.path());
        again.look_after(NOW + 1).unwrap();
        assert_eq!(known(&again), [NOW]);
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
