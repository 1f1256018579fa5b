//! The folder for what the client keeps for its user: jobs that were created here, keys for pools, sealing keys that were seen.

use std::path::PathBuf;

/// The environment variable that names the folder.
const FOLDER: &str = "TACIT_STATE";

/// The folder for what the client keeps; `None` where the user has no home.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable(FOLDER)
        .or_else(|| Some(variable("XDG_STATE_HOME")?.join("tacit")))
        .or_else(|| Some(variable("HOME")?.join(".local/state/tacit")))
}
