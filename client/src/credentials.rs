//! The credentials of a contributor, kept beside its keys: for each pool a key of its own, so that nobody connects what a person does in
//! two pools, and the credential that was made of the invitation. The invitation itself is not kept.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::{Credential, CredentialError, Invitation, Issuers};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::JobId;
use thiserror::Error;

use crate::files::{self, Access, FileError};
use crate::keys::{self, KeyError};
use crate::state::folder_of;
use crate::state_folder::state_folder;

/// How the names of files that hold a credential end.
const CREDENTIAL: &str = ".credential";

/// A contributor in a pool: the key, where it is, and the credential for it.
#[derive(Debug)]
pub struct PoolContributor {
    /// The path of the key file.
    pub path: PathBuf,
    /// The key.
    pub key: SecretKey,
    /// What says that the key is of a person of the pool.
    pub credential: Credential,
}

/// Why a contributor cannot answer as a person of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolContributorError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key file cannot be made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file does not hold a credential.
    #[error("{0}: damaged: it should hold a credential; give the invitation again")]
    Damaged(PathBuf),
    /// There is no credential yet.
    #[error(
        "the job takes answers of the people of pool `{pool}` only: give --invitation CODE or --invitation-file FILE, once; \
         the code comes from the pool's issuers"
    )]
    NotInvited {
        /// The name of the pool.
        pool: String,
    },
    /// The invitation or the stored credential is not of this pool.
    #[error("{what} is not one to pool `{pool}` of this job: {error}")]
    Credential {
        /// The invitation, or the file of the credential.
        what: String,
        /// The name of the pool.
        pool: String,
        /// What is wrong with it.
        error: CredentialError,
    },
    /// There is another credential for the key.
    #[error(
        "{path}: this key has answered as number {earlier} of the pool, and the invitation is of number {serial}: a key is of one person; \
         use another key file"
    )]
    OtherNumber {
        /// The path of the credential.
        path: PathBuf,
        /// The number in it.
        earlier: u32,
        /// The number of the invitation.
        serial: u32,
    },
    /// There are keys of several pools.
    #[error(
        "{folder}: there are keys of several pools, and this job was not answered with any yet: name one with --key FILE, or give the \
         invitation again"
    )]
    SeveralPools {
        /// The folder of the keys.
        folder: PathBuf,
    },
    /// There is no folder for keys.
    #[error("there is no home folder to keep a key in: name a key file with --key")]
    NoFolder,
}

/// What the file of a credential holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCredential {
    /// The digest of the cluster file that it was made for.
    pub cluster: Digest,
    /// The issuers that vouch for its holder.
    pub issuers: Issuers,
    /// The credential.
    pub credential: Credential,
}

/// Where a contributor's key for a pool is unless the command line names another file.
///
/// # Errors
/// There is no folder.
pub fn default_key(cluster: &Cluster, issuers: &Issuers) -> Result<PathBuf, PoolContributorError> {
    let of = Digest::of("tacit/v1 client pool", &[cluster.digest().as_bytes(), issuers.digest().as_bytes()]);
    let folder = pools().ok_or(PoolContributorError::NoFolder)?;
    Ok(folder.join(format!("{}-{}.key", issuers.pool, hex_prefix(&of))))
}

/// The folder of the keys that are made for pools.
fn pools() -> Option<PathBuf> {
    Some(state_folder()?.join("pools"))
}

/// The key with which a job can be read before its pool is known: the one that has answered it, or else the only one that there is for
/// this cluster. It never tries one after the other: that would tell the coordinator that they are of one person.
///
/// # Errors
/// There are keys of several pools, or a file cannot be used.
pub fn known_key(cluster: &Cluster, job: &JobId) -> Result<Option<PathBuf>, PoolContributorError> {
    let Some(folder) = pools() else { return Ok(None) };
    let mut known = Vec::new();
    for path in list(&folder)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "key"))
    {
        if folder_of(&path, job).exists() {
            return Ok(Some(path));
        }
        if !beside(&path, cluster)?.is_empty() {
            known.push(path);
        }
    }
    match known.len() {
        0 | 1 => Ok(known.pop()),
        _ => Err(PoolContributorError::SeveralPools { folder }),
    }
}

/// The credentials beside a key file that are for this cluster.
///
/// # Errors
/// A file cannot be read, or holds no credential.
pub fn beside(key: &Path, cluster: &Cluster) -> Result<Vec<Credential>, PoolContributorError> {
    let folder = match key.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Some(name) = key.file_name().map(|name| format!("{}.", name.to_string_lossy())) else {
        return Ok(Vec::new());
    };
    let of_key = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.strip_prefix(&name)
            .is_some_and(|rest| rest.ends_with(CREDENTIAL) && rest.matches('.').count() == 1)
    };
    let mut credentials = Vec::new();
    for path in list(folder)?.into_iter().filter(of_key) {
        let stored = files::read_json::<StoredCredential, _>(&path, PoolContributorError::Damaged)?;
        let stored = stored.filter(|stored| stored.cluster == cluster.digest());
        credentials.extend(stored.map(|stored| stored.credential));
    }
    Ok(credentials)
}

