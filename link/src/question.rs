//! Questions of one node to another, beside the lanes of computations. Each has a stream of its own, with one answer.

use std::fmt;
use std::io::{self, ErrorKind};

use quinn::{RecvStream, SendStream};
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::peer::{Answer, MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, PeerQuestion};
use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::frame::{read_frame, write_frame};
use crate::{LinkError, Member};

impl Connection {
    /// Asks the node at the other end and waits for its answer.
    ///
    /// # Errors
    /// The connection or the stream ended, or the bytes are no answer.
    pub async fn ask(&self, question: &PeerQuestion) -> Result<Answer, LinkError> {
        let (mut send, mut recv) = self.quic().open_bi().await.map_err(|e| self.lost(&e))?;
        write_frame(&mut send, &encode(question)).await.map_err(|e| self.lost(&e))?;
        let _ = send.finish();
        let bytes = read_frame(&mut recv, MAX_ANSWER_BYTES)
            .await
            .map_err(|error| self.failed(&error))?
            .ok_or_else(|| self.lost(&"it ended the stream without an answer"))?;
        decode(&Zeroizing::new(bytes), "an answer").map_err(|error| self.broken(&error))
    }

    /// Waits for the next question of the node at the other end. [`Questioner::read`] reads it, so that a slow one delays no
    /// other.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn accept_question(&self) -> Result<Questioner, LinkError> {
        let (send, recv) = self.quic().accept_bi().await.map_err(|e| self.lost(&e))?;
        Ok(Questioner {
            send,
            recv,
            connection: self.clone(),
        })
    }

    fn failed(&self, error: &io::Error) -> LinkError {
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => self.broken(error),
            _ => self.lost(error),
        }
    }
}

/// The answering side of one question.
pub struct Questioner {
    send: SendStream,
    recv: RecvStream,
    connection: Connection,
}

impl fmt::Debug for Questioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Questioner(of {})", self.connection.name())
    }
}

impl Questioner {
    /// The member that asks, as the handshake has shown.
    pub fn member(&self) -> Member {
        self.connection.member()
    }

    /// Reads the question.
    ///
    /// # Errors
    /// The connection or the stream ended, or the bytes are no question.
    pub async fn read(&mut self) -> Result<PeerQuestion, LinkError> {
        let bytes = read_frame(&mut self.recv, MAX_QUESTION_BYTES)
            .await
            .map_err(|error| self.connection.failed(&error))?
            .ok_or_else(|| self.connection.broken(&"it ended the stream without a question"))?;
        decode(&bytes, "a question").map_err(|error| self.connection.broken(&error))
    }

    /// Sends the answer.
    ///
    /// # Errors
    /// The connection or the stream ended.
    pub async fn answer(mut self, answer: &Answer) -> Result<(), LinkError> {
        let bytes = Zeroizing::new(encode(answer));
        write_frame(&mut self.send, &bytes).await.map_err(|e| self.connection.lost(&e))?;
        let _ = self.send.finish();
        Ok(())
    }
}
