//! Manual pages and shell completions, made from the command line itself so that they cannot differ from it.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;
use thiserror::Error;

/// Commands that write manuals.
#[derive(Debug, Subcommand)]
pub enum Manual {
    /// Print the completions for a shell; put them where that shell looks for them.
    ///
    /// For example: tacit completions bash > /etc/bash_completion.d/tacit
    Completions {
        /// The shell to write completions for.
        shell: Shell,
    },
    /// Write manual pages, one for each command, into a folder: man -l FOLDER/PAGE.1 shows one.
    Man {
        /// The folder; it is created if it is missing.
        dir: PathBuf,
    },
}

/// Why a manual cannot be written.
#[derive(Debug, Error)]
#[error("{}: {source}", path.display())]
pub struct ManualError {
    path: PathBuf,
    source: std::io::Error,
}

impl Manual {
    /// Writes the completions or pages of the program `P`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write<P: CommandFactory>(&self) -> Result<(), ManualError> {
        let mut command = P::command();
        match self {
            Self::Completions { shell } => {
                let (name, mut text) = (command.get_name().to_owned(), Vec::new());
                clap_complete::generate(*shell, &mut command, name, &mut text);
                std::io::stdout().write_all(&text).map_err(at(Path::new("standard output")))
            }
            Self::Man { dir } => {
                std::fs::create_dir_all(dir).map_err(at(dir))?;
                clap_mangen::generate_to(command, dir).map_err(at(dir))
            }
        }
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ManualError {
    let path = path.to_owned();
    move |source| ManualError { path, source }
}
