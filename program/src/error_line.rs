//! Lines on standard error. `eprintln!` panics where standard error cannot be written, for instance if it is a log on a full disk, which
//! would replace a program's error by a panic.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code of a program that has failed and could not write why to standard error: `EX_IOERR` of
/// [sysexits.h](https://man.openbsd.org/sysexits.3).
pub const UNWRITTEN_ERROR: u8 = 74;

/// Writes the line `PROGRAM: TEXT` to standard error. If that is not possible, nobody can be told, and the program goes on.
pub fn error_line(program: &str, text: &dyn Display) {
    let _ = write_line(io::stderr(), &format_args!("{program}: {text}"));
}

/// Writes the error that ends a program to standard error. Returns `code`, or [`UNWRITTEN_ERROR`] if the line could not be written.
pub fn report_failure(program: &str, error: &dyn Display, code: u8) -> ExitCode {
    ExitCode::from(failure_code(&format_args!("{program}: {error}"), code))
}

/// Writes the line about the error that ends a program to standard error, as it stands. Returns the exit code: `code`, or
/// [`UNWRITTEN_ERROR`] if the line could not be written.
pub fn failure_code(line: &dyn Display, code: u8) -> u8 {
    exit_code(io::stderr(), line, code)
}

fn exit_code(to: impl Write, line: &dyn Display, code: u8) -> u8 {
    write_line(to, line).map_or(UNWRITTEN_ERROR, |()| code)
}

/// In one piece: two programs may write to one log.
fn write_line(mut to: impl Write, line: &dyn Display) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_and_has_its_own_code() {
        let mut written = Vec::new();
        assert_eq!(exit_code(&mut written, &"tacit: no such job", 1), 1);
        assert_eq!(written, b"tacit: no such job\n");
    }

    #[test]
    fn what_cannot_be_written_panics_nowhere_and_has_a_code_of_its_own() {
        let full = &mut [0; 9][..];
        assert_eq!(exit_code(full, &"tacit: no such job", 1), UNWRITTEN_ERROR);
    }
}
