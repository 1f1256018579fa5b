//! The page for contributors and buyers, which `tacit web` serves with the cluster's file.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::address;
use super::directory::Directory;
use super::program::{Program, Ready, Turn};

/// The server of the page. What a browser keeps belongs to its address, so that stays the same.
#[derive(Debug)]
pub(super) struct Page {
    folder: PathBuf,
    address: SocketAddr,
}

impl Page {
    /// Makes its folder and chooses its address, unless they are there.
    pub(super) fn prepare(directory: &Directory) -> Result<Self> {
        let folder = directory.page_folder();
        let address = address::of(&folder)?;
        Ok(Self { folder, address })
    }

    /// The server that an earlier `tacit up` has made, which may run; `None` if there is none.
    pub(super) fn existing(directory: &Directory) -> Result<Option<Self>> {
        let folder = directory.page_folder();
        Ok(address::existing(&folder)?.map(|address| Self { folder, address }))
    }

    /// Its URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How it is run: by the program that runs now.
    pub(super) fn program(&self) -> Result<Program> {
        let words = ["web", "--cluster", "../cluster.toml", "--listen"].map(str::to_owned);
        Ok(Program {
            name: "page".to_owned(),
            turn: Turn::Page,
            binary: std::env::current_exe().context("cannot find out the path of this program")?,
            folder: self.folder.clone(),
            arguments: words.into_iter().chain([self.address.to_string()]).collect(),
            announcement: "ready http://",
            ready: Ready::At(format!("{}MANIFEST", self.url())),
        })
    }
}
