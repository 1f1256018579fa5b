//! Ports, and `tacit-coordinator check-config`.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use tacit_link::probe_nodes;
use tacit_mpc_core::heading;
use zeroize::Zeroizing;

use crate::config::{self, ConfigError, Loaded};
use crate::store::Store;

/// The listeners of the API and of health and metrics.
pub struct Listeners {
    /// Of the API.
    pub api: TcpListener,
    /// Of health and metrics.
    pub admin: TcpListener,
}

/// Listens on one address.
///
/// # Errors
/// The address cannot be used.
pub fn listen(address: SocketAddr, field: &'static str, config: &Path) -> Result<TcpListener, ConfigError> {
    let refused = |e: std::io::Error| {
        let reason = match e.kind() {
            std::io::ErrorKind::AddrInUse => "address in use".to_owned(),
            std::io::ErrorKind::PermissionDenied => "this user may not use the port".to_owned(),
            std::io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
            _ => e.to_string(),
        };
        ConfigError::Listen {
            address,
            reason,
            field,
            path: config.display().to_string(),
        }
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// Everything that would keep the coordinator from running, and the nodes from being reached.
pub fn findings(path: &Path) -> Vec<ConfigError> {
    let loaded = config::load(path);
    let cluster = loaded.as_ref().ok().map(|loaded| loaded.cluster.digest());
    let mut findings = Vec::new();
    if let Ok(config) = config::read(path) {
        let made = [&config.identity_key, &config.cluster].into_iter().chain(&config.buyers);
        findings.extend(
            made.filter(|path| is_of_demo(path))
                .map(|path| ConfigError::Demo(path.display().to_string())),
        );
        let running = Store::inspect(&config.data, cluster).unwrap_or_else(|error| {
            findings.push(error.into());
            false
        });
        // Whoever has the store has the ports as well: this coordinator itself.
        if !running {
            // Held until both are tried, so that the same port twice is found.
            let api = listen(config.listen, "listen", path);
            let admin = listen(config.admin, "admin", path);
            findings.extend([api, admin].into_iter().filter_map(Result::err));
        }
    }
    match loaded {
        Ok(loaded) => {
            if loaded.key.is_of_tests() {
                findings.push(ConfigError::TestKey(loaded.config.identity_key.display().to_string()));
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

fn is_of_demo(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    text.is_ok_and(|text| heading::is_of_demo(&text))
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
