//! What an item shows, as a short tag: two items of a sensitive job never show the same, because the same item ten times over is ten
//! outputs about one answer.

use std::collections::HashMap;

use tacit_mpc_core::digest::Digest;
use unicode_normalization::UnicodeNormalization;

use super::{Item, JobError};

/// The first bytes of a digest of what contributors see of an item.
type Tag = [u8; 8];

/// Checks that all items with a text have different ones. Letters that differ in case only, composed and decomposed characters, and
/// blanks of different number or kind make no difference. Items without text are told apart by their ids, which are unique.
pub(super) fn check(items: &[Item]) -> Result<(), JobError> {
    let mut seen: HashMap<Tag, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let Some(text) = &item.text else { continue };
        if let Some(first) = seen.insert(tag(text), index) {
            let problem = format!(
                "shows the same as `{}`: in a sensitive job every item has another text, or several labels would be about one answer",
                items[first].id
            );
            return Err(JobError::field(format!("items[{index}].text"), problem));
        }
    }
    Ok(())
}

fn tag(text: &str) -> Tag {
    // To upper case first: some small letters, as the German sharp s, fold to several.
    let folded: String = text.to_uppercase().to_lowercase().nfc().collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    let digest = Digest::of("tacit/v1 item tag", &[words.join(" ").as_bytes()]);
    let mut tag = Tag::default();
    tag.copy_from_slice(&digest.as_bytes()[..size_of::<Tag>()]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(texts: &[Option<&str>]) -> Vec<Item> {
        let item = |(index, text): (usize, &Option<&str>)| Item {
            text: text.map(str::to_owned),
            ..Item::new(index.to_string())
        };
        texts.iter().enumerate().map(item).collect()
    }

    #[test]
    fn texts_that_look_the_same_are_the_same() {
        let same = [
            ("a picture", "A  picture "),
            ("caf\u{e9}", "cafe\u{301}"),
            ("Stra\u{df}e", "STRASSE"),
            ("two\nlines", "two lines"),
        ];
        for (one, other) in same {
            let error = check(&items(&[None, Some(one), Some(other)])).unwrap_err().to_string();
            assert!(error.contains("`items[2].text` shows the same as `1`"), "{error}");
        }
        check(&items(&[None, None, Some("a"), Some("b"), Some("ab"), Some("a b")])).unwrap();
    }
}
