//! Whose rows of a file are meant.

use super::names::{Names, most_similar, quoted};
use super::{AnswersError, WANTED, convention, is_cell_of, is_formula};
use crate::table::{FileLine, Table};

/// The contributor whose rows of a file are meant: the one who is named, or whose rows were taken before if there are such rows here, or
/// else the only one in the file.
///
/// # Errors
/// The file has no rows of whoever is named, or nobody is named and it has rows of several contributors or does not say whose they are.
pub fn whose_rows(file: &str, bytes: &[u8], named: Option<&str>, before: Option<&str>) -> Result<String, AnswersError> {
    let Some(names) = names(file, bytes)? else {
        let known = named.or(before).map(str::to_owned);
        return known.ok_or_else(|| AnswersError::NoContributor { file: file.to_owned() });
    };
    let is_there = |name: &str| names.iter().any(|cell| is_cell_of(name, cell));
    match (named, before, names.as_slice()) {
        (Some(named), _, _) if is_there(named) => Ok(named.to_owned()),
        (Some(named), _, _) => Err(AnswersError::NotThisContributor {
            file: file.to_owned(),
            contributor: named.to_owned(),
            similar: most_similar(&names, named).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)")),
            names: quoted(&names),
        }),
        (None, Some(before), _) if is_there(before) => Ok(before.to_owned()),
        (None, _, [only]) => Ok(written_as(only).to_owned()),
        (None, _, several) => Err(AnswersError::SeveralContributors {
            file: file.to_owned(),
            names: quoted(several),
        }),
    }
}

/// The text that a template writes as this cell.
fn written_as(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// The names of the contributors in a file; `None` if it has no such column.
fn names(file: &str, bytes: &[u8]) -> Result<Option<Vec<String>>, AnswersError> {
    let table = Table::new(file, bytes, WANTED)?;
    let (contributor, _) = convention(&table)?;
    let Some(at) = table.column(contributor, &[])? else {
        return Ok(None);
    };
    let mut names = Names::new(file, "contributor", None);
    table.rows::<AnswersError>(|line, record| match record.get(at).unwrap_or_default() {
        "" => Err(AnswersError::EmptyField {
            at: FileLine::new(file, line),
            field: "contributor",
        }),
        name => names.index(line, name).map(drop),
    })?;
    Ok(Some(names.list))
}
