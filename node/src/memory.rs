//! Memory that is taken from the system when the node starts, so that computations do not wait for it.
//!
//! `tacit_program::allocator` says why this saves time, and keeps the memory for later.

use anyhow::{Context, Result, ensure};
use tracing::info;

/// Takes `megabytes` from the system and frees them to the allocator, which keeps them.
///
/// # Errors
/// The system does not have as much.
pub(crate) fn reserve(megabytes: usize) -> Result<()> {
    if megabytes == 0 {
        return Ok(());
    }
    let refused = || format!("{megabytes} MB of memory cannot be reserved: lower `reserve_memory_mb` in the config file");
    let bytes = megabytes.checked_mul(1_000_000).with_context(refused)?;
    // Linux overcommits: without this check, touching the memory could invoke the OOM killer.
    if let Some(available) = available() {
        ensure!(bytes <= available, "{}; {} MB are available", refused(), available / 1_000_000);
    }
    let mut block = Vec::new();
    block.try_reserve_exact(bytes).with_context(refused)?;
    // The kernel provides a page when it is first written to.
    block.resize(bytes, 1u8);
    std::hint::black_box(&block);
    info!(megabytes, "memory reserved");
    Ok(())
}

/// Bytes that processes can still take, as the kernel estimates them. It does not know the limit of a container.
fn available() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches(" kB").parse::<usize>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused() {
        for megabytes in [usize::MAX, usize::MAX / 2_000_000, 1 << 40] {
            let error = reserve(megabytes).unwrap_err().to_string();
            assert!(error.contains("reserve_memory_mb"), "{error}");
        }
        reserve(0).unwrap();
        reserve(1).unwrap();
    }

    #[test]
    fn this_program_runs_with_the_settings_of_the_allocator() {
        assert_eq!(tacit_program::allocator::overridden_settings(), Vec::<String>::new());
    }
}
