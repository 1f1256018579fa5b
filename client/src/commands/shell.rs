//! Commands to run next, as they are shown to people.

use std::path::Path;

use crate::args::Network;

/// A word as a shell takes it.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A path as a shell takes it.
pub(super) fn path(path: &Path) -> String {
    word(&path.display().to_string())
}

/// A name as a shell takes it.
pub(super) fn name(name: &str) -> String {
    word(name)
}

/// The options that lead another command to the same coordinator, with a blank before them; empty where the environment does.
pub(super) fn network(network: &Network) -> String {
    let mut options = String::new();
    if let Some(url) = &network.coordinator
        && std::env::var_os("TACIT_COORDINATOR").is_none()
    {
        options += &format!(" --coordinator {}", word(url));
    }
    if let Some(file) = &network.cluster
        && std::env::var_os("TACIT_CLUSTER").is_none()
    {
        options += &format!(" --cluster {}", path(file));
    }
    if network.insecure {
        options += " --insecure";
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pass_through_a_shell_unchanged() {
        for (text, due) in [
            ("my.key", "my.key"),
            ("/home/a b/my.key", "'/home/a b/my.key'"),
            ("it's", "'it'\\''s'"),
            ("$(rm)", "'$(rm)'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), due);
        }
    }
}
