//! How many files, sockets included, the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to `wanted` if it is lower, as far as the system allows without privileges. Returns the limit.
///
/// The usual limit is 1024, for programs that wait with `select`; this one does not.
pub fn raise_open_files(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` means without limit.
    let Some(current) = current else { return u64::MAX };
    let reachable = wanted.min(maximum.unwrap_or(u64::MAX));
    let raised = Rlimit {
        current: Some(reachable),
        maximum,
    };
    if current < reachable && setrlimit(Resource::Nofile, raised).is_ok() {
        reachable
    } else {
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_never_lowered() {
        let before = raise_open_files(0);
        assert_eq!(raise_open_files(before), before);
        assert_eq!(raise_open_files(1), before);
    }
}
