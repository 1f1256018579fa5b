//! Finite fields, written so that every protocol works in each of them.
//!
//! * [`Field`]: what the protocols need of a field.
//! * [`Fp61`]: the prime field of `2^61 - 1` elements, in which numbers are shared ([`fp61`]).
//! * [`Gf64`]: the field of `2^64` elements, in which 64 bits are shared as one word ([`gf64`]).
//! * [`BitMap`] and [`subfield`]: linear maps and polynomials over the bits of a word, for the check of products of bits.
//! * [`rows`]: rows of a table that are not next to each other in memory.
//! * [`uniform`]: uniformly random elements in bulk.
//!
//! Elements and their arithmetic come first; the bulk operations on vectors are implemented in `kernels`, which picks the
//! widest instructions of the processor. Nothing in this module has branches or addresses that depend on secret values.

pub mod bits;
pub mod fp61;
pub mod gf64;
mod kernels;
pub mod rows;
pub mod rows_portable;
pub mod subfield;
mod traits;
pub mod uniform;

pub use bits::BitMap;
pub use fp61::{Fp61, MODULUS};
pub use gf64::{BITS_PER_WORD, Gf64};
pub use traits::{CHUNK_ELEMENTS, Field, FieldId, decode_vector, encode_vector};
