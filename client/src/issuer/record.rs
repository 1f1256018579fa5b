//! Who has got an invitation of the issuing service: one line of JSON a participant, on disk before the participant gets it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_protocol::credential::{Invitation, Issuers};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::FileError;

/// The longest line that is read.
const MAX_LINE: usize = 16 << 10;

/// The invitation that a participant got.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// The platform's name for the participant.
    pub participant: String,
    /// The participant's number in the pool.
    pub serial: u32,
    /// The code of the invitation.
    pub code: String,
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another service uses it.
    #[error("{0}: another service uses this record; stop it first")]
    InUse(PathBuf),
    /// A line is not one that this program wrote.
    #[error("{path}, line {line}: damaged: it should hold a participant and an invitation; restore the file from a backup")]
    Damaged {
        /// The path of the record.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An invitation is of another pool, or was not signed with this key.
    #[error("{0}: has an invitation that this key has not signed for this pool: use another record")]
    OtherPool(PathBuf),
    /// The numbers of the pool are used up.
    #[error("the pool has no number left: use another pool")]
    Full,
}

/// The record. One process at a time can hold it.
pub(super) struct Record {
    path: PathBuf,
    file: File,
    given: HashMap<String, Given>,
    last: u32,
}

impl Record {
    /// Opens a record, or makes one. The end of a line that was cut off by a crash is removed: nobody got that invitation.
    ///
    /// # Errors
    /// It cannot be read or written, another process uses it, or it is damaged.
    pub(super) fn open(path: &Path) -> Result<Self, RecordError> {
        let failed = |error: &std::io::Error| FileError::new(path, error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|e| failed(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RecordError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(&error).into()),
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).map_err(|e| failed(&e))?;
        file.seek(SeekFrom::End(0)).map_err(|e| failed(&e))?;
        let mut record = Self {
            path: path.to_owned(),
            file,
            given: HashMap::new(),
            last: 0,
        };
        for (index, line) in bytes[..whole]
            .split(|byte| *byte == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
        {
            let damaged = || RecordError::Damaged {
                path: path.to_owned(),
                line: index + 1,
            };
            if line.len() > MAX_LINE {
                return Err(damaged());
            }
            let given: Given = serde_json::from_slice(line).map_err(|_| damaged())?;
            record.last = record.last.max(given.serial);
            if record.given.insert(given.participant.clone(), given).is_some() {
                return Err(damaged());
            }
        }
        Ok(record)
    }

    /// The code of a participant: the one given before, or a new one, which `make` makes and which is on disk when this returns. Its number
    /// is the first that `next_number` says is free after those of the record. Says also whether the code is new.
    ///
    /// # Errors
    /// It cannot be written; then the participant got none.
    pub(super) fn code_of(
        &mut self,
        participant: &str,
        next_number: impl FnOnce(u32) -> Option<u32>,
        make: impl FnOnce(u32) -> Zeroizing<String>,
    ) -> Result<(Zeroizing<String>, bool), RecordError> {
        if let Some(given) = self.given.get(participant) {
            return Ok((Zeroizing::new(given.code.clone()), false));
        }
        let serial = next_number(self.last).ok_or(RecordError::Full)?;
        let code = make(serial);
        let given = Given {
            participant: participant.to_owned(),
            serial,
            code: code.to_string(),
        };
        let failed = |error: std::io::Error| RecordError::File(FileError::new(&self.path, &error));
        let mut line = Zeroizing::new(serde_json::to_vec(&given).map_err(|e| failed(e.into()))?);
        line.push(b'\n');
        let end = self.file.stream_position().map_err(failed)?;
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_all()) {
            // A part of a line in the middle of the file would damage it.
            let _ = self.file.set_len(end).and_then(|()| self.file.seek(SeekFrom::Start(end)).map(drop));
            return Err(failed(error));
        }
        self.last = serial;
        self.given.insert(given.participant.clone(), given);
        Ok((code, true))
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The participants and their invitations.
    ///
    /// # Errors
    /// An invitation is not one to the pool of these issuers.
    pub(super) fn invitations(&self, issuers: &Issuers) -> Result<Vec<(&str, Invitation)>, RecordError> {
        let invitation = |given: &Given| given.code.parse().ok().filter(|one: &Invitation| one.check(issuers).is_ok());
        let mut invitations = Vec::with_capacity(self.given.len());
        for given in self.given.values() {
            let invitation = invitation(given).ok_or_else(|| RecordError::OtherPool(self.path.clone()))?;
            invitations.push((given.participant.as_str(), invitation));
        }
        Ok(invitations)
    }

    /// Whether a participant has got an invitation.
    pub(super) fn has(&self, participant: &str) -> bool {
        self.given.contains_key(participant)
    }

    /// How many participants have got an invitation.
    pub(super) fn len(&self) -> usize {
        self.given.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(record: &mut Record, participant: &str) -> (String, bool) {
        let (code, new) = record
            .code_of(
                participant,
                |last| last.checked_add(1),
                |serial| Zeroizing::new(format!("code {serial}")),
            )
            .unwrap();
        (code.to_string(), new)
    }

    #[test]
    fn a_participant_gets_one_code_whatever_happens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut record = Record::open(&path).unwrap();
        assert_eq!(Record::open(&path).err(), Some(RecordError::InUse(path.clone())));
        assert_eq!(code(&mut record, "ada"), ("code 1".to_owned(), true));
        assert_eq!(code(&mut record, "bob"), ("code 2".to_owned(), true));
        assert_eq!(code(&mut record, "ada"), ("code 1".to_owned(), false));
        drop(record);
        // A crash in the middle of a line.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"participant\":\"eve\"");
        std::fs::write(&path, &bytes).unwrap();
        let mut record = Record::open(&path).unwrap();
        assert_eq!(record.len(), 2);
        assert_eq!(code(&mut record, "bob"), ("code 2".to_owned(), false));
        assert_eq!(code(&mut record, "eve"), ("code 3".to_owned(), true));
        drop(record);
        assert_eq!(Record::open(&path).unwrap().len(), 3);
        std::fs::write(&path, b"no json\n").unwrap();
        let damaged = RecordError::Damaged {
            path: path.clone(),
            line: 1,
        };
        assert_eq!(Record::open(&path).err(), Some(damaged));
    }
}
