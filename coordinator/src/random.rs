//! Fresh secrets.

use rand::TryRng;
use rand::rngs::SysRng;
use thiserror::Error;
use zeroize::Zeroizing;

/// The operating system gives no random bytes.
#[derive(Debug, Error)]
#[error("the operating system gives no random bytes: {0}; try again on a machine that has a random source")]
pub struct NoRandomness(String);

/// Bytes that nobody can guess.
///
/// # Errors
/// The operating system gives none.
pub fn random() -> Result<Zeroizing<[u8; 32]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; 32]);
    SysRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|e| NoRandomness(e.to_string()))?;
    Ok(bytes)
}
