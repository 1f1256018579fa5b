//! Text of unknown origin, as it is shown to people.

use tacit_protocol::name::reorders;

/// The text on one line, without control characters and marks that reorder text.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || reorders(c) { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_stays_on_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[2J\r\n"), "a b [2J");
        assert_eq!(one_line("photo\u{202e}gpj.exe"), "photo gpj.exe");
    }
}
