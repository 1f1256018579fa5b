//! The issuing service, for platforms that sign nothing: it asks the platform whether a participant is active in a study, and gives each
//! one invitation. An operator who is not the buyer runs it.
//!
//! A participant comes with the address that the platform made: the study, the participant and the submission (Prolific calls it the
//! session). The platform is asked about that submission with the service's own token, and what it says must fit the address. Who knows
//! a participant's name but not the submission gets nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Url};
use serde::Deserialize;
use tacit_program::error_line;
use tacit_protocol::credential::{CodeError, Invitation, Issuers};
use tacit_protocol::identity::{PublicKey, SecretKey};
use thiserror::Error;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::record::{Record, RecordError};
use super::{Ledger, LedgerError};
use crate::http::is_loopback;
use crate::text::one_line;

/// Where Prolific's API is.
pub const PROLIFIC: &str = "https://api.prolific.com";

/// The longest answer of the platform that is read.
const MAX_ANSWER: usize = 256 << 10;
/// How long the platform may take to answer.
const PLATFORM_TIMEOUT: Duration = Duration::from_secs(20);
/// How many requests to the platform run at once. More participants are asked to come again in a moment.
const PLACES: usize = 16;
/// The longest name of a participant, study or submission; Prolific's have 24 characters.
const MAX_NAME: usize = 64;

/// Why the service cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServeError {
    /// The key is not the only issuer that must sign.
    #[error("the service signs alone: pool `{0}` must have this key among its issuers and `need = 1`")]
    NotAlone(String),
    /// The address of the platform is not one.
    #[error("`{url}` is not the address of a platform: {reason}")]
    Platform {
        /// The address as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token cannot be sent.
    #[error("the platform's token has characters that cannot be sent: it must be one line of plain letters, digits and signs")]
    Token,
    /// The study is not named as platforms name studies.
    #[error("`{0}` is not the id of a study: 1 to {MAX_NAME} letters and digits")]
    Study(String),
    /// The record cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What the key has signed cannot be read or written.
    #[error(transparent)]
    Ledger(LedgerError),
    /// The record and what else the key has signed contradict each other.
    #[error("{record}: contradicts what else this key has signed: {error}. Use another pool, with a new record")]
    GivenTwice {
        /// The path of the record.
        record: PathBuf,
        /// Which number or person has two invitations.
        error: LedgerError,
    },
}

/// The issuing service.
pub struct Service {
    issuers: Issuers,
    key: SecretKey,
    /// The key's file, beside which is the ledger.
    key_file: PathBuf,
    expires: Option<u64>,
    study: String,
    platform: Platform,
    record: Mutex<Record>,
    places: Semaphore,
}

/// The platform's API.
struct Platform {
    client: Client,
    base: String,
    token: HeaderValue,
}

/// What Prolific says of a submission: <https://docs.prolific.com/api-reference/submissions/get-submission>. Other fields are not
/// looked at.
#[derive(Deserialize)]
struct Submission {
    id: String,
    study_id: String,
    /// Both names are in use.
    #[serde(alias = "participant_id")]
    participant: Option<String>,
    status: String,
}

/// What the platform adds to the address of the study.
#[derive(Deserialize)]
struct Arrival {
    #[serde(rename = "PROLIFIC_PID")]
    participant: Option<String>,
    #[serde(rename = "STUDY_ID")]
    study: Option<String>,
    #[serde(rename = "SESSION_ID")]
    session: Option<String>,
}

/// Why a participant gets no invitation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Denied {
    #[error("open the study from the platform again: the address must have PROLIFIC_PID, STUDY_ID and SESSION_ID")]
    Address,
    #[error("this service invites to another study")]
    OtherStudy,
    #[error("the platform does not know this submission as an active one of this participant in this study: join the study first")]
    NotActive,
    #[error("you were invited to this pool before, by its issuer or in another study: use that invitation")]
    InvitedBefore,
    #[error("many participants come at the moment: try again in a few seconds")]
    Busy,
    #[error("the platform cannot be asked at the moment: try again later")]
    Platform,
    #[error("the invitation cannot be written down at the moment: try again later")]
    Record,
}

