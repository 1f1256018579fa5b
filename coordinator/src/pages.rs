//! Which pages may use the API from a browser.
//!
//! A page that anybody serves runs in browsers that reach what their owners reach: programs of the same machine, and hosts of a network that nobody
//! outside can enter. A coordinator for its own machine therefore answers pages of this machine only, and only under a name of this machine:
//! otherwise a host could give its own name the address 127.0.0.1, and its page would be of the same origin
//! ([DNS rebinding](https://en.wikipedia.org/wiki/DNS_rebinding)).

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Uri, header};
use tower_http::cors::AllowOrigin;

/// The origins of pages that may use the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Every origin.
    All,
    /// Those of this machine.
    ThisMachine,
    /// These.
    Listed(Vec<HeaderValue>),
}

impl Pages {
    /// The pages that the config file names; otherwise all, or, for a coordinator whose address in the cluster file is one of this machine, those of
    /// this machine.
    pub(crate) fn new(listed: Option<&[String]>, coordinator_url: &str) -> Self {
        match listed {
            Some(listed) => Self::Listed(listed.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect()),
            None if is_of_this_machine(coordinator_url) => Self::ThisMachine,
            None => Self::All,
        }
    }

    pub(crate) fn allow_origin(&self) -> AllowOrigin {
        match self {
            Self::All => AllowOrigin::any(),
            Self::ThisMachine => AllowOrigin::predicate(|origin, _| origin.to_str().is_ok_and(is_of_this_machine)),
            Self::Listed(origins) => AllowOrigin::list(origins.iter().cloned()),
        }
    }
}

/// What is wrong with the origin of a page in the config file, if something is.
pub(crate) fn origin_problem(origin: &str) -> Option<&'static str> {
    let uri: Option<Uri> = origin.parse().ok();
    let well_formed = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("https" | "http")) && uri.authority().is_some_and(|authority| origin.ends_with(authority.as_str()))
    });
    (!well_formed || origin.contains('@') || origin.chars().any(|c| c.is_ascii_uppercase()))
        .then_some("must list origins as browsers send them, for example \"https://answers.example.org\": lower case, without a path")
}

/// Whether the host of a URL is this machine.
fn is_of_this_machine(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    uri.is_some_and(|uri| uri.authority().is_some_and(is_loopback))
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The host that a request names, if it is not this machine. Every browser names one.
pub(crate) fn foreign_host(request: &Request) -> Option<String> {
    let header = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority = request.uri().authority().cloned().or_else(header)?;
    (!is_loopback(&authority)).then(|| authority.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_of_this_machine_is_for_pages_of_this_machine() {
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "https://LOCALHOST",
            "http://[::1]:8080/",
            "http://127.8.0.1",
        ] {
            assert_eq!(Pages::new(None, url), Pages::ThisMachine, "{url}");
        }
        for url in [
            "https://tacit.example.org",
            "http://10.0.0.1",
            "http://localhost.example.org",
            "https://127.0.0.1.example.org",
            "null",
        ] {
            assert_eq!(Pages::new(None, url), Pages::All, "{url}");
        }
        let listed = ["https://answers.example.org".to_owned()];
        let expected = Pages::Listed(vec![HeaderValue::from_static("https://answers.example.org")]);
        assert_eq!(Pages::new(Some(&listed), "http://localhost:1"), expected);
        assert_eq!(Pages::new(Some(&[]), "http://localhost:1"), Pages::Listed(Vec::new()), "none");
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        for good in ["https://answers.example.org", "http://localhost:8081", "https://[::1]:8443"] {
            assert_eq!(origin_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "*",
            "answers.example.org",
            "https://answers.example.org/",
            "https://a.example/page",
            "HTTPS://a.example",
            "ftp://a.example",
            "https://me@a.example",
        ] {
            assert!(origin_problem(bad).is_some(), "{bad}");
        }
    }
}
