//! Length-capped frames: four bytes of length, little-endian, then that many bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Memory reserved for a frame before any of it has arrived.
const INITIAL_CAPACITY: usize = 1 << 16;

/// Writes one frame.
///
/// # Errors
/// The stream or connection ended, or `bytes` is longer than `u32::MAX`.
pub async fn write_frame<W: AsyncWrite + Unpin>(stream: &mut W, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(|_| io::Error::other("the message is too long for a frame"))?;
    stream.write_all(&len.to_le_bytes()).await?;
    stream.write_all(bytes).await
}

/// Reads one frame of at most `cap` bytes; `None` at the end of the stream.
///
/// Beyond the first 64 KiB, memory grows with the bytes that arrive, not with the length that the sender announces.
///
/// # Errors
/// The frame is longer than `cap` or is cut short, or the stream or connection ended.
pub async fn read_frame<R: AsyncRead + Unpin>(stream: &mut R, cap: usize) -> io::Result<Option<Vec<u8>>> {
    let mut len = [0; 4];
    let mut read = 0;
    while read < len.len() {
        match stream.read(&mut len[read..]).await? {
            0 if read == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
    }
    let len = u32::from_le_bytes(len) as usize;
    if len > cap {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {len} bytes, more than {cap}"),
        ));
    }
    let mut bytes = Vec::with_capacity(len.min(INITIAL_CAPACITY));
    stream.take(len as u64).read_to_end(&mut bytes).await?;
    if bytes.len() == len {
        Ok(Some(bytes))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_end_where_they_say_or_fail() {
        let mut sent = Vec::new();
        write_frame(&mut sent, b"one").await.unwrap();
        write_frame(&mut sent, b"").await.unwrap();
        assert_eq!(sent, b"\x03\0\0\0one\0\0\0\0");
        let mut stream = sent.as_slice();
        assert_eq!(read_frame(&mut stream, 3).await.unwrap(), Some(b"one".to_vec()));
        assert_eq!(read_frame(&mut stream, 3).await.unwrap(), Some(Vec::new()));
        assert_eq!(read_frame(&mut stream, 3).await.unwrap(), None);

        let kind = async |mut stream: &[u8], cap| read_frame(&mut stream, cap).await.unwrap_err().kind();
        assert_eq!(kind(&sent, 2).await, io::ErrorKind::InvalidData);
        assert_eq!(kind(&sent[..6], 3).await, io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&sent[..2], 3).await, io::ErrorKind::UnexpectedEof);
    }
}
