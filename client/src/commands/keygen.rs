//! `tacit keygen`: makes a contributor's key.

use anyhow::Result;
use tacit_client::keys;

use crate::args::Keygen;
use crate::output;

/// Makes a key and prints its public half.
pub(crate) fn run(args: &Keygen) -> Result<()> {
    let key = keys::generate(&args.out)?;
    output::print(&format!("{}\n", key.public()))
}