impl Service {
    /// The service for one study. `platform` is the address of its API, such as [`PROLIFIC`], and `record` the file of who got what.
    /// Beside `key_file` is the ledger of what the key has signed, which commands write, too.
    ///
    /// # Errors
    /// The key does not sign alone, an address or the token cannot be used, the record is damaged or in use, or it contradicts the ledger.
    pub fn new(
        (issuers, key, expires): (Issuers, SecretKey, Option<u64>),
        study: &str,
        (platform, token): (&str, &str),
        (record, key_file): (&Path, &Path),
    ) -> Result<Self, ServeError> {
        if issuers.need != 1 || !issuers.keys.contains(&key.public()) {
            return Err(ServeError::NotAlone(issuers.pool));
        }
        if !is_id(study) {
            return Err(ServeError::Study(study.to_owned()));
        }
        let platform = Platform::new(platform, token)?;
        let record = Record::open(record)?;
        note_given(&record, &issuers, key_file)?;
        Ok(Self {
            issuers,
            key,
            key_file: key_file.to_owned(),
            expires,
            study: study.to_owned(),
            platform,
            record: Mutex::new(record),
            places: Semaphore::new(PLACES),
        })
    }

    /// How many participants have got an invitation so far.
    pub fn given(&self) -> usize {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The service's routes: `GET /`, with what the platform adds to the address of a study, answers with the code as one line of text.
    pub fn router(self) -> Router {
        Router::new().route("/", get(invite)).with_state(Arc::new(self))
    }

    async fn code(self: &Arc<Self>, arrival: Arrival) -> Result<Zeroizing<String>, Denied> {
        let (Some(participant), Some(study), Some(session)) = (arrival.participant, arrival.study, arrival.session) else {
            return Err(Denied::Address);
        };
        if [&participant, &study, &session].into_iter().any(|id| !is_id(id)) {
            return Err(Denied::Address);
        }
        if study != self.study {
            return Err(Denied::OtherStudy);
        }
        let _place = self.places.try_acquire().map_err(|_| Denied::Busy)?;
        if !self.platform.is_active(&participant, &study, &session).await? {
            return Err(Denied::NotActive);
        }
        let service = Arc::clone(self);
        let given = tokio::task::spawn_blocking(move || service.give(&participant));
        let (code, new) = given.await.map_err(|_| Denied::Record)??;
        if new {
            // Whoever has started the service may not read on.
            let _ = writeln!(std::io::stdout(), "invitation {} given", self.given());
        }
        Ok(code)
    }

    /// The code of a participant, and whether it is new. When this returns, it is in the record, and its number in the ledger.
    fn give(&self, participant: &str) -> Result<(Zeroizing<String>, bool), Denied> {
        let failed = |error: String| {
            error_line("tacit", &format_args!("{}", one_line(&error)));
            Denied::Record
        };
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        // No command gives a number until this one is noted.
        let mut ledger = Ledger::of(&self.key_file).map_err(|error| failed(error.to_string()))?;
        if !record.has(participant) && ledger.knows(&self.issuers, participant) {
            return Err(Denied::InvitedBefore);
        }
        let next_number = |last| ledger.next_number(&self.issuers, last);
        let (code, new) = record
            .code_of(participant, next_number, |serial| self.sign(serial))
            .map_err(|error| failed(error.to_string()))?;
        // Noted also if the code is not new: the ledger could not be written, perhaps, when it was.
        let invitation: Invitation = code.parse().map_err(|error: CodeError| failed(error.to_string()))?;
        let noted = ledger.note(&self.issuers, [number(participant, &invitation)].into_iter());
        noted.map_err(|error| failed(error.to_string()))?;
        Ok((code, new))
    }

    fn sign(&self, serial: u32) -> Zeroizing<String> {
        let mut invitation = Invitation {
            key: SecretKey::generate(&mut rand::rng()),
            serial,
            expires: self.expires,
            signatures: Vec::new(),
        };
        let signature = invitation.grant().sign(&self.issuers, &self.key);
        invitation.signatures.extend(signature);
        invitation.code()
    }
}

/// Notes in the ledger all that was given before: a service that was stopped at the wrong moment has not.
fn note_given(record: &Record, issuers: &Issuers, key_file: &Path) -> Result<(), ServeError> {
    let given = record.invitations(issuers)?;
    let numbers = given.iter().map(|(participant, invitation)| number(participant, invitation));
    let mut ledger = Ledger::of(key_file).map_err(ServeError::Ledger)?;
    ledger.note(issuers, numbers).map_err(|error| match error {
        LedgerError::Twice { .. } | LedgerError::Taken { .. } => ServeError::GivenTwice {
            record: record.path().to_owned(),
            error,
        },
        error => ServeError::Ledger(error),
    })
}

/// What the ledger notes of a participant.
fn number<'a>(participant: &'a str, invitation: &Invitation) -> (&'a str, u32, PublicKey) {
    (participant, invitation.serial, invitation.key.public())
}

