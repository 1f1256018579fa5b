//! `tacit keygen`: makes a contributor's key.

use anyhow::Result;
use serde_json::json;
use tacit_client::keys;

use crate::args::Keygen;
use crate::output::Format;

/// Makes a key and prints its public half.
pub(crate) fn run(args: &Keygen, format: Format) -> Result<()> {
    let key = keys::generate(&args.out)?.public();
    format.print(&json!({ "key": key, "file": args.out }), &format!("{key}\n"))
}
