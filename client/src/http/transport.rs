//! How requests reach the coordinator: connection, token or signature, retries, and what a refusal says.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tacit_mpc_core::digest::Digest;
use tacit_program::Backoff;
use tacit_protocol::api::Problem;
use tacit_protocol::credential::Shown;
use tacit_protocol::identity::SecretKey;

use super::authorization::Authorization;
use super::error::{ApiError, with_causes};
use crate::text::one_line;

/// The largest body that is read: more than the certificate of the largest job.
const MAX_BODY: usize = 1 << 30;
/// How often a request is repeated when the connection fails or the coordinator is busy. All requests are idempotent.
const RETRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A client of one coordinator.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    pub(super) base: String,
    loopback: bool,
    authorization: Option<Authorization>,
}

impl Api {
    /// A client of the coordinator at `url`, which is https, or http on this machine; `token` is a buyer's.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, ApiError> {
        let api = Self::insecure(url, token)?;
        if api.base.starts_with("http://") && !api.loopback {
            return Err(ApiError::Insecure { url: url.to_owned() });
        }
        Ok(api)
    }

    /// The same, also for plain HTTP to other machines: whoever is on the way reads the token and changes what is read.
    pub fn insecure(url: &str, token: Option<&str>) -> Result<Self, ApiError> {
        let wrong = |reason: String| ApiError::Url {
            url: url.to_owned(),
            reason,
        };
        let parsed: Url = url.parse().map_err(|e| wrong(format!("{e}")))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() || parsed.query().is_some() {
            return Err(wrong("expected http://HOST:PORT or https://HOST".to_owned()));
        }
        let mut builder = Client::builder()
            .user_agent(concat!("tacit/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            // The token must not be sent to wherever a coordinator redirects to.
            .redirect(reqwest::redirect::Policy::none());
        let loopback = parsed.host_str().is_some_and(is_loopback);
        if parsed.scheme() == "http" {
            // Certificates of the system are not needed, and a small container may lack them.
            builder = builder.tls_certs_only([]);
        }
        if loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| ApiError::Client(with_causes(&error)))?;
        Ok(Self {
            client,
            base: parsed.as_str().trim_end_matches('/').to_owned(),
            loopback,
            authorization: token.map(Authorization::token).transpose()?,
        })
    }

    /// The coordinator's URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Signs requests with this key, for the cluster of this digest, in place of a token.
    #[must_use]
    pub fn signed_with(self, key: SecretKey, cluster: Digest) -> Self {
        self.signed_as(key, cluster, None)
    }

    /// Signs requests with this key, and shows with them what says that it is of a person of a pool, if it is.
    #[must_use]
    pub fn signed_as(self, key: SecretKey, cluster: Digest, shown: Option<&Shown>) -> Self {
        let authorization = Some(Authorization::key(key, cluster, shown));
        Self { authorization, ..self }
    }

    /// Whether the client has a buyer's token.
    pub fn has_token(&self) -> bool {
        matches!(self.authorization, Some(Authorization::Token(_)))
    }

    /// Whether the client has a buyer's token, or a key that signs requests.
    pub fn is_authenticated(&self) -> bool {
        self.authorization.is_some()
    }

    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<T, ApiError> {
        let request = format!("{method} {path}");
        let response = self.send(method, path, body).await?;
        let bytes = self.body(response, &request).await?;
        serde_json::from_slice(&bytes).map_err(|e| self.answer(&request, one_line(&e.to_string())))
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Option<(&'static str, Vec<u8>)>) -> Result<Response, ApiError> {
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut retries = RETRIES;
        loop {
            let mut request = self
                .client
                .request(method.clone(), format!("{}{path}", self.base))
                .header(ACCEPT, "*/*");
            if let Some(authorization) = &self.authorization {
                let bytes = body.as_ref().map_or(&[] as &[u8], |(_, bytes)| bytes);
                request = authorization.add_to(request, &method, path, bytes);
            }
            if let Some((kind, bytes)) = &body {
                request = request.header(CONTENT_TYPE, *kind).body(bytes.clone());
            }
            let last = retries == 0;
            match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) if last || !is_busy(&response) => {
                    return Err(self.refused(&format!("{method} {path}"), response).await);
                }
                Err(error) if last || error.is_builder() || error.is_redirect() => {
                    return Err(ApiError::Unreachable {
                        url: self.base.clone(),
                        reason: with_causes(&error),
                    });
                }
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(pauses.next_pause()).await;
            retries -= 1;
        }
    }

    pub(super) async fn body(&self, mut response: Response, request: &str) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|e| self.answer(request, format!("it broke off: {}", with_causes(&e))))?
        {
            if bytes.len() + chunk.len() > MAX_BODY {
                return Err(self.answer(request, format!("it is longer than {MAX_BODY} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn refused(&self, request: &str, response: Response) -> ApiError {
        let status = response.status();
        let bytes = match self.body(response, request).await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        let problem = match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Problem {
                kind: problem.kind,
                title: one_line(&problem.title),
                status: status.as_u16(),
                detail: one_line(&problem.detail),
            },
            Err(_) => Problem {
                kind: "about:blank".to_owned(),
                title: status.canonical_reason().unwrap_or("an error").to_owned(),
                status: status.as_u16(),
                detail: one_line(&String::from_utf8_lossy(&bytes).chars().take(200).collect::<String>()),
            },
        };
        ApiError::Refused {
            url: self.base.clone(),
            request: request.to_owned(),
            problem: Box::new(problem),
        }
    }

    pub(super) fn answer(&self, request: &str, reason: String) -> ApiError {
        ApiError::Answer {
            url: self.base.clone(),
            request: request.to_owned(),
            reason,
        }
    }
}

/// Whether a host, as it stands in a URL, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether a request should be tried again because a server or proxy is busy. A coordinator that answers with a problem document
/// has waited itself, and the request is not repeated unless it asks for that.
fn is_busy(response: &Response) -> bool {
    let considered = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/problem+json");
    (!considered || response.headers().contains_key(RETRY_AFTER))
        && matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        for url in ["", "coordinator:8080", "ftp://host", "http://host/?a=b"] {
            assert!(matches!(Api::new(url, None), Err(ApiError::Url { .. })), "{url}");
        }
        assert_eq!(Api::new("https://host/tacit/", None).unwrap().url(), "https://host/tacit");
    }

    #[test]
    fn plain_http_leaves_the_machine_only_if_that_is_asked_for() {
        for url in [
            "http://host",
            "http://10.0.0.1:8080",
            "HTTP://host:1",
            "http://127.0.0.1.example.org",
            "http://[2001:db8::1]:80",
        ] {
            assert!(matches!(Api::new(url, None), Err(ApiError::Insecure { .. })), "{url}");
            assert!(Api::insecure(url, None).is_ok(), "{url}");
        }
        for url in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:8080",
            "https://host",
        ] {
            assert!(Api::new(url, None).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let api = Api::new("http://127.0.0.1:1", Some("very-secret")).unwrap();
        assert!(!format!("{api:?}").contains("very-secret"));
        assert_eq!(Api::new("https://h", Some("a\nb")).unwrap_err(), ApiError::Token);
    }
}
