//! The allocator, and memory that is taken before it is needed.
//!
//! Memory that is written to for the first time costs the kernel more than the arithmetic on it costs a node; where a
//! hypervisor gives it page by page, several times more. So a node keeps what a computation has let go (wiped, as all
//! that was secret), and can take what computations will need when it starts. How the allocator keeps it is said in
//! `.cargo/config.toml`.

use anyhow::{Context, Result, ensure};
use tracing::info;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

// Without those settings nothing that is reserved would be kept.
const _: () = assert!(
    option_env!("JEMALLOC_SYS_WITH_MALLOC_CONF").is_some(),
    "run cargo in the repository, whose .cargo/config.toml sets the allocator up"
);

/// Takes so many megabytes from the system, for the allocator to give out later.
///
/// # Errors
/// The system has not as much to give.
pub fn reserve(megabytes: usize) -> Result<()> {
    if megabytes == 0 {
        return Ok(());
    }
    let told = || format!("{megabytes} MB of memory cannot be reserved: lower `reserve_memory_mb` in the config file");
    let bytes = megabytes.checked_mul(1_000_000).with_context(told)?;
    // The kernel promises more than there is, and ends who takes it at its word.
    if let Some(available) = available() {
        ensure!(bytes <= available, "{}; {} MB are available", told(), available / 1_000_000);
    }
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).with_context(told)?;
    // Only what is written to is there.
    room.resize(bytes, 1u8);
    std::hint::black_box(&room);
    info!(megabytes, "memory reserved");
    Ok(())
}

/// Bytes that processes can take, as the kernel estimates it; a limit of the container's is not seen.
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
}
