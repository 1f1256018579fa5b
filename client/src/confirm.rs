//! Asks whoever runs a command before something is done that cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

use crate::exit::Cause;

/// What is asked before something is done.
pub(crate) struct Question<'a> {
    /// The question, which is answered with yes or no.
    pub question: &'a str,
    /// What is said where the answer is not yes.
    pub declined: &'a str,
    /// What says yes on the command line.
    pub option: &'a str,
}

impl Question<'_> {
    /// Asks on the terminal.
    ///
    /// # Errors
    /// The answer is not yes, or there is no terminal to ask on: [`Cause::NotConfirmed`].
    pub(crate) fn ask(&self) -> Result<()> {
        let Self {
            question,
            declined,
            option,
        } = self;
        if std::io::stdin().is_terminal() {
            return self.ask_on(std::io::stdin().lock(), std::io::stderr());
        }
        Err(Cause::NotConfirmed.error(format!(
            "{question} There is no terminal to ask on; {declined}. If you mean it, give {option}"
        )))
    }

    fn ask_on(&self, mut from: impl BufRead, mut to: impl Write) -> Result<()> {
        write!(to, "tacit: {} [y/N] ", self.question).context("cannot ask")?;
        to.flush().context("cannot ask")?;
        let mut said = String::new();
        from.read_line(&mut said).context("cannot read the answer")?;
        match said.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Cause::NotConfirmed.error(self.declined)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        let question = Question {
            question: "Close it?",
            declined: "nothing was done",
            option: "--yes",
        };
        for said in ["y\n", "Y\n", "yes\r\n", "yes"] {
            let mut asked = Vec::new();
            question.ask_on(said.as_bytes(), &mut asked).unwrap();
            assert_eq!(asked, b"tacit: Close it? [y/N] ");
        }
        for said in ["", "\n", "n\n", "yeah\n", "\ny\n"] {
            let error = question.ask_on(said.as_bytes(), Vec::new()).unwrap_err();
            assert_eq!(
                (error.to_string().as_str(), Cause::of(&error)),
                ("nothing was done", Cause::NotConfirmed)
            );
        }
    }
}
