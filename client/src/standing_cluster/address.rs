//! The address of a program that is given one for good, in a file of its folder: whoever has opened it once finds it there again.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use tacit_client::files::{self, Access};

use crate::local_cluster::lasting_tcp_port;

/// The name of the file.
const ADDRESS: &str = "address";

/// The address of the program in this folder, which is made if it is not there.
pub(super) fn of(folder: &Path) -> Result<SocketAddr> {
    if let Some(address) = existing(folder)? {
        return Ok(address);
    }
    let address = lasting_tcp_port()?;
    files::make_folder(folder, Access::Private)?;
    files::write(&folder.join(ADDRESS), format!("{address}\n").as_bytes(), Access::Public)?;
    Ok(address)
}

/// The address that an earlier `tacit up` has chosen; `None` if none has.
pub(super) fn existing(folder: &Path) -> Result<Option<SocketAddr>> {
    let path = folder.join(ADDRESS);
    if !path.exists() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&files::read(&path)?).trim().to_owned();
    let address = text.parse();
    let address = address.with_context(|| format!("{}: expected address:port; remove the file to have a new one", path.display()))?;
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_chosen_once() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("page");
        assert_eq!(existing(&folder).unwrap(), None);
        let address = of(&folder).unwrap();
        assert_eq!((existing(&folder).unwrap(), of(&folder).unwrap()), (Some(address), address));
        std::fs::write(folder.join(ADDRESS), "here").unwrap();
        let error = of(&folder).unwrap_err().to_string();
        assert!(error.contains("expected address:port"), "{error}");
    }
}
