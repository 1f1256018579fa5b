//! The page for contributors and buyers, which a node serves if its config says so: this operator's own copy, which anybody can compare
//! with those of others.
//!
//! It has a thread of its own that others go before, and its own limits, so that however many people ask for it, computations go on.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use axum::middleware::map_response;
use axum::response::Response;
use serde::Deserialize;
use tacit_http_server::{
    AddressRange, Certificate, CertificateFiles, Places, Priority, Server, listen, raise_open_files, reload_at_hangups,
};
use tacit_page::Limits;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::metrics::Metrics;

/// Files that the process has open beside the connections to the page: the store, logs, the peers, the admin port.
const OTHER_FILES: u64 = 256;
/// More connections than this would be a slip: a browser keeps one for some seconds.
const MOST_CONNECTIONS: usize = 4096;

/// The table `[web]` of the config file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    /// The TCP address to listen on.
    pub listen: SocketAddr,
    /// The certificate and key with which the page is served; without them it is plain HTTP.
    #[serde(default)]
    pub tls: Option<CertificateFiles>,
    /// The addresses from which reverse proxies connect for everybody, and add TLS.
    #[serde(default)]
    pub proxies: Vec<AddressRange>,
    /// Connections in all.
    #[serde(default = "default_connections")]
    pub connections: usize,
    /// Connections from one address.
    #[serde(default = "default_connections_per_address")]
    pub connections_per_address: usize,
}

fn default_connections() -> usize {
    Limits::CONNECTIONS
}

fn default_connections_per_address() -> usize {
    Limits::CONNECTIONS_PER_ADDRESS
}

impl Web {
    /// Resolves the paths against the folder of the config file.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        for file in self.tls.iter_mut().flat_map(|files| [&mut files.certificate, &mut files.key]) {
            *file = folder.join(&*file);
        }
    }

    /// Checks the values.
    ///
    /// # Errors
    /// One cannot be used; the error names the field and says what to do.
    pub(crate) fn check(&self) -> Result<()> {
        for (field, value) in [
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
        ] {
            if !(1..=MOST_CONNECTIONS).contains(&value) {
                bail!("field `web.{field}` must be 1 to {MOST_CONNECTIONS}");
            }
        }
        if self.tls.is_none() && self.proxies.is_empty() && !self.listen.ip().is_loopback() {
            bail!(
                "field `web.listen` is {}, which others reach without TLS, and browsers let a page keep keys only over HTTPS: add a table \
                 `[web.tls]` with `certificate` and `key`, or name the proxy that adds TLS in `web.proxies`, or listen on 127.0.0.1",
                self.listen
            );
        }
        Ok(())
    }

    /// Reads the certificate, if there is one.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) fn certificate(&self) -> Result<Option<Arc<Certificate>>> {
        let certificate = self.tls.clone().map(|files| Certificate::load(files, "web.tls")).transpose()?;
        Ok(certificate.map(Arc::new))
    }

    /// Listens.
    ///
    /// # Errors
    /// The address cannot be used.
    pub(crate) fn listener(&self) -> Result<TcpListener> {
        listen(self.listen).map_err(|error| anyhow::anyhow!("{error}, or change `web.listen`"))
    }

    /// Whether people reach the page over HTTPS.
    fn is_behind_https(&self) -> bool {
        self.tls.is_some() || !self.proxies.is_empty()
    }

    /// How much is let in, so that the store and the peers always find a file that may be opened.
    fn limits(&self) -> Limits {
        let files = raise_open_files(self.connections as u64 + OTHER_FILES);
        let left = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(1);
        if left < self.connections {
            warn!(
                files,
                connections = left,
                "the page takes fewer connections than `web.connections` says: raise the limit of open files (LimitNOFILE of systemd, ulimit -n)"
            );
        }
        Limits {
            proxies: self.proxies.clone(),
            connections: self.connections.min(left),
            connections_per_address: self.connections_per_address,
        }
    }
}

