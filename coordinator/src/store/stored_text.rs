//! Published texts as they are stored: compressed to about a tenth. This takes less time than writing the bytes that it saves.

use std::io::{self, BufWriter, Read, Write};

use super::Failure;

/// The fastest level: these texts repeat the same words, so higher levels gain little.
const LEVEL: i32 = 1;

/// The most bytes that a stored text may unpack to: several times what the largest job publishes.
const LONGEST: u64 = 4 << 30;

/// The size of the buffer before the compressor: texts are written in small pieces.
const BUFFER: usize = 1 << 16;

/// A compressed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredText(Vec<u8>);

impl StoredText {
    /// Compresses what `write` writes. `write` may be called twice.
    ///
    /// # Errors
    /// `write` fails, or the memory does not suffice.
    pub(crate) fn written(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        // On a second thread, as writing and compressing take about as long; on this thread where no other can be started.
        Self::compressed(1, &write).or_else(|_| Self::compressed(0, &write))
    }

    fn compressed(threads: u32, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.multithread(threads)?;
        let mut to = BufWriter::with_capacity(BUFFER, encoder);
        write(&mut to)?;
        let encoder = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        encoder.finish().map(Self)
    }

    /// The bytes to store in a column.
    pub(super) fn column(&self) -> &[u8] {
        &self.0
    }

    /// Unpacks the bytes of a column.
    pub(super) fn read(column: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let damaged = |e: io::Error| Failure::damaged(format!("a published text: {e}"));
        let mut text = Vec::new();
        let decoder = zstd::Decoder::new(column.as_slice()).map_err(damaged)?;
        decoder.take(LONGEST + 1).read_to_end(&mut text).map_err(damaged)?;
        if text.len() as u64 > LONGEST {
            return Err(Failure::damaged(format!("a published text of more than {LONGEST} bytes")));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_and_damage_is_found() {
        let lines: String = (0..50_000).map(|line| format!("    \"item-{line}\",\n")).collect();
        for text in ["", "{}\n", "name,amount\n", &lines] {
            let stored = StoredText::written(|to| to.write_all(text.as_bytes())).unwrap();
            assert_eq!(StoredText::read(stored.column().to_vec()).unwrap(), text.as_bytes());
            assert!(
                text.is_empty() || StoredText::read(text.into()).is_err(),
                "a text that is not compressed"
            );
        }
        let stored = StoredText::written(|to| to.write_all(lines.as_bytes())).unwrap();
        assert!(stored.column().len() < lines.len() / 4, "{}", stored.column().len());
        let cut = stored.column()[..stored.column().len() / 2].to_vec();
        assert!(StoredText::read(cut).is_err());
        for place in (0..stored.column().len()).step_by(1001) {
            let mut altered = stored.column().to_vec();
            altered[place] ^= 1;
            assert!(StoredText::read(altered).is_err(), "byte {place}");
        }
        assert!(StoredText::written(|_| Err(io::ErrorKind::Other.into())).is_err());
    }
}
