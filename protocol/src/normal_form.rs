//! Unicode's normal form C, by [UAX #15](https://www.unicode.org/reports/tr15/), from what crate `unicode-normalization` says of single
//! characters. Its iterators do the same, and bring tables with them that are not needed for it, those of the compatibility forms: together
//! they would be a tenth of what a contributor's browser loads. The tests compare the two.

use composition::compose;
use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

mod composition;

/// Whether a text is in normal form C.
pub(crate) fn is_nfc(text: &str) -> bool {
    text.is_ascii() || nfc(text.chars()) == text
}

/// The text in normal form C.
pub(crate) fn nfc(text: impl Iterator<Item = char>) -> String {
    let mut parts: Vec<(u8, char)> = Vec::new();
    for c in text {
        decompose_canonical(c, |part| parts.push((canonical_combining_class(part), part)));
    }
    // Marks stand in the order of their classes, between the characters of class 0, the starters.
    for marks in parts.split_mut(|(class, _)| *class == 0) {
        marks.sort_by_key(|(class, _)| *class);
    }
    composed(&parts).into_iter().collect()
}

/// Joins characters with the starters before them, if nothing between them is in the way.
fn composed(parts: &[(u8, char)]) -> Vec<char> {
    let mut whole: Vec<char> = Vec::with_capacity(parts.len());
    // Where the last starter stands, and the class of what was written behind it.
    let mut starter = None;
    let mut behind = None;
    for &(class, c) in parts {
        // A mark is in the way of another one of its class or a lower one, and so of a starter.
        let is_free = behind.is_none_or(|behind| behind < class);
        if let Some(joined) = starter
            .filter(|_| is_free)
            .and_then(|at: usize| compose(whole[at], c).map(|joined| (at, joined)))
        {
            whole[joined.0] = joined.1;
            continue;
        }
        if class == 0 {
            starter = Some(whole.len());
            behind = None;
        } else {
            behind = Some(class);
        }
        whole.push(c);
    }
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn agrees(text: &str) {
        let theirs: String = text.nfc().collect();
        assert_eq!(nfc(text.chars()), theirs, "{text:?}");
        assert_eq!(is_nfc(text), unicode_normalization::is_nfc(text), "{text:?}");
    }

    #[test]
    fn every_character_alone_and_between_others_is_as_in_the_crate() {
        // Nothing above is taken apart or joined, which the pairs' test asserts.
        for c in '\0'..='\u{30fff}' {
            agrees(c.encode_utf8(&mut [0; 4]));
            agrees(&format!("e\u{323}{c}\u{301}{c}"));
        }
    }

    #[test]
    fn blocked_marks_stay_and_syllables_join() {
        for (text, form) in [
            ("e\u{301}", "\u{e9}"),
            ("e\u{323}\u{301}", "\u{1eb9}\u{301}"),
            ("e\u{301}\u{323}", "\u{1eb9}\u{301}"),
            // Two marks of one class: the second one finds the first in its way, or joins what the first has made.
            ("a\u{305}\u{301}", "a\u{305}\u{301}"),
            ("u\u{308}\u{301}", "\u{1d8}"),
            // A starter in the way.
            ("e\u{200b}\u{301}", "e\u{200b}\u{301}"),
            ("\u{1100}\u{1161}\u{11a8}", "\u{ac01}"),
            ("\u{ac00}\u{11a8}", "\u{ac01}"),
            ("\u{301}e", "\u{301}e"),
            // Excluded from composition.
            ("\u{958}", "\u{915}\u{93c}"),
            ("\u{212b}", "\u{c5}"),
        ] {
            assert_eq!(nfc(text.chars()), form, "{text:?}");
            agrees(text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn texts_are_as_in_the_crate(text in proptest::collection::vec(prop_oneof![
            any::<char>(),
            proptest::char::range('a', 'z'),
            proptest::char::range('\u{c0}', '\u{17f}'),
            proptest::char::range('\u{300}', '\u{36f}'),
            proptest::char::range('\u{5b0}', '\u{5c7}'),
            proptest::char::range('\u{900}', '\u{dff}'),
            proptest::char::range('\u{1100}', '\u{11ff}'),
            proptest::char::range('\u{1e00}', '\u{1fff}'),
            proptest::char::range('\u{ac00}', '\u{ac40}'),
            proptest::char::range('\u{1d150}', '\u{1d1ff}'),
        ], 0..24)) {
            agrees(&text.into_iter().collect::<String>());
        }
    }
}
