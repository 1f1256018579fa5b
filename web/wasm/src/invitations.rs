//! Invitations to a pool, and the credentials that are made of them.

use tacit_client::credentials::StoredCredential;
use tacit_protocol::credential::{self, Issuers, Shown};
use tacit_protocol::job;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::jobs::Job;
use crate::keys::Key;
use crate::values::from_json;

/// An invitation: its code, read. Whoever has it can answer as this person.
#[wasm_bindgen]
pub struct Invitation(credential::Invitation);

/// What says that a key is of a person of a pool.
#[wasm_bindgen]
pub struct Credential(StoredCredential);

#[wasm_bindgen]
impl Invitation {
    /// Reads a code. Throws `invitation_code`.
    pub fn parse(code: String) -> Result<Self, Failure> {
        let code = Zeroizing::new(code);
        Ok(Self(code.parse().map_err(as_code::<credential::CodeError>(Code::Invitation))?))
    }

    /// The person's number in the pool.
    #[wasm_bindgen(getter)]
    pub fn serial(&self) -> u32 {
        self.0.serial
    }

    /// Until when it is valid, in Unix seconds; `undefined` if it does not expire.
    #[wasm_bindgen(getter)]
    pub fn expires(&self) -> Option<f64> {
        self.0.expires.map(|seconds| seconds as f64)
    }

    /// The invitation's own key, which signs requests as long as there is no other.
    pub fn key(&self) -> Key {
        Key::new(self.0.key.clone())
    }

    /// The value of the header `Tacit-Credential` beside requests that `key()` signs.
    pub fn header(&self) -> String {
        Shown::invitation(&self.0).to_string()
    }

    /// Checks that the job's issuers have given it out, then makes the credential of a key. Throws `no_issuers`, `credential`.
    #[wasm_bindgen(js_name = takeUp)]
    pub fn take_up(&self, cluster: &Cluster, job: &Job, key: &Key) -> Result<Credential, Failure> {
        let issuers = issuers(job.inner())?;
        self.0
            .check(issuers)
            .map_err(|error| not_of_pool("the invitation", issuers, &error))?;
        let digest = cluster.inner().digest();
        let credential = Credential(StoredCredential {
            cluster: digest,
            issuers: issuers.clone(),
            credential: self.0.credential(&digest, issuers, &key.inner().public()),
        });
        credential.check(cluster, job, key)?;
        Ok(credential)
    }
}

#[wasm_bindgen]
impl Credential {
    /// Reads what `toFile` gave, or a credential file of the `tacit` command. Throws `syntax`.
    #[wasm_bindgen(js_name = fromFile)]
    pub fn from_file(text: &str) -> Result<Self, Failure> {
        Ok(Self(from_json(text.as_bytes(), "the credential")?))
    }

    /// The text to keep, in the format of the `tacit` command's credential files.
    #[wasm_bindgen(js_name = toFile)]
    pub fn to_file(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.0).map_err(as_code(Code::Syntax))
    }

    /// The name of the pool.
    #[wasm_bindgen(getter)]
    pub fn pool(&self) -> String {
        self.0.issuers.pool.clone()
    }

    /// The digest of the issuers, which stands for the pool: anybody can give a pool the same name.
    #[wasm_bindgen(getter, js_name = issuersDigest)]
    pub fn issuers_digest(&self) -> String {
        self.0.issuers.digest().to_string()
    }

    /// The person's number in the pool.
    #[wasm_bindgen(getter)]
    pub fn serial(&self) -> u32 {
        self.0.credential.grant.serial
    }

    /// The name under which its holder answers.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.0.credential.name(&self.0.issuers)
    }

    /// The digest of the cluster that it was made for.
    #[wasm_bindgen(getter)]
    pub fn cluster(&self) -> String {
        self.0.cluster.to_string()
    }

    /// The value of the header `Tacit-Credential` beside requests that its key signs.
    pub fn header(&self) -> String {
        Shown::Credential(self.0.credential.clone()).to_string()
    }

    /// Checks it for this cluster, job and key. Throws `no_issuers`, `credential`.
    pub fn check(&self, cluster: &Cluster, job: &Job, key: &Key) -> Result<(), Failure> {
        let issuers = issuers(job.inner())?;
        let closes_at = job.inner().terms().closes_at_seconds().map_err(as_code(Code::Job))?;
        self.0
            .credential
            .check(&cluster.inner().digest(), issuers, &key.inner().public(), closes_at)
            .map_err(|error| not_of_pool("the credential", issuers, &error))
    }
}

impl Credential {
    pub(crate) fn inner(&self) -> &credential::Credential {
        &self.0.credential
    }
}

fn issuers(job: &job::Job) -> Result<&Issuers, Failure> {
    let none = || {
        let text = format_args!("job {} names no issuers: answer without an invitation", job.id()).to_string();
        Failure::new(Code::NoIssuers, text)
    };
    job.terms().issuers.as_ref().ok_or_else(none)
}

fn not_of_pool(what: &str, issuers: &Issuers, error: &credential::CredentialError) -> Failure {
    let text = format_args!("{what} is not one to pool `{}` of this job: {error}", issuers.pool).to_string();
    Failure::new(Code::Credential, text)
}
