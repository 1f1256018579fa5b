//! Secret keys that can be destroyed, each in a file of its own.
//!
//! Whatever is sealed under such a key is gone once its 32 bytes are: in the store, in the free pages and logs of its database, and in
//! copies that nobody remembers. To destroy a key, its file is overwritten with zeros and removed, see [`durable::erase`].

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::durable::{self, Access};

/// Why keys cannot be read, kept or destroyed. No message repeats a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ErasableKeyError {
    /// A file or the folder cannot be read.
    #[error("cannot read the key file {path}: {reason}; run this as the user that owns it")]
    Read {
        /// The path of the file or folder.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// A file cannot be written or removed.
    #[error("cannot write or erase the key file {path}: {reason}; it is tried again")]
    Write {
        /// The path of the file or folder.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
}

/// Keys by name. The names must be fit for files.
pub struct ErasableKeys {
    folder: PathBuf,
    keys: Mutex<HashMap<String, Zeroizing<[u8; 32]>>>,
}

impl ErasableKeys {
    /// Reads the keys in a folder, which is created if needed. What is left of keys that were being written or destroyed when a process
    /// ended is destroyed: every file that is not 32 bytes long, holds zeros only, or has a name that begins with a dot. So the folder must
    /// hold nothing else.
    ///
    /// # Errors
    /// A file or the folder cannot be read, written or removed.
    pub fn open(folder: &Path) -> Result<Self, ErasableKeyError> {
        let unread = |path: &Path, error: &io::Error| ErasableKeyError::Read {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        durable::create_folders(folder, Access::Private, |_| {}).map_err(|error| unwritten(folder, &error))?;
        let mut keys = HashMap::new();
        for entry in std::fs::read_dir(folder).map_err(|error| unread(folder, &error))? {
            let path = entry.map_err(|error| unread(folder, &error))?.path();
            let bytes = std::fs::read(&path).map(Zeroizing::new).map_err(|error| unread(&path, &error))?;
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .filter(|name| !name.starts_with('.'));
            match (name, <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new)) {
                (Some(name), Ok(key)) if *key != [0; 32] => drop(keys.insert(name.to_owned(), key)),
                _ => durable::erase(&path).map_err(|error| unwritten(&path, &error))?,
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            keys: Mutex::new(keys),
        })
    }

    /// Keeps a key, in place of the one that has its name, if there is one. When this returns, it is on disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, name: &str, key: &[u8; 32]) -> Result<(), ErasableKeyError> {
        let mut keys = self.keys();
        let path = self.folder.join(name);
        durable::erase(&path)
            .and_then(|()| durable::write_new(&path, key, Access::Private))
            .map_err(|error| unwritten(&path, &error))?;
        keys.insert(name.to_owned(), Zeroizing::new(*key));
        Ok(())
    }

    /// The key of this name; `None` if there is none, or if it was destroyed.
    pub fn get(&self, name: &str) -> Option<Zeroizing<[u8; 32]>> {
        self.keys().get(name).cloned()
    }

    /// Destroys a key. When this returns, its bytes are overwritten on disk. If there is none of this name, nothing happens.
    ///
    /// # Errors
    /// The file cannot be overwritten or removed. Then [`Self::get`] finds the key no more, but it may be there after a restart.
    pub fn erase(&self, name: &str) -> Result<(), ErasableKeyError> {
        let mut keys = self.keys();
        keys.remove(name);
        let path = self.folder.join(name);
        durable::erase(&path).map_err(|error| unwritten(&path, &error))
    }

    /// How long ago the file of a key was written, by the clock of the machine; `None` if there is no such file, or the clock was set back.
    pub fn age(&self, name: &str) -> Option<Duration> {
        let written = std::fs::metadata(self.folder.join(name)).and_then(|file| file.modified()).ok()?;
        written.elapsed().ok()
    }

    /// The names of all keys.
    pub fn names(&self) -> Vec<String> {
        self.keys().keys().cloned().collect()
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, Zeroizing<[u8; 32]>>> {
        // No panic leaves the map half changed.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ErasableKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ErasableKeys({} in {})", self.keys().len(), self.folder.display())
    }
}

fn unwritten(path: &Path, error: &io::Error) -> ErasableKeyError {
    ErasableKeyError::Write {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(keys: &ErasableKeys, name: &str) -> Option<[u8; 32]> {
        keys.get(name).map(|key| *key)
    }

    #[test]
    fn keys_last_until_they_are_erased() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        {
            let keys = ErasableKeys::open(&path).unwrap();
            keys.keep("a", &[1; 32]).unwrap();
            keys.keep("b", &[2; 32]).unwrap();
            keys.keep("b", &[3; 32]).unwrap();
            assert_eq!(
                (get(&keys, "a"), get(&keys, "b"), get(&keys, "c")),
                (Some([1; 32]), Some([3; 32]), None)
            );
        }
        let keys = ErasableKeys::open(&path).unwrap();
        assert_eq!((get(&keys, "a"), get(&keys, "b")), (Some([1; 32]), Some([3; 32])));
        std::fs::hard_link(path.join("a"), folder.path().join("bytes")).unwrap();
        keys.erase("a").unwrap();
        keys.erase("a").unwrap();
        assert_eq!((get(&keys, "a"), keys.names()), (None, vec!["b".to_owned()]));
        assert_eq!(std::fs::read(folder.path().join("bytes")).unwrap(), [0; 32]);
        assert!(!path.join("a").exists());
        assert_eq!(ErasableKeys::open(&path).unwrap().names(), ["b"]);
        assert!(format!("{keys:?}").starts_with("ErasableKeys(1 in "), "{keys:?}");
    }

    #[test]
    fn what_a_crash_has_left_is_no_key_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("erased", vec![0; 32]), ("short", vec![1; 31]), (".tacit-x.part", vec![1; 32])] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        assert!(ErasableKeys::open(folder.path()).unwrap().names().is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        ErasableKeys::open(&path).unwrap().keep("a", &[1; 32]).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("a"))), (0o700, 0o600));
    }
}
