//! Test vectors: values, good and bad, with their bytes and what is said of them. They are in `protocol/vectors/`, for other
//! implementations; `README.md` there says what each field is.
//!
//! Everything here is drawn from fixed seeds, so the files can be made again: `cargo run -p tacit-scoring --features testing --example
//! make_vectors`. Tests make them too, compare them with the files, and check every case of the files.

// Vectors that cannot be made are a test that has failed: it panics.
#![expect(clippy::unwrap_used, reason = "tests only")]

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub mod certificate;
mod encoded_values;
pub mod encoding;
pub mod envelope;
pub mod header;
pub mod receipt;
pub mod setup;
pub mod submission;
#[cfg(test)]
mod tests;

/// A file of vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors<C> {
    /// What the cases are, and how one is checked.
    pub about: String,
    /// Good and bad cases, each with its name.
    pub cases: Vec<C>,
}

/// What is expected of a good case.
pub const OK: &str = "ok";

/// A file in `protocol/vectors/`.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

/// Reads a file of `protocol/vectors/`.
pub fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = path(name);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a file of `protocol/vectors/`.
pub fn write<T: Serialize>(name: &str, vectors: &T) {
    let mut text = serde_json::to_string_pretty(vectors).unwrap();
    text.push('\n');
    fs::write(path(name), text).unwrap();
}

/// Makes all files but the certificate's, for which a cluster has to compute.
pub fn write_all() {
    write("setup.json", &setup::Setup::new().file());
    write("encoding.json", &encoding::make());
    write("header.json", &header::make());
    write("submission.json", &submission::make());
    write("envelope.json", &envelope::make());
    write("receipt.json", &receipt::make());
}
