//! The canonical JSON of certificates and results: indented by two spaces for each level, with a newline at the end.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// The canonical text of a value.
pub fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = Vec::new();
    #[expect(
        clippy::expect_used,
        reason = "published types have text or integer keys, finite numbers and no failing Serialize; a vector takes all that is written"
    )]
    write(value, &mut text).expect("published types serialise");
    text
}

/// Whether `text` is the canonical text of a value. The canonical text is compared piece by piece and never whole in memory.
pub fn is_json_of<T: Serialize>(value: &T, text: &[u8]) -> bool {
    let mut rest = Rest(text);
    write(value, &mut rest).is_ok() && rest.0.is_empty()
}

/// Writes the canonical text of a value in small pieces.
///
/// # Errors
/// Writing failed.
pub fn write<T: Serialize, W: Write>(value: &T, mut to: W) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut to, Indented::default()))?;
    to.write_all(b"\n")
}

/// A writer that accepts only the bytes that come next in a text.
struct Rest<'a>(&'a [u8]);

impl Write for Rest<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes between two values of a list that is [`DEEPEST`] levels deep: comma, newline, indentation.
const SEPARATOR: &[u8; 2 + 2 * DEEPEST] = b",\n                                ";
/// The levels for which one constant holds the indentation; certificates have five.
const DEEPEST: usize = 16;

/// Writes the same text as serde_json's pretty formatter, but each indentation with one write instead of one for each level:
/// a certificate has millions of lines with one number each.
#[derive(Default)]
struct Indented {
    depth: usize,
    has_value: bool,
}

impl Indented {
    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn line<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        let depth = self.depth.min(DEEPEST);
        writer.write_all(&SEPARATOR[usize::from(first)..2 + 2 * depth])?;
        (depth..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(writer, true)?;
        }
        writer.write_all(bracket)
    }
}

impl Formatter for Indented {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from);
            let object = proptest::collection::btree_map(any::<String>(), inner, 0..6);
            prop_oneof![list, object.prop_map(|entries| entries.into_iter().collect())]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_serde_json_writes(value in value(), at: prop::sample::Index) {
            let text = to_json(&value);
            let mut due = serde_json::to_vec_pretty(&value).unwrap();
            due.push(b'\n');
            prop_assert_eq!(&text, &due);
            prop_assert!(is_json_of(&value, &text));
            let at = at.index(text.len());
            prop_assert!(!is_json_of(&value, &text[..at]));
            let mut other = text.clone();
            other[at] ^= 1;
            prop_assert!(!is_json_of(&value, &other));
            prop_assert!(!is_json_of(&value, &[text.as_slice(), b" "].concat()));
        }
    }

    #[test]
    fn lines_may_be_deeper_than_any_that_is_published() {
        let deep = (0..2 * DEEPEST).fold(json!({ "a": [] }), |inner, _| json!([1, inner]));
        let mut due = serde_json::to_vec_pretty(&deep).unwrap();
        due.push(b'\n');
        assert_eq!(to_json(&deep), due);
    }
}
