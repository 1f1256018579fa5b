//! `init`: makes a folder with new keys and a config file, and prints the node's card.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_program::{CreatedFiles, key_file};
use tacit_protocol::card::Card;
use tacit_protocol::cluster::NodeEntry;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::sealing::{Suite, UnsealingKey};

use crate::args::Init;
use crate::config::Config;
use crate::keys;

/// Makes the folder and prints the card. The fingerprint of the keys goes to standard error.
pub(crate) fn init(args: &Init) -> Result<()> {
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

    let mut rng = UnwrapErr(SysRng);
    let identity = SecretKey::generate(&mut rng);
    let sealing = UnsealingKey::generate(Suite::XWing, &mut rng);
    let header = key_file::header(&jiff::Timestamp::now().to_string(), args.demo);
    let config_text = format!("# Paths are relative to this file.\n{}", toml::to_string(&config)?);
    let mut created = CreatedFiles::default();
    created.folder(&args.dir)?;
    created.file(
        args.dir.join(&config.identity_key),
        keys::identity_text(&header, &identity).as_bytes(),
    )?;
    created.file(
        args.dir.join(&config.sealing_key),
        keys::sealing_text(&header, &sealing)?.as_bytes(),
    )?;
    created.file(path, config_text.as_bytes())?;
    created.keep();

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
