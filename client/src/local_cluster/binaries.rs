//! The programs of operators, which `tacit demo`, `tacit bench` and `tacit up` run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use thiserror::Error;

/// The paths of the programs.
pub(crate) struct Binaries {
    /// `tacit-node`.
    pub node: PathBuf,
    /// `tacit-coordinator`.
    pub coordinator: PathBuf,
}

/// Programs that must be in the folder of `tacit` and are not.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("this command runs {}, which must be in {}: in a checkout of the repository, run `{}`", names(.missing), .folder.display(), command(.folder, .missing))]
pub(crate) struct MissingPrograms {
    folder: PathBuf,
    missing: Vec<Program>,
}

/// A program of operators: its name and the folder of its crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Program {
    name: &'static str,
    crate_folder: &'static str,
}

const NODE: Program = Program {
    name: "tacit-node",
    crate_folder: "node",
};
const COORDINATOR: Program = Program {
    name: "tacit-coordinator",
    crate_folder: "coordinator",
};

impl Binaries {
    /// The programs in the folder of this one.
    ///
    /// # Errors
    /// [`MissingPrograms`] if one of them is not there.
    pub(crate) fn find() -> Result<Self> {
        let own = std::env::current_exe().context("cannot find out the path of this program")?;
        Ok(Self::beside(&own)?)
    }

    /// The programs by their names alone, to recognise processes of them.
    pub(crate) fn named() -> Self {
        Self {
            node: NODE.name.into(),
            coordinator: COORDINATOR.name.into(),
        }
    }

    fn beside(own: &Path) -> Result<Self, MissingPrograms> {
        let path = |program: Program| own.with_file_name(format!("{}{}", program.name, std::env::consts::EXE_SUFFIX));
        let missing: Vec<Program> = [NODE, COORDINATOR]
            .into_iter()
            .filter(|program| !path(*program).is_file())
            .collect();
        if missing.is_empty() {
            Ok(Self {
                node: path(NODE),
                coordinator: path(COORDINATOR),
            })
        } else {
            let folder = own.parent().unwrap_or(Path::new(".")).to_owned();
            Err(MissingPrograms { folder, missing })
        }
    }
}

fn names(missing: &[Program]) -> String {
    missing.iter().map(|program| program.name).collect::<Vec<_>>().join(" and ")
}

/// The line that installs or builds the missing programs into the folder: `cargo install` takes one path at a time.
fn command(folder: &Path, missing: &[Program]) -> String {
    let installed = folder.file_name().is_some_and(|name| name == "bin");
    match folder.parent().filter(|_| installed) {
        Some(root) => {
            let install = |program: &Program| format!("cargo install --locked --path {} --root '{}'", program.crate_folder, root.display());
            missing.iter().map(install).collect::<Vec<_>>().join(" && ")
        }
        None => {
            let packages: String = missing.iter().map(|program| format!(" -p {}", program.name)).collect();
            let profile = if folder.ends_with("release") { " --release" } else { "" };
            format!("cargo build --locked{profile}{packages}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_found_in_the_same_folder() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("tacit");
        assert_eq!(Binaries::beside(&own).err().unwrap().missing, [NODE, COORDINATOR]);
        std::fs::write(folder.path().join(format!("tacit-node{}", std::env::consts::EXE_SUFFIX)), "").unwrap();
        assert_eq!(Binaries::beside(&own).err().unwrap().missing, [COORDINATOR]);
        std::fs::write(folder.path().join(format!("tacit-coordinator{}", std::env::consts::EXE_SUFFIX)), "").unwrap();
        assert!(Binaries::beside(&own).is_ok());
    }

    #[test]
    fn the_error_gives_the_line_to_run() {
        let error = |folder: &str, missing: &[Program]| {
            let (folder, missing) = (folder.into(), missing.to_vec());
            MissingPrograms { folder, missing }.to_string()
        };
        assert_eq!(
            error("/home/ada/.cargo/bin", &[NODE, COORDINATOR]),
            "this command runs tacit-node and tacit-coordinator, which must be in /home/ada/.cargo/bin: in a checkout of the repository, run \
             `cargo install --locked --path node --root '/home/ada/.cargo' && cargo install --locked --path coordinator --root '/home/ada/.cargo'`"
        );
        let built = error("target/release", &[COORDINATOR]);
        assert!(
            built.ends_with("run `cargo build --locked --release -p tacit-coordinator`"),
            "{built}"
        );
        let built = error("target/debug", &[NODE, COORDINATOR]);
        assert!(
            built.ends_with("run `cargo build --locked -p tacit-node -p tacit-coordinator`"),
            "{built}"
        );
    }
}
