//! The command line of `tacit web`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as Group;
use tacit_http_server::AddressRange;

const WEB_HELP: &str = "\
The page is inside this program: whoever runs it offers a copy of their own. People who open it need no account here: keys and answers stay in their browser, and \
shares go from there to the coordinator. MANIFEST lists the digests of its files, by which copies of other operators are compared.

Browsers let a page keep keys only over https, or on the machine itself. So for other people put a proxy with a certificate before it, and give \
--behind-https; docs/security/page.md says what they trust you for.

Examples:
  tacit web --cluster cluster.toml                  then open the address that it prints
  tacit web --cluster cluster.toml --listen 127.0.0.1:8081 --behind-https";

/// `web`.
#[derive(Debug, Group)]
#[command(after_help = WEB_HELP)]
pub(crate) struct Web {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// The cluster file, which is offered beside the page: who trusts this host for the page takes it from here.
    #[arg(long, value_name = "cluster.toml", env = "TACIT_CLUSTER")]
    pub cluster: Option<PathBuf>,
    /// People reach this server over https, through a proxy: browsers are told to insist on it.
    #[arg(long)]
    pub behind_https: bool,
    /// An address, or a range such as 10.0.0.0/8, from which only such a proxy connects; may be given several times. Connections from any
    /// other address than these and this machine's have a limit, so a proxy has to limit its clients itself.
    #[arg(long = "proxy", value_name = "ADDRESSES", requires = "behind_https")]
    pub proxies: Vec<AddressRange>,
}