/// The page, ready to be served: its port is open, and its certificate is read.
pub(crate) struct Page {
    server: Server,
    /// Where it is served.
    pub url: String,
}

impl Page {
    /// Opens the port. `cluster` is the cluster file, which stands beside the page. Cancelling `stop` ends the server.
    ///
    /// # Errors
    /// The port or the certificate cannot be used.
    pub(crate) fn open(web: &Web, cluster: Vec<u8>, metrics: &Metrics, stop: CancellationToken) -> Result<Self> {
        let certificate = web.certificate()?;
        let listener = web.listener()?;
        if let Some(certificate) = &certificate {
            let reloading = reload_at_hangups(Arc::clone(certificate)).context("cannot wait for SIGHUP")?;
            tokio::spawn(stop.clone().run_until_cancelled_owned(reloading));
        }
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let counted = metrics.page.clone();
        let count = move |response: Response| {
            counted.request(response.status().as_u16());
            std::future::ready(response)
        };
        let server = Server {
            listener,
            router: tacit_page::router(Some(Bytes::from(cluster)), web.is_behind_https()).layer(map_response(count)),
            doors: web.limits().doors(certificate, metrics.page.refusals()),
            shutdown: stop,
        };
        let url = format!("{scheme}://{}/", server.address().context("cannot serve the page")?);
        Ok(Self { server, url })
    }

    /// The places of its connections.
    pub(crate) fn connections(&self) -> Places {
        self.server.doors.places.clone()
    }

    /// Serves until the node stops. Returns the task, which ends with the server.
    ///
    /// # Errors
    /// Its thread cannot be started.
    pub(crate) fn serve(self) -> Result<tokio::task::JoinHandle<()>> {
        let url = self.url;
        let serving = self
            .server
            .run_on_thread("page", Priority::Low)
            .context("cannot start the thread of the page")?;
        info!(page = url, "the page is served");
        Ok(tokio::spawn(async move {
            if let Err(error) = serving.await {
                error!(%error, page = url, "the page is not served any more");
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(text: &str) -> Web {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn without_tls_only_this_machine_or_a_proxy_gets_the_page() {
        let refused = |text: &str| web(text).check().map_err(|error| error.to_string());
        assert_eq!(refused("listen = \"127.0.0.1:8081\""), Ok(()));
        assert_eq!(refused("listen = \"[::1]:8081\""), Ok(()));
        assert_eq!(refused("listen = \"0.0.0.0:8081\"\nproxies = [\"10.0.0.0/8\"]"), Ok(()));
        let files = "[tls]\ncertificate = \"page.crt\"\nkey = \"page.key\"";
        assert_eq!(refused(&format!("listen = \"0.0.0.0:443\"\n{files}")), Ok(()));
        let error = refused("listen = \"0.0.0.0:8081\"").unwrap_err();
        for part in ["`web.listen` is 0.0.0.0:8081", "`[web.tls]`", "`web.proxies`", "127.0.0.1"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn there_is_a_place_for_somebody_and_not_for_everybody() {
        for value in ["0", "5000"] {
            for field in ["connections", "connections_per_address"] {
                let error = web(&format!("listen = \"127.0.0.1:8081\"\n{field} = {value}")).check().unwrap_err();
                assert!(error.to_string().contains(&format!("`web.{field}` must be 1 to 4096")), "{error}");
            }
        }
    }

    #[test]
    fn a_certificate_is_found_beside_the_config_file_and_named_as_its_field() {
        let mut web = web("listen = \"127.0.0.1:8081\"\n[tls]\ncertificate = \"page.crt\"\nkey = \"page.key\"");
        let folder = tempfile::tempdir().unwrap();
        web.resolve(folder.path());
        let error = web.certificate().unwrap_err().to_string();
        assert!(error.contains(&folder.path().join("page.crt").display().to_string()), "{error}");
        assert!(error.contains("`web.tls.certificate`"), "{error}");
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_its_field() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = web(&format!("listen = \"{address}\"")).listener().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot listen on TCP {address}: address in use: stop the other program, or change `web.listen`")
        );
    }
}
