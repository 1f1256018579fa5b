//! What a name may be: of a job, a class or a contributor, and which names of contributors look alike.
//!
//! What looks the same is the same: names are in Unicode's normal form C, without characters that nobody sees and without blanks at their
//! ends. Ids of items come from other systems and are only kept on one line, and texts have lines.

use std::fmt;

use crate::normal_form::is_nfc;

/// The longest name or id, in bytes.
pub const MAX_NAME: usize = 256;

/// What a name must be, to follow the name of its field in a message.
pub const NAME_RULE: &str = "must be 1 to 256 bytes in Unicode's normal form C, without control or invisible characters, and without a blank at \
     its beginning or end";

/// What a text must be, to follow the name of its field in a message.
pub(crate) const TEXT_RULE: &str = "must not have control characters but line breaks and tabs, or marks that reorder \
     text (U+202A to U+202E, U+2066 to U+2069): people could read another text than the one they agree to";

/// Whether a text can be a name: 1 to [`MAX_NAME`] bytes in normal form C, without control characters or characters that nobody sees, and
/// without blanks at its ends.
pub fn is_name(text: &str) -> bool {
    is_id(text)
        && (text.is_ascii() || (is_nfc(text) && !text.chars().any(is_invisible)))
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
}

/// Whether a text can be the id of an item: 1 to [`MAX_NAME`] bytes without control characters or any that reorder text.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(|c| c.is_control() || reorders(c))
}

/// What an id must be, to follow the name of its field in a message.
pub(crate) fn id_problem() -> String {
    format!("must be 1 to {MAX_NAME} bytes without control characters or marks that reorder text (U+202A to U+202E, U+2066 to U+2069)")
}

/// Whether a text has no control characters but line breaks and tabs, and none that reorder text.
pub(crate) fn is_plain_text(text: &str) -> bool {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let allowed = match c {
            '\n' | '\t' => true,
            // Alone it lets a terminal write over a line.
            '\r' => rest.peek() == Some(&'\n'),
            _ => !c.is_control() && !reorders(c),
        };
        if !allowed {
            return false;
        }
    }
    true
}

/// The embeddings, overrides and isolates of [UAX #9](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters): they show the
/// characters that follow in another order, and those after the text, too. Text in scripts from right to left needs none of them.
pub fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Format characters (general category Cf), line and paragraph separators, what else is drawn as nothing (the property
/// `Default_Ignorable_Code_Point`), and what is drawn as a blank without being white space: the empty braille pattern and the null
/// notehead. In Unicode 17.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{1d159}' |
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What a name looks like: two names with the same look cannot be told apart by eye, as `paul` and `pаul` with a Cyrillic а. It is the
/// skeleton of [UTS #39](https://www.unicode.org/reports/tr39/#Confusable_Detection) with one blank where there are several, which is no
/// name to show to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Look(String);

impl Look {
    /// The look of a name.
    pub fn of(name: &str) -> Self {
        let skeleton: String = unicode_security::skeleton(name).collect();
        let words: Vec<&str> = skeleton.split_whitespace().collect();
        Self(words.join(" "))
    }
}

impl fmt::Display for Look {
    /// The text by which stores compare looks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form_and_nothing_that_is_not_seen() {
        for good in [
            "a",
            "Ada Lovelace",
            "caf\u{e9}",
            "\u{30d1}\u{30fc}",
            "\u{1f600}",
            "w-1",
            &"x".repeat(MAX_NAME),
        ] {
            assert!(is_name(good), "{good:?}");
        }
        for bad in [
            "",
            " a",
            "a ",
            "a\u{a0}",
            "\u{3000}a",
            "a\nb",
            "a\u{7f}",
            // A combining accent where there is a letter with it.
            "cafe\u{301}",
            // Joiners, marks of direction, a soft hyphen, a filler, a selector, a separator, a tag.
            "a\u{200d}b",
            "a\u{200c}b",
            "\u{202e}ab",
            "a\u{2066}b",
            "a\u{ad}b",
            "a\u{3164}b",
            "a\u{fe0f}",
            "a\u{2028}b",
            // Blanks that are no white space.
            "ada\u{2800}",
            "a\u{1d159}b",
            "a\u{e0041}",
            &"x".repeat(MAX_NAME + 1),
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_id(" a\u{200d}b ") && is_id("cafe\u{301}"));
        assert!(!is_id("a\nb") && !is_id("") && !is_id("\u{202e}gpj.a"));
    }

    #[test]
    fn texts_have_lines_and_no_other_control_characters() {
        assert!(is_plain_text("two\nlines\r\nand\ta tab, e\u{301}\u{200d}"));
        assert!(
            is_plain_text("\u{5e9}\u{5dc}\u{5d5}\u{5dd}, \u{200e}C++"),
            "Hebrew, and a mark beside Latin letters"
        );
        for bad in ["a\rb", "\u{1b}[2J", "a\0", "a\u{9b}", "a\r", "\u{202e}a", "a\u{2066}"] {
            assert!(!is_plain_text(bad), "{bad:?}");
        }
    }

    #[test]
    fn names_that_look_alike_have_one_look() {
        for (one, other) in [
            ("paul", "p\u{430}ul"),
            ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
            ("w1", "wl"),
            ("O", "0"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("ab", "a\u{200d}b"),
            ("ada lovelace", "ada  lovelace"),
            ("ada lovelace", "ada\u{2003}lovelace"),
            // A mark that is drawn over the letter before it: other order, same look.
            ("q\u{323}\u{307}", "q\u{307}\u{323}"),
        ] {
            assert_eq!(Look::of(one), Look::of(other), "{one:?} {other:?}");
        }
        for (one, other) in [("ada", "Ada"), ("w1", "w2"), ("resume", "r\u{e9}sum\u{e9}"), ("crowd/1", "crowd/7")] {
            assert_ne!(Look::of(one), Look::of(other), "{one:?} {other:?}");
        }
        // Numbers of a pool never look alike.
        let looks: std::collections::HashSet<Look> = (0..20_000).map(|number| Look::of(&format!("crowd/{number}"))).collect();
        assert_eq!(looks.len(), 20_000);
    }
}
