//! Long texts as they are kept: compressed, a tenth of what is published. Compressing
//! takes less time than writing what it saves.

use std::io::{self, BufWriter, Read, Write};

use super::Failure;

/// Speed before size: most of a text are the same words again.
const LEVEL: i32 = 1;

/// Bytes of the longest text that is read again: several times what the largest job has.
const LONGEST: u64 = 4 << 30;

/// Bytes that are compressed at a time: a text is written in small pieces.
const PIECE: usize = 1 << 16;

/// A text as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText(Vec<u8>);

impl KeptText {
    /// What `write` writes, piece by piece; it may be asked to twice.
    ///
    /// # Errors
    /// `write` failed.
    pub fn written(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        // Beside the thread that writes, as both take about as long; alone where no other can be started.
        Self::compressed(1, &write).or_else(|_| Self::compressed(0, &write))
    }

    fn compressed(threads: u32, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.multithread(threads)?;
        let mut to = BufWriter::with_capacity(PIECE, encoder);
        write(&mut to)?;
        let encoder = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        encoder.finish().map(Self)
    }

    /// What a column holds.
    pub(super) fn column(&self) -> &[u8] {
        &self.0
    }

    /// The text in a column; stores of earlier releases hold texts as they are published.
    pub(super) fn read(column: Vec<u8>) -> Result<Vec<u8>, Failure> {
        if column.starts_with(&zstd::zstd_safe::MAGICNUMBER.to_le_bytes()) {
            let damaged = |e: io::Error| Failure::damaged(format!("a published text: {e}"));
            let mut text = Vec::new();
            let decoder = zstd::Decoder::new(column.as_slice()).map_err(damaged)?;
            decoder.take(LONGEST + 1).read_to_end(&mut text).map_err(damaged)?;
            if text.len() as u64 > LONGEST {
                return Err(Failure::damaged(format!("a published text of more than {LONGEST} bytes")));
            }
            Ok(text)
        } else {
            Ok(column)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_and_damage_is_told() {
        let lines: String = (0..50_000).map(|line| format!("    \"item-{line}\",\n")).collect();
        for text in ["", "{}\n", "name,amount\n", &lines] {
            let kept = KeptText::written(|to| to.write_all(text.as_bytes())).unwrap();
            assert_eq!(KeptText::read(kept.column().to_vec()).unwrap(), text.as_bytes());
            // As an earlier release has kept it.
            assert_eq!(KeptText::read(text.into()).unwrap(), text.as_bytes());
        }
        let kept = KeptText::written(|to| to.write_all(lines.as_bytes())).unwrap();
        assert!(kept.column().len() < lines.len() / 4, "{}", kept.column().len());
        let cut = kept.column()[..kept.column().len() / 2].to_vec();
        assert!(KeptText::read(cut).is_err());
        for place in (4..kept.column().len()).step_by(1001) {
            let mut altered = kept.column().to_vec();
            altered[place] ^= 1;
            assert!(KeptText::read(altered).is_err(), "byte {place}");
        }
        assert!(KeptText::written(|_| Err(io::ErrorKind::Other.into())).is_err());
    }
}
