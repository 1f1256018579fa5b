//! CSV tables: UTF-8 with a header and rows that have as many fields. Every error names file, line and field.

use std::fmt;

use thiserror::Error;

/// A line of a file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    file: String,
    line: u64,
}

impl FileLine {
    /// `file` is the name for messages.
    pub fn new(file: &str, line: u64) -> Self {
        let file = file.to_owned();
        Self { file, line }
    }
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)
    }
}

/// Why a CSV file cannot be read. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// The file is empty.
    #[error("{file}: the file is empty: it needs a header line ({wanted}) and rows")]
    Empty {
        /// The file's name in messages.
        file: String,
        /// The columns it should have.
        wanted: &'static str,
    },
    /// The file has a header and no rows.
    #[error("{file}: there is a header but no row below it")]
    NoRows {
        /// The file's name in messages.
        file: String,
    },
    /// Bytes that are not UTF-8.
    #[error("{at}: byte {column} of the line is not UTF-8: save the file as UTF-8")]
    NotUtf8 {
        /// The line of the byte.
        at: FileLine,
        /// The byte in the line, from 1.
        column: usize,
    },
    /// A column is missing.
    #[error("{file}, line 1: no column `{column}`{also}; the header has {found}")]
    MissingColumn {
        /// The file's name in messages.
        file: String,
        /// The column's name.
        column: &'static str,
        /// The other names it may have, for the message.
        also: String,
        /// The columns of the header.
        found: String,
    },
    /// Two columns have the same name.
    #[error("{file}, line 1: column `{column}` is there twice")]
    ColumnTwice {
        /// The file's name in messages.
        file: String,
        /// The name of the column.
        column: String,
    },
    /// A row has more or fewer fields than the header.
    #[error("{at}: {found} fields, but the header has {wanted}")]
    Fields {
        /// Where the row begins.
        at: FileLine,
        /// How many fields the row has.
        found: usize,
        /// How many fields the header has.
        wanted: usize,
    },
    /// A quote is never closed.
    #[error("{at}: the quote that opens here is never closed")]
    OpenQuote {
        /// The line of the quote.
        at: FileLine,
    },
    /// The CSV reader failed for another reason.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where the row begins.
        at: FileLine,
        /// What is wrong, as the CSV reader reports it.
        reason: String,
    },
}

/// A CSV text with its header read.
pub struct Table<'a> {
    file: &'a str,
    text: &'a str,
    header: Vec<String>,
}

impl<'a> Table<'a> {
    /// Reads the header. `file` is the name for messages, `wanted` the columns it should have.
    pub fn new(file: &'a str, bytes: &'a [u8], wanted: &'static str) -> Result<Self, TableError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(file, bytes, e.valid_up_to()))?;
        if let Some(line) = open_quote(text) {
            return Err(TableError::OpenQuote {
                at: FileLine::new(file, line),
            });
        }
        let mut reader = reader(text);
        let mut header = csv::StringRecord::new();
        let some = reader.read_record(&mut header).map_err(|e| syntax(file, 1, &e))?;
        if !some {
            return Err(TableError::Empty {
                file: file.to_owned(),
                wanted,
            });
        }
        let header: Vec<String> = header.iter().map(str::to_owned).collect();
        Ok(Self { file, text, header })
    }

