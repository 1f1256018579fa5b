//! Secret tokens in files.

use std::path::Path;

use anyhow::{Context, Result};
use tacit_client::files;
use zeroize::Zeroizing;

/// Reads a token: the only line of a file.
pub(super) fn read(file: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(files::read(file)?);
    let text = std::str::from_utf8(&bytes).ok().map(str::trim).filter(|text| !text.is_empty());
    let text = text.with_context(|| format!("{}: not a token: expected one line of text", file.display()))?;
    Ok(Zeroizing::new(text.to_owned()))
}
