//! Ports, and `tacit-coordinator check-config`.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use crate::config::{self, ConfigError};
use crate::store::Store;

const IN_USE: &str = "address in use";

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
            std::io::ErrorKind::AddrInUse => IN_USE.to_owned(),
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

/// Everything that would keep the coordinator from running.
pub fn findings(path: &Path) -> Vec<ConfigError> {
    let loaded = config::load(path);
    let cluster = loaded.as_ref().ok().map(|loaded| loaded.cluster.digest());
    let mut findings = loaded.err().unwrap_or_default();
    if let Ok(config) = config::read(path) {
        findings.extend(Store::inspect(&config.data, cluster).err().map(ConfigError::Store));
        // Held until both are tried, so that the same port twice is found.
        let api = listen(config.listen, "listen", path);
        let admin = listen(config.admin, "admin", path);
        findings.extend([api, admin].into_iter().filter_map(Result::err).map(perhaps_running));
    }
    findings
}

/// Who checks a config may have the program running.
fn perhaps_running(mut finding: ConfigError) -> ConfigError {
    if let ConfigError::Listen { reason, .. } = &mut finding
        && reason == IN_USE
    {
        *reason = format!("{IN_USE} (by this coordinator, if it is running)");
    }
    finding
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
        let expected = format!("cannot listen on TCP {address}: address in use (by this coordinator, if it is running)");
        assert!(lines[2].starts_with(&expected), "{}", lines[2]);
        std::fs::write(folder.path().join("data"), "not a folder").unwrap();
        let lines: Vec<String> = findings(&path).iter().map(ToString::to_string).collect();
        assert!(lines.len() == 4 && lines[2].contains("is not a folder"), "{lines:?}");
    }
}
