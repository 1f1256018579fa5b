//! `tacit-coordinator check-config`, and listening on ports.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use tacit_link::probe_nodes;
use tacit_program::key_file;

use crate::config::{self, ConfigError, Loaded};
use crate::store::Store;

/// The ports of the coordinator.
pub(crate) struct Listeners {
    /// The port of the HTTP API.
    pub api: TcpListener,
    /// The port of health and metrics.
    pub admin: TcpListener,
}

/// Listens on the address that config field `field` names.
///
/// # Errors
/// The address cannot be used.
pub(crate) fn listen(address: SocketAddr, field: &'static str, config: &Path) -> Result<TcpListener, ConfigError> {
    tacit_http_server::listen(address).map_err(|error| ConfigError::Listen {
        error,
        field,
        path: config.to_owned(),
    })
}

/// Finds everything that would keep the coordinator from running, and every node that cannot be reached.
pub(crate) fn findings(path: &Path) -> Vec<ConfigError> {
    let loaded = config::load(path);
    let cluster = loaded.as_ref().ok().map(|loaded| loaded.cluster.digest());
    let mut findings = Vec::new();
    if let Ok(config) = config::read(path) {
        let made = [&config.identity_key, &config.cluster].into_iter().chain(&config.buyers);
        findings.extend(
            made.filter(|path| key_file::is_made_by_demo(path))
                .map(|path| ConfigError::Demo(path.clone())),
        );
        let running = Store::inspect(&config.data, cluster).unwrap_or_else(|error| {
            findings.push(error.into());
            false
        });
        // If the store is in use, this coordinator runs and listens on the ports itself.
        if !running {
            // Both are held at once, so that it is found if they have the same port.
            let api = listen(config.listen, "listen", path);
            let admin = listen(config.admin, "admin", path);
            findings.extend([api, admin].into_iter().filter_map(Result::err));
        }
    }
    match loaded {
        Ok(loaded) => {
            if loaded.key.is_of_tests() {
                findings.push(ConfigError::TestKey(loaded.config.identity_key.clone()));
            }
            findings.extend(nodes(&loaded));
        }
        Err(errors) => findings.splice(0..0, errors).for_each(drop),
    }
    findings
}

fn nodes(loaded: &Loaded) -> Vec<ConfigError> {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let found = runtime.block_on(probe_nodes(&loaded.key, &loaded.cluster, None));
            found.into_iter().map(ConfigError::Node).collect()
        }
        Err(error) => vec![ConfigError::Runtime(error.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, format!("listen = \"{address}\"\nadmin = \"127.0.0.1:0\"\n")).unwrap();
        let lines: Vec<String> = findings(&path).iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        let expected = format!("cannot listen on TCP {address}: address in use: stop the other program");
        assert!(lines[2].starts_with(&expected), "{}", lines[2]);
        std::fs::write(folder.path().join("data"), "not a folder").unwrap();
        let lines: Vec<String> = findings(&path).iter().map(ToString::to_string).collect();
        assert!(lines.len() == 4 && lines[2].contains("is not a folder"), "{lines:?}");
    }
}
