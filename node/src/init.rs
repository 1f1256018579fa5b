//! `init`: makes a folder with new keys and a config file, and prints the node's card.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_program::{CreatedFiles, key_file};
use tacit_protocol::card::Card;
use tacit_protocol::cluster::NodeEntry;
use tacit_protocol::identity::SecretKey;

use crate::args::Init;
use crate::config::{Config, default_max_sessions, default_round_timeout, default_sealing_interval, default_sealing_overlap};
use crate::keys;
use crate::policy::Policy;
use crate::store::Room;

/// Makes the folder, and prints the card to `out` and the fingerprint of the key to `aside`.
///
/// # Errors
/// A file exists already, or something cannot be written or printed. Then no new file or folder is left.
pub(crate) fn init(args: &Init, out: &mut impl Write, aside: &mut impl Write) -> Result<()> {
    let port = args.address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let port = port.with_context(|| format!("--address {}: expected host:port", args.address))?;
    let config = Config {
        cluster: args.cluster.clone(),
        identity_key: "identity.key".into(),
        data: args.data.clone(),
        listen: args.listen.unwrap_or(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)),
        admin: args.admin,
        round_timeout_seconds: default_round_timeout(),
        sealing_interval_seconds: default_sealing_interval(),
        sealing_overlap_seconds: default_sealing_overlap(),
        max_sessions: default_max_sessions(),
        reserve_memory_mb: args.reserve_memory_mb,
        room: Room::default(),
        policy: Policy::default(),
        web: None,
    };
    let path = args.dir.join("config.toml");
    anyhow::ensure!(
        !path.exists(),
        "{} exists already: choose another --dir, or remove that folder if its keys are of no use",
        path.display()
    );

    let identity = SecretKey::generate(&mut UnwrapErr(SysRng));
    let header = key_file::header(&jiff::Timestamp::now().to_string(), args.demo);
    let config_text = format!("# Paths are relative to this file.\n{}", toml::to_string(&config)?);
    let mut created = CreatedFiles::default();
    created.folder(&args.dir)?;
    created.file(
        args.dir.join(&config.identity_key),
        keys::identity_text(&header, &identity).as_bytes(),
    )?;
    created.file(path, config_text.as_bytes())?;

    let entry = NodeEntry {
        name: args.name.clone(),
        operator: args.operator.clone(),
        address: args.address.clone(),
        identity: identity.public(),
    };
    // A folder whose card nobody has seen is of no use, and would stop the next attempt.
    show(entry, out, aside).context("cannot print the card; no folder was made")?;
    created.keep();
    Ok(())
}

/// Prints the card to `out`, and the fingerprint of the key to `aside`.
fn show(entry: NodeEntry, out: &mut impl Write, aside: &mut impl Write) -> Result<()> {
    writeln!(aside, "key fingerprint: {}", entry.fingerprint())?;
    let card = Card {
        coordinator: None,
        nodes: vec![entry],
    };
    out.write_all(toml::to_string(&card)?.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::Path;

    fn args(dir: &Path) -> Init {
        Init {
            dir: dir.to_owned(),
            name: "node-1".to_owned(),
            operator: "Operator 1".to_owned(),
            address: "node-1.example.org:4433".to_owned(),
            listen: None,
            admin: SocketAddr::from(([127, 0, 0, 1], 4480)),
            cluster: "cluster.toml".into(),
            data: "data".into(),
            reserve_memory_mb: 0,
            demo: false,
        }
    }

    #[test]
    fn init_that_cannot_print_the_card_leaves_nothing_and_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new").join("node");
        let (reader, mut closed) = io::pipe().unwrap();
        drop(reader);
        for lost in [
            init(&args(&dir), &mut Vec::new(), &mut closed),
            init(&args(&dir), &mut closed, &mut Vec::new()),
        ] {
            let error = format!("{:#}", lost.unwrap_err());
            assert!(error.contains("no folder was made"), "{error}");
        }
        assert!(!folder.path().join("new").exists());

        let (mut out, mut aside) = (Vec::new(), Vec::new());
        init(&args(&dir), &mut out, &mut aside).unwrap();
        let card = Card::parse(&out).unwrap();
        let [entry] = &card.nodes[..] else { panic!("{card:?}") };
        assert_eq!(keys::read_identity(&dir.join("identity.key")).unwrap().public(), entry.identity);
        assert!(String::from_utf8(aside).unwrap().contains(&entry.fingerprint()));
        assert!(init(&args(&dir), &mut Vec::new(), &mut Vec::new()).is_err());
    }
}