async fn invite(State(service): State<Arc<Service>>, Query(arrival): Query<Arrival>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    match service.code(arrival).await {
        Ok(code) => (headers, format!("{}\n", code.as_str())).into_response(),
        Err(denied) => (denied.status(), headers, format!("{denied}\n")).into_response(),
    }
}

impl Denied {
    fn status(&self) -> StatusCode {
        match self {
            Self::Address => StatusCode::BAD_REQUEST,
            Self::OtherStudy | Self::NotActive => StatusCode::FORBIDDEN,
            Self::InvitedBefore => StatusCode::CONFLICT,
            Self::Busy | Self::Record => StatusCode::SERVICE_UNAVAILABLE,
            Self::Platform => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Platform {
    fn new(base: &str, token: &str) -> Result<Self, ServeError> {
        let wrong = |reason: &str| ServeError::Platform {
            url: base.to_owned(),
            reason: reason.to_owned(),
        };
        let url: Url = base.parse().map_err(|_| wrong("expected https://HOST"))?;
        let mut builder = Client::builder()
            .user_agent(concat!("tacit/", env!("CARGO_PKG_VERSION")))
            .timeout(PLATFORM_TIMEOUT)
            // The token must not be sent to wherever a platform redirects to.
            .redirect(reqwest::redirect::Policy::none());
        match url.scheme() {
            "https" => {}
            "http" if url.host_str().is_some_and(is_loopback) => builder = builder.tls_certs_only([]).no_proxy(),
            _ => return Err(wrong("the token would travel unprotected: expected https://HOST")),
        }
        let mut token = HeaderValue::from_str(&format!("Token {token}")).map_err(|_| ServeError::Token)?;
        token.set_sensitive(true);
        Ok(Self {
            client: builder.build().map_err(|error| wrong(&error.to_string()))?,
            base: base.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Whether the platform says that this submission is an active one of this participant in this study.
    async fn is_active(&self, participant: &str, study: &str, session: &str) -> Result<bool, Denied> {
        let failed = |what: String| {
            error_line("tacit", &format_args!("the platform at {}: {}", self.base, one_line(&what)));
            Denied::Platform
        };
        let request = self
            .client
            .get(format!("{}/api/v1/submissions/{session}/", self.base))
            .header(AUTHORIZATION, self.token.clone());
        let mut response = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(false),
            status => {
                return Err(failed(format!(
                    "it answers {status}; is the token valid, and of the study's workspace?"
                )));
            }
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(error.without_url().to_string()))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(failed(format!("its answer is longer than {MAX_ANSWER} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let submission: Submission =
            serde_json::from_slice(&bytes).map_err(|error| failed(format!("its answer cannot be read: {error}")))?;
        Ok(submission.id == session
            && submission.study_id == study
            && submission.participant.as_deref() == Some(participant)
            && submission.status == "ACTIVE")
    }
}

/// Whether a text can be the platform's name for something. It becomes a part of an address.
fn is_id(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
