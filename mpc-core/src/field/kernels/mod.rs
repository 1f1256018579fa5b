//! The bulk operations of the fields on the widest instructions that the processor has, else in portable form.
//!
//! `fp61.rs`, `gf64.rs`, `bit_map.rs`, `subfield.rs` and `rows.rs` choose a kernel for each operation; all other files are
//! kernels. A kernel is reached only through a value that proves that the processor has its instructions (its `detect`, one
//! cached look-up). All kernels of an operation give the same elements, and none has branches or addresses that depend on
//! values.

mod bit_map;
mod fp61;
#[cfg(target_arch = "x86_64")]
mod fp61_avx512;
mod gf64;
#[cfg(target_arch = "x86_64")]
mod gf64_clmul;
#[cfg(target_arch = "x86_64")]
mod gf64_gfni;
#[cfg(target_arch = "x86_64")]
mod gf64_vpclmul;
pub(super) mod rows;
#[cfg(target_arch = "x86_64")]
mod rows_avx512;
mod subfield;
#[cfg(target_arch = "x86_64")]
mod subfield_gfni;
#[cfg(target_arch = "x86_64")]
mod vector;

#[cfg(test)]
mod tests;
