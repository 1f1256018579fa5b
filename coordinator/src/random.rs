//! New secrets, drawn from the operating system.

use rand::TryRng;
use rand::rngs::SysRng;
use thiserror::Error;
use zeroize::Zeroizing;

/// The operating system provides no random bytes.
#[derive(Debug, Error)]
#[error("the operating system provides no random bytes: {0}; try again on a machine that has a random source")]
pub(crate) struct NoRandomness(String);

/// Draws 32 random bytes for a key or token.
///
/// # Errors
/// The operating system provides none.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; 32]);
    SysRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|e| NoRandomness(e.to_string()))?;
    Ok(bytes)
}
