//! The allocator of the servers: jemalloc, which keeps the memory that a computation frees, for the next one.
//!
//! The first write to fresh memory costs the kernel more time than the arithmetic on it costs a node, and several times more where a
//! hypervisor provides memory page by page. So all threads allocate from one arena, large blocks too, in huge pages, and nothing
//! returns to the system. Secrets are wiped before they are freed, as everywhere.
//!
//! Only a binary can choose its allocator:
//!
//! ```ignore
//! #[global_allocator]
//! static ALLOCATOR: tacit_program::allocator::Jemalloc = tacit_program::allocator::Jemalloc;
//! ```

pub use tikv_jemallocator::Jemalloc;

use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};

/// jemalloc's settings (<https://jemalloc.net/jemalloc.3.html#tuning>), which jemalloc reads from this symbol before `main`.
/// `_RJEM_MALLOC_CONF` in the environment of a program overrides single ones.
///
/// - `narenas:1`: all threads reuse the same freed memory.
/// - `dirty_decay_ms:-1`, `muzzy_decay_ms:-1`: freed memory never returns to the system.
/// - `oversize_threshold:0`: large blocks come from the same arena; by default they return to the system at once.
/// - `lg_extent_max_active_fit:20`: a freed block serves any smaller request, up to 2^20 times smaller.
/// - `thp:always`: memory is backed by huge pages.
// jemalloc reads a `const char *`; a reference to a sized array is such a pointer.
#[expect(
    unsafe_code,
    reason = "jemalloc finds its settings by this symbol name, which no other symbol of the program has"
)]
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static SETTINGS: &[u8; 106] =
    b"narenas:1,dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,lg_extent_max_active_fit:20,thp:always\0";

/// The settings whose value in this process differs from [`SETTINGS`], as `name:value`. Empty unless the environment overrides some,
/// or the program does not run on this allocator.
pub fn overridden_settings() -> Vec<String> {
    let settings = SETTINGS.split(|byte| *byte == 0).next().unwrap_or_default();
    let settings = settings.split(|byte| *byte == b',').map(String::from_utf8_lossy);
    settings
        .filter_map(|setting| {
            let (name, expected) = setting.split_once(':')?;
            let found = setting_in_force(name).unwrap_or_else(|| "unknown".to_owned());
            (found != expected).then(|| format!("{name}:{found}"))
        })
        .collect()
}

/// The value of one of the [`SETTINGS`] in this process, read with `mallctl`.
fn setting_in_force(name: &str) -> Option<String> {
    let key = CString::new(format!("opt.{name}")).ok()?;
    match name {
        "narenas" => read(&key, 0u32).map(|value| value.to_string()),
        "oversize_threshold" | "lg_extent_max_active_fit" => read(&key, 0usize).map(|value| value.to_string()),
        "dirty_decay_ms" | "muzzy_decay_ms" => read(&key, 0isize).map(|value| value.to_string()),
        "thp" => read_text(&key),
        _ => None,
    }
}

fn read_text(key: &CStr) -> Option<String> {
    let text = read(key, null::<c_char>()).filter(|text| !text.is_null())?;
    #[expect(unsafe_code, reason = "jemalloc gives text as a C string")]
    // SAFETY: the value of a text option is a constant C string of jemalloc.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().ok().map(str::to_owned)
}

/// Reads an option whose type has the size of `T`; `None` if there is no such option. Sound for pointers and integers only.
fn read<T: Copy>(key: &CStr, mut value: T) -> Option<T> {
    let mut len = size_of::<T>();
    #[expect(unsafe_code, reason = "jemalloc's interface is one C function")]
    // SAFETY: `key` ends with a zero byte, and jemalloc writes at most `len` bytes, an integer or a pointer, to `value`.
    let status = unsafe { tikv_jemalloc_sys::mallctl(key.as_ptr(), (&raw mut value).cast(), &raw mut len, null_mut(), 0) };
    (status == 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Jemalloc = Jemalloc;

    #[test]
    fn the_settings_are_in_force() {
        assert_eq!(overridden_settings(), Vec::<String>::new());
        assert_eq!(setting_in_force("dirty_decay_ms").as_deref(), Some("-1"));
        assert_eq!(setting_in_force("no_such_setting"), None);
    }
}
