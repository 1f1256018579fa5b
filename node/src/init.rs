//! `init`: a folder with fresh keys and a config, and the node's card.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::heading::heading;
use tacit_protocol::card::Card;
use tacit_protocol::cluster::NodeEntry;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::sealing::{Suite, UnsealingKey};

use crate::args::Init;
use crate::config::Config;
use crate::keys;

/// Makes the folder, prints the card, and says on standard error by what its keys are compared.
pub fn init(args: &Init) -> Result<()> {
    let port = args.address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let port = port.with_context(|| format!("--address {}: expected host:port", args.address))?;
    let config = Config {
        cluster: args.cluster.clone(),
        identity_key: "identity.key".into(),
        sealing_key: "sealing.key".into(),
        data: args.data.clone(),
        listen: args.listen.unwrap_or(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)),
        admin: args.admin,
        round_timeout_seconds: 30,
        max_sessions: 4,
        reserve_memory_mb: args.reserve_memory_mb,
    };
    let path = args.dir.join("config.toml");
    anyhow::ensure!(
        !path.exists(),
        "{} exists already: choose another --dir, or remove that folder if its keys are of no use",
        path.display()
    );
    std::fs::create_dir_all(&args.dir).with_context(|| format!("cannot make the folder {}", args.dir.display()))?;

    let mut rng = UnwrapErr(SysRng);
    let identity = SecretKey::generate(&mut rng);
    let sealing = UnsealingKey::generate(Suite::XWing, &mut rng);
    let heading = heading(&jiff::Timestamp::now().to_string(), args.demo);
    let mut made = Made::default();
    made.file(args.dir.join(&config.identity_key), |path| {
        keys::write_identity(path, &heading, &identity)
    })?;
    made.file(args.dir.join(&config.sealing_key), |path| {
        keys::write_sealing(path, &heading, &sealing)
    })?;
    made.file(path, |path| write_config(path, &config))?;
    made.keep();

    let entry = NodeEntry {
        name: args.name.clone(),
        operator: args.operator.clone(),
        address: args.address.clone(),
        identity: identity.public(),
        sealing: sealing.public(),
    };
    eprintln!("key fingerprint: {}", entry.fingerprint());
    let card = Card {
        coordinator: None,
        nodes: vec![entry],
    };
    print!("{}", toml::to_string(&card)?);
    Ok(())
}

fn write_config(path: &Path, config: &Config) -> Result<()> {
    let text = format!("# Paths are relative to this file.\n{}", toml::to_string(config)?);
    keys::write_new(path, text.as_bytes())
}

/// The files of an `init` under way: unless all could be made, none is left in the way of another try.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Made {
    fn file(&mut self, path: PathBuf, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        write(&path)?;
        self.0.push(path);
        Ok(())
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}
