//! What is thrown: a JavaScript `Error` whose `code` stays the same from release to release.

use std::fmt::Display;

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;

/// The kind of a failure, for programs.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    ClusterFile,
    OtherCluster,
    ProtocolVersion,
    Syntax,
    Time,
    JobId,
    Job,
    OtherTerms,
    KeyFile,
    Invitation,
    Credential,
    Consent,
    NotInvited,
    NoIssuers,
    Name,
    Answers,
    GoldKey,
    SealingKeysMissing,
    SealingKeys,
    Receipt,
    #[cfg(feature = "buyer")]
    Certified,
    #[cfg(feature = "buyer")]
    Outcome,
    #[cfg(feature = "buyer")]
    SpecFile,
    #[cfg(feature = "buyer")]
    GoldFile,
    #[cfg(feature = "buyer")]
    Verify,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::ClusterFile => "cluster_file",
            Self::OtherCluster => "other_cluster",
            Self::ProtocolVersion => "protocol_version",
            Self::Syntax => "syntax",
            Self::Time => "time",
            Self::JobId => "job_id",
            Self::Job => "job",
            Self::OtherTerms => "other_terms",
            Self::KeyFile => "key_file",
            Self::Invitation => "invitation_code",
            Self::Credential => "credential",
            Self::Consent => "consent",
            Self::NotInvited => "not_invited",
            Self::NoIssuers => "no_issuers",
            Self::Name => "name",
            Self::Answers => "answers",
            Self::GoldKey => "gold_key",
            Self::SealingKeysMissing => "sealing_keys_missing",
            Self::SealingKeys => "sealing_keys",
            Self::Receipt => "receipt",
            #[cfg(feature = "buyer")]
            Self::Certified => "certified",
            #[cfg(feature = "buyer")]
            Self::Outcome => "outcome",
            #[cfg(feature = "buyer")]
            Self::SpecFile => "spec_file",
            #[cfg(feature = "buyer")]
            Self::GoldFile => "gold_file",
            #[cfg(feature = "buyer")]
            Self::Verify => "verify",
        }
    }
}

/// A failure: its kind, and what is wrong, in words.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Display) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }
}

/// Makes failures of this kind of errors.
pub(crate) fn as_code<E: Display>(code: Code) -> impl Fn(E) -> Failure {
    move |error| Failure::new(code, error)
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = Error::new(&failure.message);
        error.set_name("EngineError");
        // Setting a field of a fresh object does not fail.
        let _ = Reflect::set(&error, &Self::from_str("code"), &Self::from_str(failure.code.name()));
        error.into()
    }
}
