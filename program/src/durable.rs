//! Files and folders that survive a crash and a power failure once they are written. On a file system that cannot sync folders,
//! as some network file systems, it decides itself when new names are on disk.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Who may read a new file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner only (on Unix).
    Private,
    /// Everybody, as far as the folder and the umask allow.
    Public,
}

/// Writes a file, in place of the one that has its name, if there is one. Readers and a crash find the old contents or the new ones,
/// never a part. When this returns, the file and its name are on disk.
///
/// # Errors
/// The file cannot be written, or its folder cannot be synced.
pub fn write(path: &Path, contents: &[u8], access: Access) -> io::Result<()> {
    temporary(path, access, |file| file.write_all(contents))?
        .persist(path)
        .map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

/// The same for a file that must not exist.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`], or the file cannot be written; then no part of it is left.
pub fn write_new(path: &Path, contents: &[u8], access: Access) -> io::Result<()> {
    write_new_with(path, access, |file| file.write_all(contents))
}

fn write_new_with(path: &Path, access: Access, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    temporary(path, access, fill)?
        .persist_noclobber(path)
        .map_err(|error| error.error)?;
    sync_folder(folder_of(path)).inspect_err(|_| {
        // Without this, the file would be reported as not written and yet stop the next attempt.
        let _ = std::fs::remove_file(path);
    })
}

/// Overwrites a file with zeros, and removes it when they are on disk. A file that does not exist is not an error.
///
/// The zeros take the place of the old bytes only on a file system that overwrites in place, as ext4 and XFS do; on one that writes
/// elsewhere, and in a snapshot, old bytes may stay.
///
/// # Errors
/// The file cannot be overwritten or removed; then it may hold zeros.
pub fn erase(path: &Path) -> io::Result<()> {
    let mut file = match File::options().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()?;
    std::fs::remove_file(path)?;
    sync_folder(folder_of(path))
}

/// Creates a folder and the missing folders above it, and calls `created` for each, outermost first. When this returns, their names
/// are on disk. A folder that exists is not an error.
///
/// # Errors
/// A folder cannot be created, or a file has its name ([`ErrorKind::AlreadyExists`]).
pub fn create_folders(path: &Path, access: Access, mut created: impl FnMut(&Path)) -> io::Result<()> {
    let mut missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    missing.reverse();
    if missing.is_empty() {
        // An earlier call may have created it and ended before its name was on disk.
        sync_folder(folder_of(path))?;
    }
    for folder in missing {
        match builder(access).create(folder) {
            Ok(()) => created(folder),
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => return Err(error),
        }
        sync_folder(folder_of(folder))?;
    }
    if path.exists() && !path.is_dir() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    Ok(())
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn builder(access: Access) -> std::fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    if access == Access::Private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder
}

/// A synced temporary file beside `path`, which is removed unless it is renamed.
#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn temporary(path: &Path, access: Access, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tacit-").suffix(".part");
    // Without permissions, a temporary file is private.
    #[cfg(unix)]
    if access == Access::Public {
        // The umask of the process applies, as for any new file.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder_of(path))?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A new name in a folder survives a power failure only once the folder itself is synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot sync folders; nothing more can be done there.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn a_destroyed_file_is_overwritten_and_gone() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["key", "link"].map(|name| folder.path().join(name));
        write_new(&path, b"secret", Access::Private).unwrap();
        // Another name of the same file shows what is left of it.
        std::fs::hard_link(&path, &other).unwrap();
        erase(&path).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), [0; 6]);
        assert!(!path.exists());
        erase(&path).unwrap();
    }

    /// The names of the files in a folder.
    pub(crate) fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_that_cannot_be_written_to_its_end_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let full = write_new_with(&path, Access::Private, |file| {
            file.write_all(b"half")?;
            Err(ErrorKind::StorageFull.into())
        });
        assert_eq!(full.unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn files_are_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        write_new(&path, b"one", Access::Public).unwrap();
        let again = write_new(&path, b"two", Access::Public).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write(&path, b"two", Access::Private).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["f"]);
    }

    #[test]
    fn what_is_erased_is_overwritten_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other_name) = (folder.path().join("f"), folder.path().join("g"));
        write_new(&path, b"secret", Access::Private).unwrap();
        // A second name shows what became of the bytes.
        std::fs::hard_link(&path, &other_name).unwrap();
        erase(&path).unwrap();
        assert_eq!(names(folder.path()), ["g"]);
        assert_eq!(std::fs::read(&other_name).unwrap(), [0; 6]);
        erase(&path).unwrap();
    }

    #[test]
    fn missing_folders_are_created_and_files_are_no_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("a"), folder.path().join("a/b"));
        let created = || {
            let mut created = Vec::new();
            create_folders(&inner, Access::Private, |path| created.push(path.to_owned())).unwrap();
            created
        };
        assert_eq!(created(), [outer.clone(), inner.clone()]);
        assert_eq!(created(), Vec::<std::path::PathBuf>::new());
        write(&outer.join("f"), b"", Access::Public).unwrap();
        for path in ["f", "f/b"] {
            create_folders(&outer.join(path), Access::Public, |_| {}).unwrap_err();
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_so_from_the_start() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (inner, file) = (folder.path().join("a"), folder.path().join("f"));
        create_folders(&inner, Access::Private, |_| {}).unwrap();
        write(&file, b"", Access::Private).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&file)), (0o700, 0o600));
    }
}
