//! The addresses of images. A page puts their hosts into its content security policy, and consent names them, so an address is read in
//! one way only: what a browser might read in another way is refused.

use std::net::Ipv4Addr;

/// The longest address, in bytes.
const MAX_URL: usize = 2048;
/// The longest host with its port, in bytes.
const MAX_HOST: usize = 260;
/// Hosts of one's own machine, where a page may load images without TLS.
const OWN_MACHINE: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The host of an image's address, with the port if there is one.
///
/// # Errors
/// What is wrong, to follow the name of the field.
pub(super) fn image_host(url: &str) -> Result<&str, &'static str> {
    if url.len() > MAX_URL {
        return Err("must not be longer than 2048 bytes");
    }
    let (rest, encrypted) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return Err("must begin with https://"),
    };
    let (host, path) = rest
        .split_once('/')
        .ok_or("must have a path after its host, as in https://example.org/1.png")?;
    if !is_host(host) {
        return Err(
            "must have a host of lower-case letters, digits, dots and dashes, perhaps with a port, and no name or password before it",
        );
    }
    if !encrypted && !OWN_MACHINE.contains(&without_port(host)) {
        return Err("must begin with https://; only images on the contributor's own machine may have http://");
    }
    // As a browser would encode them, so that the address names the same bytes to everybody.
    let plain = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}#"#.contains(&byte);
    if !path.bytes().all(plain) {
        return Err("must encode blanks, quotes and letters outside of ASCII as %20 and the like, and have no part after #");
    }
    Ok(host)
}

/// Whether this can be the host of an address, perhaps with a port: what stands in `image_hosts` of terms.
pub(super) fn is_host(text: &str) -> bool {
    let host = without_port(text);
    let port = &text[host.len()..];
    let letters = host
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b));
    let named =
        letters && !host.starts_with(['.', '-']) && !host.ends_with('.') && (!ends_in_number(host) || host.parse::<Ipv4Addr>().is_ok());
    let has_port = |port: &str| !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    text.len() <= MAX_HOST
        && !host.is_empty()
        && (named || host == "[::1]")
        && (port.is_empty() || port.strip_prefix(':').is_some_and(has_port))
}

/// Whether browsers read the host as an IPv4 address, in whatever notation (https://url.spec.whatwg.org/#ends-in-a-number-checker).
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(last)
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn without_port(host: &str) -> &str {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // The colons of an IPv6 address stand in brackets.
    if host.ends_with(']') { host } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_their_ports() {
        for (url, host) in [
            ("https://example.org/1.png", "example.org"),
            ("https://img-2.example.org:8443/a/b.png?size=2&x=%20", "img-2.example.org:8443"),
            ("https://192.0.2.7/", "192.0.2.7"),
            ("http://127.0.0.1:8000/1.png", "127.0.0.1:8000"),
            ("http://localhost/1.png", "localhost"),
            ("http://[::1]:80/1.png", "[::1]:80"),
            ("http://[::1]/1.png", "[::1]"),
        ] {
            assert_eq!(image_host(url), Ok(host));
        }
    }

    #[test]
    fn what_a_browser_may_read_in_another_way_is_refused() {
        for url in [
            "",
            "1.png",
            "//example.org/1.png",
            "ftp://example.org/1.png",
            "HTTPS://example.org/1.png",
            "https://example.org",
            "https:///1.png",
            "https://Example.org/1.png",
            "https://b\u{fc}cher.example/1.png",
            "https://me:secret@example.org/1.png",
            "https://example.org:/1.png",
            "https://example.org:0/1.png",
            "https://example.org:65536/1.png",
            "https://example.org:+8/1.png",
            "https://example.org?a/1.png",
            "https://example.org\\@other.example/1.png",
            "https://example.org; img-src */1.png",
            "https://[::2]/1.png",
            "https://.example.org/1.png",
            "https://example.org./1.png",
            "https://2130706433/1.png",
            "https://127.1/1.png",
            "https://192.0.2.07/1.png",
            "https://0x7f000001/1.png",
            "https://a.0x/1.png",
            "http://example.org/1.png",
            "http://127.0.0.1.example.org/1.png",
            "http://localhost:80:80/1.png",
            "https://example.org/a b.png",
            "https://example.org/\u{e9}.png",
            "https://example.org/1.png#part",
            "https://example.org/\"1.png",
            "javascript:alert(1)/",
            "data:image/png;base64,/",
        ] {
            assert!(image_host(url).is_err(), "{url}");
        }
        assert!(image_host(&format!("https://example.org/{}", "a".repeat(MAX_URL))).is_err());
        assert!(image_host(&format!("https://{}/", "a".repeat(MAX_HOST + 1))).is_err());
    }
}
