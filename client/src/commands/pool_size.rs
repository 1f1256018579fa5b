//! How many people the issuers of a job could vouch for: what they have signed, shown beside the number of contributors.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tacit_client::issuer::Document;
use tacit_protocol::job::Terms;

/// How many credentials the pool of a job with these terms has, as its issuers have signed in this file.
pub(super) fn of_job(path: &Path, terms: &Terms) -> Result<u32> {
    let Document::PoolSize(size) = Document::load(path)? else {
        bail!("{}: does not say how many credentials a pool has", path.display());
    };
    size.check().with_context(|| path.display().to_string())?;
    if terms.issuers.as_ref() != Some(&size.issuers) {
        bail!("{}: is of another pool than the job's, or of other issuers", path.display());
    }
    Ok(size.credentials)
}