    /// The index of the column called `name` or one of `others`, if there is one.
    pub fn column(&self, name: &'static str, others: &[&'static str]) -> Result<Option<usize>, TableError> {
        for name in std::iter::once(&name).chain(others) {
            let mut places = self
                .header
                .iter()
                .enumerate()
                .filter(|(_, column)| column == name)
                .map(|(place, _)| place);
            if let Some(place) = places.next() {
                return match places.next() {
                    None => Ok(Some(place)),
                    Some(_) => Err(TableError::ColumnTwice {
                        file: self.file.to_owned(),
                        column: (*name).to_owned(),
                    }),
                };
            }
        }
        Ok(None)
    }

    /// The index of a column that must exist.
    pub fn required(&self, name: &'static str, others: &[&'static str]) -> Result<usize, TableError> {
        self.column(name, others)?.ok_or_else(|| TableError::MissingColumn {
            file: self.file.to_owned(),
            column: name,
            also: others.iter().map(|other| format!(" (or `{other}`)")).collect(),
            found: self
                .header
                .iter()
                .map(|column| format!("`{column}`"))
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// Calls `each` with the line number and the fields of every row. Returns the number of rows.
    pub fn rows<E: From<TableError>>(&self, mut each: impl FnMut(u64, &csv::StringRecord) -> Result<(), E>) -> Result<u64, E> {
        let mut reader = reader(self.text);
        let mut lines = Lines {
            text: self.text,
            offset: 0,
            line: 1,
        };
        let mut record = csv::StringRecord::new();
        let mut records = 0;
        loop {
            let line = lines.next_record(reader.position().byte());
            if !reader.read_record(&mut record).map_err(|e| syntax(self.file, line, &e))? {
                break;
            }
            records += 1;
            if record.len() != self.header.len() {
                let (found, wanted) = (record.len(), self.header.len());
                return Err(TableError::Fields {
                    at: FileLine::new(self.file, line),
                    found,
                    wanted,
                }
                .into());
            }
            if records > 1 {
                each(line, &record)?;
            }
        }
        if records < 2 {
            return Err(TableError::NoRows {
                file: self.file.to_owned(),
            }
            .into());
        }
        Ok(records - 1)
    }
}

/// Counts the lines up to the beginning of each record. The CSV reader's own line numbers are those of a preceding blank line, which it
/// skips only when it reads on.
struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    fn next_record(&mut self, byte: u64) -> u64 {
        let bytes = self.text.as_bytes();
        let mut end = (byte as usize).min(bytes.len());
        while bytes.get(end).is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            end += 1;
        }
        self.line += bytes[self.offset..end].iter().filter(|b| **b == b'\n').count() as u64;
        self.offset = end;
        self.line
    }
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

fn syntax(file: &str, line: u64, error: &csv::Error) -> TableError {
    TableError::Syntax {
        at: FileLine::new(file, line),
        reason: error.to_string().replace('\n', " "),
    }
}

fn not_utf8(file: &str, bytes: &[u8], at: usize) -> TableError {
    let before = &bytes[..at];
    let line = 1 + before.iter().filter(|b| **b == b'\n').count() as u64;
    let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
    TableError::NotUtf8 {
        at: FileLine::new(file, line),
        column,
    }
}

/// The line of a quote that is never closed: the CSV reader would silently take the rest of the file for one field.
fn open_quote(text: &str) -> Option<u64> {
    let (mut line, mut opened, mut at_start) = (1, None, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, opened) {
            (b'"', Some(_)) if bytes.peek() == Some(&b'"') => drop(bytes.next()),
            (b'"', Some(_)) => opened = None,
            (b'"', None) if at_start => opened = Some(line),
            _ => {}
        }
        at_start = opened.is_none() && matches!(byte, b',' | b'\n' | b'\r');
        line += u64::from(byte == b'\n');
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<(u64, Vec<String>)>, TableError> {
        let table = Table::new("f.csv", text.as_bytes(), "a,b")?;
        let mut rows = Vec::new();
        table.rows::<TableError>(|line, row| {
            rows.push((line, row.iter().map(str::to_owned).collect()));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let read = rows("a,b\r\n1,2\r\n\r\n\r\n\"x\ny\",3\r\n4,5").unwrap();
        let lines: Vec<u64> = read.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 5, 7]);
        assert_eq!(read[0].1, ["1", "2"], "no carriage return stays");
        assert_eq!(rows("\n\na,b\n1,2\n").unwrap()[0].0, 4);
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_column() {
        assert!(Table::new("f", "\u{feff}a,b\n".as_bytes(), "a").unwrap().required("a", &[]).is_ok());
    }

    #[test]
    fn every_error_names_its_line() {
        let file = || "f.csv".to_owned();
        assert_eq!(
            rows(""),
            Err(TableError::Empty {
                file: file(),
                wanted: "a,b"
            })
        );
        assert_eq!(
            rows("\n\n"),
            Err(TableError::Empty {
                file: file(),
                wanted: "a,b"
            })
        );
        assert_eq!(rows("a,b\n"), Err(TableError::NoRows { file: file() }));
        assert_eq!(
            rows("a,b\n1,2\n\n3\n"),
            Err(TableError::Fields {
                at: FileLine::new("f.csv", 4),
                found: 1,
                wanted: 2
            })
        );
        assert_eq!(
            rows("a,b\n1,2,3\n"),
            Err(TableError::Fields {
                at: FileLine::new("f.csv", 2),
                found: 3,
                wanted: 2
            })
        );
        assert_eq!(
            rows("a,b\n1,2\n3,\"4\n5,6\n"),
            Err(TableError::OpenQuote {
                at: FileLine::new("f.csv", 3)
            })
        );
        let bytes = b"a,b\n1,2\n3,x\xff\n";
        assert_eq!(
            Table::new("f.csv", bytes, "").err(),
            Some(TableError::NotUtf8 {
                at: FileLine::new("f.csv", 3),
                column: 4
            })
        );
    }

    #[test]
    fn quotes_inside_and_at_the_end_of_fields_are_closed() {
        assert_eq!(rows("a,b\n\"x\"\"y\",5\" disk\n").unwrap()[0].1, ["x\"y", "5\" disk"]);
        assert_eq!(open_quote("\"\"\n\"\"\"\"\n"), None);
    }

    #[test]
    fn columns_have_other_names_but_not_two_places() {
        let table = Table::new("f", b"task,b,b\n", "").unwrap();
        assert_eq!(table.required("item", &["task"]), Ok(0));
        assert_eq!(table.column("c", &[]), Ok(None));
        assert!(matches!(table.column("b", &[]), Err(TableError::ColumnTwice { .. })));
        let missing = table.required("item", &["id"]).unwrap_err().to_string();
        assert_eq!(missing, "f, line 1: no column `item` (or `id`); the header has `task`, `b`, `b`");
    }
}
