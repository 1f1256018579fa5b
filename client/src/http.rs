//! The coordinator's HTTP API, as its clients use it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tacit_mpc_core::digest::Digest;
use tacit_program::Backoff;
use tacit_protocol::api::{
    ClusterInfo, ContributorReceipts, Enrolment, JobList, JobStatus, Problem, Receipt, Revoked, SUBMISSION_TYPE, SubmissionStatus,
    WithdrawalRequest, WithdrawalStatus,
};
use tacit_protocol::credential::{Revocation, SHOWN_HEADER, Shown};
use tacit_protocol::identity::{SecretKey, Signature};
use tacit_protocol::job::{JobId, SignedSpec};
use tacit_protocol::request_signature::SignedParts;
use tacit_protocol::submission::SubmissionId;
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};
use thiserror::Error;

use crate::events::Events;
use crate::text::one_line;

/// The largest body that is read: more than the certificate of the largest job.
const MAX_BODY: usize = 1 << 30;
/// How often a request is repeated when the connection fails or the coordinator is busy. All requests are idempotent.
const RETRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const JSON: &str = "application/json";

/// Why a request to the coordinator failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// The URL is not valid.
    #[error("`{url}` is not the URL of a coordinator: {reason}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The URL is plain HTTP to another machine.
    #[error(
        "{url} has no TLS: whoever is on the way would read the token and change what you see. Use https://, or --insecure where nobody can be on the way"
    )]
    Insecure {
        /// The URL as given.
        url: String,
    },
    /// The token contains characters that cannot be in a header.
    #[error("the buyer's token has characters that cannot be sent: it must be one line of plain letters, digits and signs")]
    Token,
    /// The coordinator cannot be connected to, or the connection broke.
    #[error("the coordinator at {url} cannot be reached: {reason}")]
    Unreachable {
        /// The address of the coordinator.
        url: String,
        /// The error of the network.
        reason: String,
    },
    /// The coordinator speaks no protocol version that this program does.
    #[error("the coordinator at {url} speaks protocol {theirs}, this program {ours}: {}", theirs.who_upgrades("its operator has to upgrade it", *ours, "upgrade this program"))]
    Version {
        /// The address of the coordinator.
        url: String,
        /// The versions it speaks.
        theirs: Versions,
        /// The versions this program speaks.
        ours: Versions,
    },
    /// The request was refused.
    #[error("the coordinator at {url} answered {} to {request}: {}: {}", problem.status, problem.title, problem.detail)]
    Refused {
        /// The address of the coordinator.
        url: String,
        /// Method and path.
        request: String,
        /// The coordinator's problem document.
        problem: Box<Problem>,
    },
    /// The response is not what the API specifies.
    #[error("the coordinator at {url} gave no valid answer to {request}: {reason}")]
    Answer {
        /// The address of the coordinator.
        url: String,
        /// Method and path.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ApiError {
    /// Whether the coordinator has answered that there is no such thing, or none that may be read.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.status == StatusCode::NOT_FOUND.as_u16())
    }
}

/// The files of a published job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// `result.json`.
    Result,
    /// `payouts.csv`.
    Payouts,
    /// `certificate.json`.
    Certificate,
}

/// A client of one coordinator.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    loopback: bool,
    token: Option<HeaderValue>,
    signer: Option<Arc<Signer>>,
}

