//! The allocator, and memory that is taken before it is needed.
//!
//! Memory that is written to for the first time costs the kernel more than the arithmetic on it costs a node; where a
//! hypervisor gives it page by page, several times more. So a node keeps what a computation has let go (wiped, as all
//! that was secret), and can take what computations will need when it starts. How the allocator keeps it is said in
//! `.cargo/config.toml`.

use anyhow::{Context, Result};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Takes so many megabytes from the system, for the allocator to give out later.
///
/// # Errors
/// There is not as much.
pub fn reserve(megabytes: usize) -> Result<()> {
    let told = || format!("{megabytes} MB of memory cannot be reserved: lower `reserve_memory_mb` in the config file");
    let bytes = megabytes.checked_mul(1_000_000).with_context(told)?;
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).with_context(told)?;
    // Only what is written to is there.
    room.resize(bytes, 1u8);
    std::hint::black_box(&room);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Megabytes of this process that are there.
    #[cfg(target_os = "linux")]
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1000
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_reserved_stays_and_is_used() {
        let before = resident();
        reserve(300).unwrap();
        let reserved = resident();
        assert!(reserved >= before + 250, "{before} {reserved}");
        let used = vec![1u8; 200_000_000];
        std::hint::black_box(&used);
        // Other tests run in the same process.
        assert!(resident() < reserved + 100, "{reserved} {}", resident());
        drop(used);
        assert!(resident() >= before + 250);
    }

    #[test]
    fn more_than_there_is_is_refused() {
        let error = reserve(usize::MAX).unwrap_err().to_string();
        assert!(error.contains("reserve_memory_mb"), "{error}");
        assert!(reserve(usize::MAX / 2_000_000).is_err());
    }
}
