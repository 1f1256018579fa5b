//! Reading `cluster.toml`. What is TOML and what is not is the parser's to say; the fields are taken out of its tree here. Serde's code
//! for the same, with all that it could read besides, would be a tenth of what a contributor's browser loads.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ClusterFile, CoordinatorEntry, NodeEntry};

/// What is wrong, and where in the text.
struct Problem {
    at: usize,
    text: String,
}

impl Problem {
    fn new(at: &Range<usize>, text: String) -> Self {
        Self { at: at.start, text }
    }

    /// A field that must be something else.
    fn field(at: &Range<usize>, field: &str, must: &str) -> Self {
        Self::new(at, format!("field `{field}` must be {must}"))
    }
}

/// Reads the fields of a cluster file, of which none may be missing and no other may be there.
///
/// # Errors
/// The first problem, in one line.
pub(super) fn read(text: &str) -> Result<ClusterFile, String> {
    let table = DeTable::parse(text).map_err(|error| one_line(&error, text))?;
    cluster_file(&table).map_err(|problem| with_line(text, problem.at, &problem.text))
}

fn cluster_file(table: &Spanned<DeTable<'_>>) -> Result<ClusterFile, Problem> {
    let fields = Fields::of(
        table.get_ref(),
        table.span(),
        &["protocol", "name", "threshold", "coordinator", "node"],
    )?;
    Ok(ClusterFile {
        protocol: fields.number("protocol")?,
        name: fields.text("name")?,
        threshold: fields.number("threshold")?,
        coordinator: coordinator(fields.value("coordinator")?)?,
        nodes: nodes(fields.value("node")?)?,
    })
}

fn coordinator(value: &Spanned<DeValue<'_>>) -> Result<CoordinatorEntry, Problem> {
    let fields = Fields::of_value("coordinator", value, &["url", "identity"])?;
    Ok(CoordinatorEntry {
        url: fields.text("url")?,
        identity: fields.parsed("identity")?,
    })
}

fn nodes(value: &Spanned<DeValue<'_>>) -> Result<Vec<NodeEntry>, Problem> {
    let DeValue::Array(nodes) = value.get_ref() else {
        return Err(Problem::field(&value.span(), "node", "a list of tables: write [[node]] above each"));
    };
    nodes.iter().map(node).collect()
}

fn node(value: &Spanned<DeValue<'_>>) -> Result<NodeEntry, Problem> {
    let fields = Fields::of_value("node", value, &["name", "operator", "address", "identity"])?;
    Ok(NodeEntry {
        name: fields.text("name")?,
        operator: fields.text("operator")?,
        address: fields.text("address")?,
        identity: fields.parsed("identity")?,
    })
}

/// A table that has known fields only.
struct Fields<'a> {
    table: &'a DeTable<'a>,
    at: Range<usize>,
}

impl<'a> Fields<'a> {
    fn of(table: &'a DeTable<'a>, at: Range<usize>, known: &[&str]) -> Result<Self, Problem> {
        for (field, _) in table {
            if !known.contains(&field.get_ref().as_ref()) {
                let text = format!(
                    "unknown field `{}`, expected one of `{}`",
                    field.get_ref().escape_debug(),
                    known.join("`, `")
                );
                return Err(Problem::new(&field.span(), text));
            }
        }
        Ok(Self { table, at })
    }

    fn of_value(field: &str, value: &'a Spanned<DeValue<'a>>, known: &[&str]) -> Result<Self, Problem> {
        match value.get_ref() {
            DeValue::Table(table) => Self::of(table, value.span(), known),
            _ => Err(Problem::field(&value.span(), field, "a table")),
        }
    }

    fn value(&self, field: &str) -> Result<&'a Spanned<DeValue<'a>>, Problem> {
        let missing = || Problem::new(&self.at, format!("missing field `{field}`"));
        self.table.get(field).ok_or_else(missing)
    }

    fn number<T: TryFrom<u64>>(&self, field: &str) -> Result<T, Problem> {
        let value = self.value(field)?;
        let number = value.get_ref().as_integer();
        number
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| Problem::field(&value.span(), field, "a whole number that is not negative"))
    }

    fn str(&self, field: &str) -> Result<(&'a str, Range<usize>), Problem> {
        let value = self.value(field)?;
        match value.get_ref() {
            DeValue::String(text) => Ok((text, value.span())),
            _ => Err(Problem::field(&value.span(), field, "a text in quotes")),
        }
    }

    fn text(&self, field: &str) -> Result<String, Problem> {
        self.str(field).map(|(text, _)| text.to_owned())
    }

    /// A text that stands for something else, whose errors say what was expected.
    fn parsed<T: std::str::FromStr<Err = &'static str>>(&self, field: &str) -> Result<T, Problem> {
        let (text, at) = self.str(field)?;
        text.parse().map_err(|error| Problem::new(&at, format!("field `{field}`: {error}")))
    }
}

