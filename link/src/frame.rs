//! Length-capped frames: four bytes of length, little-endian, then as many bytes.

use std::io;

use quinn::{ReadExactError, RecvStream, SendStream};
use tokio::io::AsyncReadExt;

/// Writes one frame.
///
/// # Errors
/// The stream or connection ended, or `bytes` is longer than a frame can say.
pub async fn write_frame(stream: &mut SendStream, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(|_| io::Error::other("the message is too long for a frame"))?;
    stream.write_all(&len.to_le_bytes()).await?;
    stream.write_all(bytes).await?;
    Ok(())
}

/// Reads one frame of at most `cap` bytes; `None` at the end of the stream.
///
/// Memory grows with what arrives, not with what the sender announces.
///
/// # Errors
/// The frame is longer than `cap` or is cut short, or the stream or connection ended.
pub async fn read_frame(stream: &mut RecvStream, cap: usize) -> io::Result<Option<Vec<u8>>> {
    let mut len = [0; 4];
    match stream.read_exact(&mut len).await {
        Ok(()) => {}
        Err(ReadExactError::FinishedEarly(0)) => return Ok(None),
        Err(ReadExactError::FinishedEarly(_)) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Err(ReadExactError::ReadError(error)) => return Err(error.into()),
    }
    let len = u32::from_le_bytes(len) as usize;
    if len > cap {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {len} bytes, more than {cap}"),
        ));
    }
    let mut bytes = Vec::new();
    stream.take(len as u64).read_to_end(&mut bytes).await?;
    if bytes.len() == len {
        Ok(Some(bytes))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