/// The files of a folder, in the order of their names; none if there is no folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, PoolContributorError> {
    let wrong = |error: &std::io::Error| PoolContributorError::from(FileError::new(folder, error));
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(&error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| wrong(&error))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn hex_prefix(digest: &Digest) -> String {
    digest.to_string().chars().take(16).collect()
}

impl PoolContributor {
    /// The contributor whose key is in this file. With an invitation, key and credential are made if they are missing; without one, both
    /// must be there.
    ///
    /// # Errors
    /// A file cannot be used, or the invitation is not one to this pool.
    pub fn load_or_make(
        path: &Path,
        cluster: &Cluster,
        issuers: &Issuers,
        closes_at: Option<u64>,
        invitation: Option<&Invitation>,
    ) -> Result<Self, PoolContributorError> {
        let not_of_pool = |what: String| {
            let pool = issuers.pool.clone();
            move |error| PoolContributorError::Credential { what, pool, error }
        };
        let beside = credential_path(path, &issuers.pool);
        let stored: Option<StoredCredential> = files::read_json(&beside, PoolContributorError::Damaged)?;
        if let (Some(stored), Some(invitation)) = (&stored, invitation)
            && stored.credential.grant.serial != invitation.serial
        {
            return Err(PoolContributorError::OtherNumber {
                path: beside,
                earlier: stored.credential.grant.serial,
                serial: invitation.serial,
            });
        }
        let (key, credential) = match (stored, invitation) {
            (None, None) => {
                return Err(PoolContributorError::NotInvited {
                    pool: issuers.pool.clone(),
                });
            }
            (Some(stored), None) => (keys::load(path)?, stored.credential),
            (_, Some(invitation)) => {
                // Checked before a key is made for it.
                invitation.check(issuers).map_err(not_of_pool("the invitation".to_owned()))?;
                let key = if path.exists() {
                    keys::load(path)?
                } else {
                    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                        files::make_folder(folder, Access::Private)?;
                    }
                    keys::generate(path)?
                };
                let credential = invitation.credential(&cluster.digest(), issuers, &key.public());
                (key, credential)
            }
        };
        credential
            .check(&cluster.digest(), issuers, &key.public(), closes_at)
            .map_err(not_of_pool(beside.display().to_string()))?;
        if invitation.is_some() {
            let stored = StoredCredential {
                cluster: cluster.digest(),
                issuers: issuers.clone(),
                credential: credential.clone(),
            };
            files::write_json(&beside, &stored, Access::Private)?;
        }
        Ok(Self {
            path: path.to_owned(),
            key,
            credential,
        })
    }
}

fn credential_path(key: &Path, pool: &str) -> PathBuf {
    files::with_suffix(key, &format!(".{pool}{CREDENTIAL}"))
}

#[cfg(test)]
mod tests {
    use tacit_protocol::fixtures::{cluster_with_keys, invitation_of, issuers};

    use super::*;

    #[test]
    fn an_invitation_is_given_once_and_the_credential_stays_beside_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pools/me.key");
        let (cluster, issuers) = (cluster_with_keys(3, 1).cluster, issuers(2));
        let load =
            |invitation: Option<&Invitation>, issuers: &Issuers| PoolContributor::load_or_make(&path, &cluster, issuers, None, invitation);
        let none = load(None, &issuers).unwrap_err();
        assert!(none.to_string().contains("--invitation"), "{none}");
        let first = load(Some(&invitation_of(&issuers, 7)), &issuers).unwrap();
        let second = load(None, &issuers).unwrap();
        assert_eq!((first.key.public(), &first.credential), (second.key.public(), &second.credential));
        assert!(load(Some(&invitation_of(&issuers, 7)), &issuers).is_ok(), "the same again");
        let other = load(Some(&invitation_of(&issuers, 8)), &issuers).unwrap_err();
        assert!(matches!(other, PoolContributorError::OtherNumber { earlier: 7, serial: 8, .. }));

        assert_eq!(beside(&path, &cluster).unwrap(), std::slice::from_ref(&first.credential));
        assert_eq!(beside(&path, &cluster_with_keys(4, 1).cluster).unwrap(), [], "of another cluster");
        assert_eq!(beside(&folder.path().join("pools/m"), &cluster).unwrap(), [], "of another key");

        // Neither the stored credential nor an invitation of others is used.
        let others = tacit_protocol::fixtures::issuers(3);
        assert!(matches!(load(None, &others), Err(PoolContributorError::Credential { .. })));
        assert!(matches!(
            load(Some(&invitation_of(&issuers, 7)), &others),
            Err(PoolContributorError::Credential { .. })
        ));
        assert!(load(None, &issuers).is_ok());
        let seed = "tacit-invitation";
        for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let text = String::from_utf8(std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
            assert!(!text.contains(seed));
        }
    }
}
