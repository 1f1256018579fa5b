//! The issuer's own file of invitations, CSV: person, number, whether as many issuers as needed have signed, and the code. It is the
//! record of who has been invited: who stands in it keeps number and code.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rand::CryptoRng;
use tacit_protocol::credential::{Invitation, Issuers};
use tacit_protocol::identity::{PublicKey, SecretKey};
use tacit_protocol::name::{NAME_RULE, is_name};
use thiserror::Error;
use zeroize::Zeroizing;

use super::documents::add;
use super::{Entry, Ledger};
use crate::files::{self, Access, FileError};
use crate::table::{FileLine, Table, TableError};
use crate::text::one_line;

/// One invited person.
#[derive(Debug, Clone)]
pub struct Invited {
    /// Who it is, as the issuers know the person.
    pub person: String,
    /// The person's invitation.
    pub invitation: Invitation,
}

impl Invited {
    /// What a ledger notes: person, number and public key of the invitation.
    pub fn number(&self) -> (&str, u32, PublicKey) {
        (&self.person, self.invitation.serial, self.invitation.key.public())
    }
}

/// Why people cannot be invited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvitedError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is no table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A person cannot be named so.
    #[error("{at}: `{}` cannot stand for a person: it {NAME_RULE}", one_line(person))]
    Person {
        /// The line.
        at: FileLine,
        /// The text.
        person: String,
    },
    /// A person stands twice in a file.
    #[error("{at}: `{}` stands in the file twice", one_line(person))]
    Twice {
        /// The line of the second time.
        at: FileLine,
        /// The person.
        person: String,
    },
    /// A code of the invitations is not one.
    #[error("{0}: the code is not one that this command wrote")]
    Code(FileLine),
    /// The invitations are of another pool, or of other issuers.
    #[error("{0}: has invitations to another pool or of other issuers: write to another file")]
    OtherPool(PathBuf),
    /// The numbers of a pool are used up.
    #[error("the pool has no number left: use another pool")]
    Full,
}

/// The people of a file, CSV with a column `person` (or `email` or `name`); other columns are not looked at.
///
/// # Errors
/// It cannot be read, or a person stands in it twice.
pub fn people(path: &Path) -> Result<Vec<String>, InvitedError> {
    let bytes = files::read(path)?;
    let file = path.display().to_string();
    let table = Table::new(&file, &bytes, "person")?;
    let at = table.required("person", &["email", "name"])?;
    let (mut people, mut seen) = (Vec::new(), HashSet::new());
    table.rows::<InvitedError>(|line, record| {
        let person = record.get(at).unwrap_or_default().to_owned();
        let at = FileLine::new(&file, line);
        if !is_name(&person) {
            return Err(InvitedError::Person { at, person });
        }
        if !seen.insert(person.clone()) {
            return Err(InvitedError::Twice { at, person });
        }
        people.push(person);
        Ok(())
    })?;
    Ok(people)
}

/// The invitations of a file that [`write()`] wrote; none if there is no such file.
///
/// # Errors
/// The file cannot be read, or was made for another pool.
pub fn read(path: &Path, issuers: &Issuers) -> Result<Vec<Invited>, InvitedError> {
    let Some(bytes) = files::read_if_exists(path)? else {
        return Ok(Vec::new());
    };
    let bytes = Zeroizing::new(bytes);
    let file = path.display().to_string();
    let table = Table::new(&file, &bytes, "person and code")?;
    let (person_at, code_at) = (table.required("person", &[])?, table.required("code", &[])?);
    let mut invited = Vec::new();
    table.rows::<InvitedError>(|line, record| {
        let field = |at: usize| record.get(at).unwrap_or_default();
        let invitation: Invitation = field(code_at).parse().map_err(|_| InvitedError::Code(FileLine::new(&file, line)))?;
        if invitation
            .signatures
            .iter()
            .any(|one| invitation.check_signature(issuers, one).is_err())
        {
            return Err(InvitedError::OtherPool(path.to_owned()));
        }
        invited.push(Invited {
            person: field(person_at).to_owned(),
            invitation,
        });
        Ok(())
    })?;
    Ok(invited)
}

/// Removes the invitations of a run that ended before it signed them. Nobody can use their codes, and their numbers may be other people's
/// by now.
pub fn remove_unfinished(invited: &mut Vec<Invited>, ledger: &Ledger, issuers: &Issuers) {
    invited.retain(|one| !one.invitation.signatures.is_empty() || ledger.has(issuers, one.number()));
}

/// Writes the invitations, in place of what was there.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, issuers: &Issuers, invited: &[Invited]) -> Result<(), InvitedError> {
    let mut text = Zeroizing::new(String::from("person,number,complete,code\n"));
    for Invited { person, invitation } in invited {
        let complete = if invitation.check(issuers).is_ok() { "yes" } else { "no" };
        // A cell of `csv_cell` could differ from the person, who would be invited twice, and a CSV writer would keep codes in a buffer of
        // its own that is not overwritten.
        let person = person.replace('"', "\"\"");
        text.push_str(&format!("\"{person}\",{},{complete},", invitation.serial));
        text.push_str(&invitation.code());
        text.push('\n');
    }
    Ok(files::write(path, text.as_bytes(), Access::Private)?)
}

/// Adds an invitation, signed by nobody yet, for everybody who has none. `next_number` says which number is free after another one.
/// Returns how many it added.
///
/// # Errors
/// The numbers of the pool are used up.
pub fn extend<R: CryptoRng>(
    invited: &mut Vec<Invited>,
    people: Vec<String>,
    expires: Option<u64>,
    next_number: impl Fn(u32) -> Option<u32>,
    rng: &mut R,
) -> Result<usize, InvitedError> {
    let known: HashSet<String> = invited.iter().map(|one| one.person.clone()).collect();
    let mut last = invited.iter().map(|one| one.invitation.serial).max().unwrap_or(0);
    let before = invited.len();
    for person in people.into_iter().filter(|person| !known.contains(person)) {
        last = next_number(last).ok_or(InvitedError::Full)?;
        invited.push(Invited {
            person,
            invitation: Invitation {
                key: SecretKey::generate(rng),
                serial: last,
                expires,
                signatures: Vec::new(),
            },
        });
    }
    Ok(invited.len() - before)
}

/// Takes over the signatures of other issuers that verify.
pub fn merge(invited: &mut [Invited], issuers: &Issuers, entries: &[Entry]) {
    let need = usize::from(issuers.need);
    for one in invited {
        let grant = one.invitation.grant();
        for entry in entries.iter().filter(|entry| entry.grant == grant) {
            for signature in &entry.signatures {
                if one.invitation.check_signature(issuers, signature).is_ok() {
                    add(&mut one.invitation.signatures, Some(signature.clone()), need);
                }
            }
        }
    }
}
