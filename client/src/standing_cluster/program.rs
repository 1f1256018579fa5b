//! The programs that a cluster runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tacit_client::files;

use super::directory::Directory;
use crate::local_cluster::Binaries;

/// When a program is started and stopped: the nodes first, because the coordinator dials them at its start and waits before it dials again.
/// They are stopped the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// Prometheus, which sees the others start and stop.
    Monitoring,
    /// The nodes.
    Nodes,
    /// The coordinator.
    Coordinator,
    /// The page, which needs none of the others to be served and all of them to be of use.
    Page,
}

/// A program of the cluster.
#[derive(Debug)]
pub(super) struct Program {
    /// Its name for people.
    pub name: String,
    /// When it is started.
    pub turn: Turn,
    /// The executable file.
    pub binary: PathBuf,
    /// The folder that it runs in, with its log.
    pub folder: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// A text that it prints once it listens on all its ports.
    pub announcement: &'static str,
    /// What answers with success once it is ready.
    pub ready: Ready,
}

/// Where a program says that it is ready.
#[derive(Debug)]
pub(super) enum Ready {
    /// At this URL.
    At(String),
    /// At the admin port that this config file names. It is read when the program is started: to be stopped, a program needs no config file.
    AtAdminPortOf(PathBuf),
}

impl Ready {
    /// The URL.
    pub(super) fn url(&self) -> Result<String> {
        match self {
            Self::At(url) => Ok(url.clone()),
            Self::AtAdminPortOf(config) => {
                let admin = admin_port(config).with_context(|| format!("{}: cannot find out the admin port", config.display()))?;
                Ok(format!("http://{admin}/readyz"))
            }
        }
    }
}

impl Program {
    /// Its log.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    /// Whether a process with this command line, as `/proc` shows it, is one of this program. The executable file may be another version.
    pub(super) fn has_command_line(&self, line: &[u8]) -> bool {
        let Some(line) = line.strip_suffix(&[0]) else { return false };
        let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let binary = words.next().unwrap_or_default();
        Path::new(binary.as_ref()).file_name() == self.binary.file_name() && words.eq(self.arguments.iter().map(String::as_str))
    }
}

/// All programs of a cluster, in the order in which they are started. There may be no Prometheus, and no page in the directory of an `up` that
/// did not finish.
pub(super) fn programs(
    directory: &Directory,
    binaries: &Binaries,
    monitoring: Option<Program>,
    page: Option<Program>,
) -> Result<Vec<Program>> {
    let mut programs: Vec<Program> = monitoring.into_iter().collect();
    for (name, folder) in directory.node_folders()? {
        programs.push(member((name, Turn::Nodes), (&binaries.node, "ready quic="), folder));
    }
    let folder = directory.coordinator_folder();
    let name = "coordinator".to_owned();
    programs.push(member((name, Turn::Coordinator), (&binaries.coordinator, "ready api="), folder));
    programs.extend(page);
    Ok(programs)
}

/// A node or the coordinator.
fn member((name, turn): (String, Turn), (binary, announcement): (&Path, &'static str), folder: PathBuf) -> Program {
    Program {
        name,
        turn,
        binary: binary.to_owned(),
        ready: Ready::AtAdminPortOf(folder.join("config.toml")),
        folder,
        arguments: ["run", "--config", "config.toml"].map(str::to_owned).to_vec(),
        announcement,
    }
}

/// The admin port in the config file of a node or of the coordinator.
pub(super) fn admin_port(config: &Path) -> Result<SocketAddr> {
    let text = String::from_utf8(files::read(config)?).context("not UTF-8")?;
    let table: toml::Table = toml::from_str(&text)?;
    let admin = table
        .get("admin")
        .and_then(toml::Value::as_str)
        .context("there is no field `admin`")?;
    admin.parse().with_context(|| format!("admin = {admin}: expected address:port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_recognised_by_its_program_and_all_its_arguments() {
        let program = Program {
            name: "node-1".to_owned(),
            turn: Turn::Nodes,
            binary: "/opt/tacit/tacit-node".into(),
            folder: "/srv/node-1".into(),
            arguments: ["run", "--config", "config.toml"].map(str::to_owned).to_vec(),
            announcement: "ready quic=",
            ready: Ready::At(String::new()),
        };
        assert!(program.has_command_line(b"/usr/bin/tacit-node\0run\0--config\0config.toml\0"));
        for other in [
            b"/usr/bin/tacit-node\0check-config\0--config\0config.toml\0".as_slice(),
            b"/usr/bin/tacit-node\0run\0--config\0config.toml\0--verbose\0",
            b"setsid\0/usr/bin/tacit-node\0run\0--config\0config.toml\0",
            b"vi\0config.toml\0",
            b"",
        ] {
            assert!(!program.has_command_line(other), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn the_admin_port_is_that_of_the_config_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "# a comment\nlisten = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:4480\" # private\n",
        )
        .unwrap();
        assert_eq!(admin_port(file.path()).unwrap(), SocketAddr::from(([127, 0, 0, 1], 4480)));
        for text in ["", "admin = 4480", "admin = \"localhost\"", "admin"] {
            std::fs::write(file.path(), text).unwrap();
            admin_port(file.path()).unwrap_err();
        }
    }
}