/// A key that signs requests, and the digest of the cluster file for which it does.
#[derive(Debug)]
struct Signer {
    key: SecretKey,
    cluster: Digest,
    /// Says that the key is of a person of a pool.
    shown: Option<HeaderValue>,
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
        let client = builder.build().map_err(|e| wrong(chain(&e)))?;
        let token = token.map(bearer).transpose()?;
        Ok(Self {
            client,
            base: parsed.as_str().trim_end_matches('/').to_owned(),
            loopback,
            token,
            signer: None,
        })
    }

    /// The coordinator's URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Signs requests with this key, for the cluster of this digest, in place of a token.
    #[must_use]
    pub fn signed_with(mut self, key: SecretKey, cluster: Digest) -> Self {
        self.signer = Some(Arc::new(Signer { key, cluster, shown: None }));
        self
    }

    /// Shows with signed requests that the key is of a person of a pool.
    #[must_use]
    pub fn showing(mut self, shown: &Shown) -> Self {
        if let Some(signer) = &self.signer {
            self.signer = Some(Arc::new(Signer {
                key: signer.key.clone(),
                cluster: signer.cluster,
                // A value of letters, digits, dashes and underscores.
                shown: HeaderValue::try_from(shown.to_string()).ok(),
            }));
        }
        self
    }

    /// Whether the client has a buyer's token.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the client has a buyer's token, or a key that signs requests.
    pub fn is_authenticated(&self) -> bool {
        self.has_token() || self.signer.is_some()
    }

    /// The coordinator's description of the cluster.
    ///
    /// # Errors
    /// The coordinator speaks no protocol version that this program speaks, or the request failed.
    pub async fn cluster(&self) -> Result<ClusterInfo, ApiError> {
        let info: serde_json::Value = self.json(Method::GET, "/v1/cluster", None).await?;
        let unusable = |e: serde_json::Error| self.answer("GET /v1/cluster", one_line(&e.to_string()));
        // Read the version first: other versions may have other fields.
        let theirs = Versions::deserialize(&info["protocol"]).map_err(unusable)?;
        if PROTOCOL_VERSIONS.common(theirs).is_none() {
            return Err(ApiError::Version {
                url: self.base.clone(),
                theirs,
                ours: PROTOCOL_VERSIONS,
            });
        }
        ClusterInfo::deserialize(info).map_err(unusable)
    }

    /// Enrols a contributor's key.
    pub async fn enrol(&self, enrolment: &Enrolment) -> Result<(), ApiError> {
        self.send(Method::POST, "/v1/contributors", Some((JSON, to_json(enrolment))))
            .await
            .map(drop)
    }

    /// Opens a job that its buyer has signed.
    pub async fn create_job(&self, id: &JobId, spec: &SignedSpec) -> Result<JobStatus, ApiError> {
        self.json(Method::PUT, &format!("/v1/jobs/{id}"), Some((JSON, to_json(spec)))).await
    }

    /// The buyer's jobs, newest first.
    pub async fn jobs(&self) -> Result<JobList, ApiError> {
        self.json(Method::GET, "/v1/jobs", None).await
    }

    /// Sends a revocation that the issuers of a pool have signed.
    pub async fn revoke(&self, revocation: &Revocation) -> Result<Revoked, ApiError> {
        self.json(Method::POST, "/v1/issuers/revocations", Some((JSON, to_json(revocation))))
            .await
    }

    /// The status of a job.
    pub async fn status(&self, id: &JobId) -> Result<JobStatus, ApiError> {
        self.json(Method::GET, &format!("/v1/jobs/{id}"), None).await
    }

    /// A job's spec as its buyer signed it.
    pub async fn spec(&self, id: &JobId) -> Result<SignedSpec, ApiError> {
        self.json(Method::GET, &format!("/v1/jobs/{id}/spec"), None).await
    }

    /// Closes a job, so that its result is computed.
    pub async fn close(&self, id: &JobId) -> Result<JobStatus, ApiError> {
        self.json(Method::POST, &format!("/v1/jobs/{id}/close"), None).await
    }

    /// Cancels a job, with the buyer's signature over its cancellation.
    pub async fn cancel(&self, id: &JobId, signature: &Signature) -> Result<JobStatus, ApiError> {
        self.json(Method::DELETE, &format!("/v1/jobs/{id}?signature={signature}"), None)
            .await
    }

    /// The stream of a job's status changes.
    pub(crate) async fn events(&self, id: &JobId) -> Result<Events, ApiError> {
        self.send(Method::GET, &format!("/v1/jobs/{id}/events"), None)
            .await
            .map(Events::new)
    }

    /// Uploads an encoded submission.
    pub async fn submit(&self, job: &JobId, id: &SubmissionId, bytes: Vec<u8>) -> Result<Receipt, ApiError> {
        self.json(
            Method::PUT,
            &format!("/v1/jobs/{job}/submissions/{id}"),
            Some((SUBMISSION_TYPE, bytes)),
        )
        .await
    }

    /// Takes a submission back. Returns how far it is erased.
    pub async fn withdraw(&self, job: &JobId, id: &SubmissionId, signature: Signature) -> Result<WithdrawalStatus, ApiError> {
        let body = to_json(&WithdrawalRequest { signature });
        self.json(Method::DELETE, &format!("/v1/jobs/{job}/submissions/{id}"), Some((JSON, body)))
            .await
    }

    /// A submission's receipt, and the outcome of its answers once the job is published.
    pub async fn submission(&self, job: &JobId, id: &SubmissionId) -> Result<SubmissionStatus, ApiError> {
        self.json(Method::GET, &format!("/v1/jobs/{job}/submissions/{id}"), None).await
    }

    /// What the nodes certify to the owner of the key that signs requests.
    pub async fn receipts(&self, job: &JobId) -> Result<ContributorReceipts, ApiError> {
        self.json(Method::GET, &format!("/v1/jobs/{job}/receipts"), None).await
    }

    /// Fetches a published file, byte for byte.
    pub async fn fetch(&self, id: &JobId, what: Published) -> Result<Vec<u8>, ApiError> {
        let name = match what {
            Published::Result => "result",
            Published::Payouts => "payouts",
            Published::Certificate => "certificate",
        };
        let path = format!("/v1/jobs/{id}/{name}");
        let response = self.send(Method::GET, &path, None).await?;
        self.body(response, &format!("GET {path}")).await
    }

    async fn json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<(&'static str, Vec<u8>)>) -> Result<T, ApiError> {
        let request = format!("{method} {path}");
        let response = self.send(method, path, body).await?;
        let bytes = self.body(response, &request).await?;
        serde_json::from_slice(&bytes).map_err(|e| self.answer(&request, one_line(&e.to_string())))
    }

    async fn send(&self, method: Method, path: &str, body: Option<(&'static str, Vec<u8>)>) -> Result<Response, ApiError> {
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut retries = RETRIES;
        loop {
            let mut request = self
                .client
                .request(method.clone(), format!("{}{path}", self.base))
                .header(ACCEPT, "*/*");
            if let Some(token) = &self.token {
                request = request.header(AUTHORIZATION, token.clone());
            } else if let Some(signer) = &self.signer {
                let bytes = body.as_ref().map_or(&[] as &[u8], |(_, bytes)| bytes);
                request = request.header(AUTHORIZATION, signer.sign(&method, path, bytes));
                if let Some(shown) = &signer.shown {
                    request = request.header(SHOWN_HEADER, shown.clone());
                }
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
                        reason: chain(&error),
                    });
                }
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(pauses.next_pause()).await;
            retries -= 1;
        }
    }

    async fn body(&self, mut response: Response, request: &str) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|e| self.answer(request, format!("it broke off: {}", chain(&e))))?
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

    fn answer(&self, request: &str, reason: String) -> ApiError {
        ApiError::Answer {
            url: self.base.clone(),
            request: request.to_owned(),
            reason,
        }
    }
}

impl Signer {
    fn sign(&self, method: &Method, target: &str, body: &[u8]) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let parts = SignedParts {
            method: method.as_str(),
            path,
            query,
            cluster: &self.cluster,
            body,
        };
        parts.sign(&self.key, now.as_secs()).to_string()
    }
}

/// Whether a host, as it stands in a URL, is this machine.
fn is_loopback(host: &str) -> bool {
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

fn bearer(token: &str) -> Result<HeaderValue, ApiError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ApiError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn to_json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "API bodies have text keys only and no failing Serialize")]
    serde_json::to_vec(value).expect("API bodies serialise")
}

/// An error with its causes: the outermost error alone says little.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    one_line(&text)
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
