//! Files with secret keys, and with other things that `init` makes.
//!
//! A key file is text: header lines that begin with `#`, then the key. The header says when the key was made, and whether
//! `tacit demo` or `tacit up` made it. Only the owner may read the file.

use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{CreateError, create_private};

/// The header line of every file with keys or hashed tokens that `tacit demo` and `tacit up` make. `check-config` finds it where a real deployment
/// uses such a file.
pub const DEMO_MARK: &str = "# Made by `tacit demo` or `tacit up`: for trying out only.";

const CREATED_AT: &str = "# made ";

/// Why a key file cannot be used. No message repeats what is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key file {path}: {reason}; run this as the user that owns the file, or restore it from its backup")]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// Other users can read the file.
    #[error(
        "key file {path} can be read by other users (mode {mode:04o}): run `chmod 600 {path}`, and make a new key if anyone may have read it"
    )]
    Exposed {
        /// The path of the file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a key.
    #[error("key file {path} does not hold a key: expected {expected}; restore it from its backup, or make a new key")]
    Syntax {
        /// The path of the file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
}

/// The header of a file made at this time (RFC 3339). Ends with a line break; the key follows.
pub fn header(created_at: &str, demo: bool) -> String {
    let mark = if demo { format!("{DEMO_MARK}\n") } else { String::new() };
    format!("{mark}{CREATED_AT}{created_at}\n")
}

/// The text after the header, or all of it if there is no header.
pub fn body(text: &str) -> &str {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n')
        && line.starts_with('#')
    {
        rest = after;
    }
    rest
}

/// The time in the header, as it is written there; `None` without a header.
pub fn created_at(text: &str) -> Option<&str> {
    let header = &text[..text.len() - body(text).len()];
    header.lines().find_map(|line| line.strip_prefix(CREATED_AT))
}

/// Whether the header says that `tacit demo` or `tacit up` made the file. `false` for a file that cannot be read.
pub fn is_made_by_demo(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    text.is_ok_and(|text| has_demo_mark(&text))
}

fn has_demo_mark(text: &str) -> bool {
    text.lines().take_while(|line| line.starts_with('#')).any(|line| line == DEMO_MARK)
}

/// Reads a file that only its owner may read.
///
/// # Errors
/// The file cannot be read, or other users can read it.
pub fn read(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |error: std::io::Error| KeyFileError::Read {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    check_permissions(path, &std::fs::metadata(path).map_err(failed)?)?;
    let bytes = Zeroizing::new(std::fs::read(path).map_err(failed)?);
    let text = str::from_utf8(&bytes).map_err(|_| KeyFileError::Syntax {
        path: path.to_owned(),
        expected: "text",
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Mode 0440 is accepted for a file of root: this is how systemd's `LoadCredential` and Kubernetes' `fsGroup` hand a key, through a
/// group or an access list, to a service that is not root.
#[cfg(unix)]
fn check_permissions(path: &Path, metadata: &std::fs::Metadata) -> Result<(), KeyFileError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let mode = metadata.permissions().mode() & 0o777;
    let handed_by_root = metadata.uid() == 0 && mode == 0o440;
    if mode & 0o077 != 0 && !handed_by_root {
        let path = path.to_owned();
        return Err(KeyFileError::Exposed { path, mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_permissions(_: &Path, _: &std::fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

/// Creates a key file with a 32-byte seed in hexadecimal under a header, which may be empty.
///
/// # Errors
/// The file exists or cannot be written.
pub fn create_seed(path: &Path, header: &str, seed: &[u8; 32]) -> Result<(), CreateError> {
    create_private(path, seed_text(header, seed).as_bytes())
}

/// The text of a key file with a 32-byte seed.
pub fn seed_text(header: &str, seed: &[u8; 32]) -> Zeroizing<String> {
    let seed = Zeroizing::new(hex::encode(seed));
    Zeroizing::new(format!("{header}{}\n", seed.as_str()))
}

/// Reads the seed that [`create_seed`] has written.
///
/// # Errors
/// The file cannot be read, other users can read it, or it holds no seed.
pub fn read_seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    parse_seed(&read(path)?).ok_or_else(|| KeyFileError::Syntax {
        path: path.to_owned(),
        expected: "32 bytes in hexadecimal",
    })
}

/// The seed in the text of a key file, as [`seed_text`] makes it; `None` if there is none.
pub fn parse_seed(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(body(text).trim(), seed.as_mut_slice()).ok()?;
    Some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_when_and_by_what_a_key_was_made() {
        for demo in [false, true] {
            let text = header("2026-11-24T03:00:00Z", demo) + "c0ffee\n";
            assert_eq!((created_at(&text), body(&text)), (Some("2026-11-24T03:00:00Z"), "c0ffee\n"));
            assert_eq!(has_demo_mark(&text), demo);
        }
        assert_eq!((created_at("c0ffee\n"), body("c0ffee\n")), (None, "c0ffee\n"));
        assert_eq!((created_at("# made x"), body("# made x")), (None, "# made x"));
        assert!(!has_demo_mark(&format!("c0ffee\n{DEMO_MARK}\n")));
    }

    #[test]
    fn seeds_round_trip_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let seed = [7; 32];
        for (name, header, demo) in [
            ("plain", String::new(), false),
            ("dated", header("2026-11-24T03:00:00Z", false), false),
            ("demo", header("2026-11-24T03:00:00Z", true), true),
        ] {
            let path = folder.path().join(name);
            create_seed(&path, &header, &seed).unwrap();
            assert_eq!(*read_seed(&path).unwrap(), seed);
            assert_eq!(create_seed(&path, "", &[8; 32]), Err(CreateError::Exists(path.clone())));
            assert_eq!(*read_seed(&path).unwrap(), seed);
            assert_eq!(is_made_by_demo(&path), demo);
        }
        assert!(!is_made_by_demo(&folder.path().join("none")));
    }

    #[test]
    fn other_files_are_refused_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for (name, contents) in [("empty", b"".as_slice()), ("text", b"c0ffee c0ffee"), ("binary", &[0xff; 32])] {
            let path = folder.path().join(name);
            create_private(&path, contents).unwrap();
            let error = read_seed(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Syntax { .. }), "{error}");
            assert!(error.to_string().contains(name) && !error.to_string().contains("c0ffee"), "{error}");
        }
        assert!(matches!(read_seed(&folder.path().join("none")), Err(KeyFileError::Read { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_group_may_read_only_what_root_hands_over_read_only() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        create_seed(&path, "", &[7; 32]).unwrap();
        let by_root = std::fs::metadata(&path).unwrap().uid() == 0;
        for (mode, accepted) in [
            (0o400, true),
            (0o600, true),
            (0o440, by_root),
            (0o640, false),
            (0o604, false),
            (0o444, false),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = read_seed(&path);
            assert_eq!(read.is_ok(), accepted, "{mode:o}");
            if let Err(error) = read {
                assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
            }
        }
    }
}
