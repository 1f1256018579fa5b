//! A method for each route of the coordinator's API.

use reqwest::Method;
use serde::Serialize;
use tacit_protocol::api::{
    ClusterInfo, ClusterInfoError, ContributorReceipts, Enrolment, JobList, JobStatus, Receipt, Revoked, SUBMISSION_TYPE, SubmissionStatus,
    WithdrawalRequest, WithdrawalStatus,
};
use tacit_protocol::credential::Revocation;
use tacit_protocol::identity::Signature;
use tacit_protocol::job::{JobId, SignedSpec};
use tacit_protocol::submission::SubmissionId;
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use super::error::ApiError;
use super::transport::Api;
use crate::events::Events;
use crate::text::one_line;

const JSON: &str = "application/json";

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

impl Api {
    /// The coordinator's description of the cluster.
    ///
    /// # Errors
    /// The coordinator speaks no protocol version that this program speaks, or the request failed.
    pub async fn cluster(&self) -> Result<ClusterInfo, ApiError> {
        let request = "GET /v1/cluster";
        let response = self.send(Method::GET, "/v1/cluster", None).await?;
        let bytes = self.body(response, request).await?;
        ClusterInfo::from_json(&bytes).map_err(|error| match error {
            ClusterInfoError::Syntax(reason) => self.answer(request, one_line(&reason)),
            ClusterInfoError::Version(theirs) => ApiError::Version {
                url: self.base.clone(),
                theirs,
                ours: PROTOCOL_VERSIONS,
            },
        })
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
}

fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "API bodies have text keys only and no failing Serialize")]
    serde_json::to_vec(value).expect("API bodies serialise")
}