/// The message of a TOML error in one line, with the number of the line where it is.
pub(crate) fn one_line(error: &toml::de::Error, text: &str) -> String {
    with_line(text, error.span().map_or(0, |span| span.start), error.message())
}

fn with_line(text: &str, at: usize, message: &str) -> String {
    // Positions are the parser's, which counts bytes; one inside a character would be its mistake.
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("line {line}: {}", message.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{cluster_text, cluster_with_keys};

    fn text() -> String {
        cluster_text(cluster_with_keys(4, 1).cluster.file())
    }

    #[test]
    fn every_spelling_of_toml_is_read() {
        let file = cluster_with_keys(4, 1).cluster.file().clone();
        assert_eq!(read(&cluster_text(&file)), Ok(file.clone()));
        let inline = |identity: &dyn std::fmt::Display, rest: String| format!("{{ {rest}, 'identity' = \"\"\"{identity}\"\"\" }}");
        let nodes: Vec<String> = file
            .nodes
            .iter()
            .map(|node| {
                let rest = format!(
                    "operator = '{}', address = '{}', name = '{}'",
                    node.operator, node.address, node.name
                );
                inline(&node.identity, rest)
            })
            .collect();
        let other = format!(
            "threshold = 0x1 # a comment\r\nnode = [\n{}\n]\ncoordinator.url = '{}'\ncoordinator.\"identity\" = '{}'\n\"na\\u006de\" = '''{}'''\n\
             protocol = +0_{}\n",
            nodes.join(",\n"),
            file.coordinator.url,
            file.coordinator.identity,
            file.name,
            file.protocol
        );
        // A number in TOML does not begin with a zero.
        assert!(read(&other).unwrap_err().starts_with("line 11: "), "{:?}", read(&other));
        assert_eq!(read(&other.replace("+0_", "+")), Ok(file));
    }

    #[test]
    fn problems_name_their_line_and_field() {
        let good = text();
        let line = |part: &str| good.lines().position(|line| line.starts_with(part)).unwrap() + 1;
        let refused = |old: &str, new: &str, part: &str, problem: &str| {
            assert!(good.contains(old), "{good}");
            let error = read(&good.replacen(old, new, 1)).unwrap_err();
            assert!(error.starts_with(&format!("line {}: ", line(part))), "{error} {part}");
            assert!(error.contains(problem), "{error}");
        };
        refused("threshold = 1", "threshold = -1", "threshold", "`threshold` must be a whole number");
        refused(
            "threshold = 1",
            "threshold = 1.0",
            "threshold",
            "`threshold` must be a whole number",
        );
        refused(
            "threshold = 1",
            "threshold = 18446744073709551616",
            "threshold",
            "`threshold` must be",
        );
        refused(
            "protocol = 1",
            "protocol = 4294967297",
            "protocol",
            "`protocol` must be a whole number",
        );
        refused("protocol = 1", "protocol = '1'", "protocol", "`protocol` must be a whole number");
        refused("protocol = 1", "protocol = 1\nprotocol = 1", "name", "duplicate key");
        refused(
            "threshold = 1",
            "treshold = 1",
            "threshold",
            "unknown field `treshold`, expected one of `protocol`",
        );
        refused("\nthreshold = 1", "", "protocol", "missing field `threshold`");
        refused("[coordinator]\n", "[coordinator]\n\"a\\nb\" = 1\n", "url", "unknown field `a\\nb`");
        refused("url = ", "url = 1 # ", "url", "`url` must be a text in quotes");
        refused(
            "[[node]]\n",
            "[[node]]\nsecret = 1\n",
            "name = \"node-0\"",
            "unknown field `secret`",
        );
        refused("identity = \"", "identity = \"A", "identity", "`identity`: expected 32 bytes");
    }

    #[test]
    fn tables_are_tables() {
        let head = "protocol = 1\nname = 'x'\nthreshold = 1\n";
        let coordinator = format!("coordinator = {{ url = 'x', identity = '{}' }}\n", "00".repeat(32));
        for (rest, problem) in [
            (String::new(), "line 1: missing field `coordinator`"),
            ("coordinator = 1\n".to_owned(), "line 4: field `coordinator` must be a table"),
            (coordinator.clone(), "line 1: missing field `node`"),
            (format!("{coordinator}node = {{}}\n"), "line 5: field `node` must be a list"),
            (format!("{coordinator}[node]\n"), "line 5: field `node` must be a list"),
            (format!("{coordinator}node = ['a']\n"), "line 5: field `node` must be a table"),
            (format!("{coordinator}[[node]]\nname = 'a'\n"), "line 5: missing field `operator`"),
        ] {
            let error = read(&format!("{head}{rest}")).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
        }
        assert_eq!(read(&format!("{head}{coordinator}node = []\n")).map(|file| file.nodes.len()), Ok(0));
    }
}
