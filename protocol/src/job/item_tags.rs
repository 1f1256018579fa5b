//! What an item shows, as a short tag: two items of a sensitive job never show the same, because the same item ten times over is ten
//! outputs about one answer.

use std::collections::HashMap;

use tacit_mpc_core::digest::Digest;
use unicode_normalization::UnicodeNormalization;

use super::{Item, JobError};
use crate::name::is_invisible;

/// The first bytes of a digest of what contributors see of an item.
type Tag = [u8; 8];

/// Checks that no two items show the same: their texts, or the ids of those without text. Composed and decomposed characters, characters
/// that nobody sees, and blanks of different number or kind make no difference, and in texts neither does the case of letters. Ids come
/// from other systems, where it may matter.
pub(super) fn check(items: &[Item]) -> Result<(), JobError> {
    let mut seen: HashMap<Tag, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let (tag, field) = match &item.text {
            // To upper case first: some small letters, as the German sharp s, fold to several.
            Some(text) => (tag(&text.to_uppercase().to_lowercase()), "text"),
            None => (tag(&item.id), "id"),
        };
        if let Some(first) = seen.insert(tag, index) {
            let problem = format!(
                "shows the same as `{}`: in a sensitive job every item shows something else, or several labels would be about one answer",
                items[first].id
            );
            return Err(JobError::field(format!("items[{index}].{field}"), problem));
        }
    }
    Ok(())
}

fn tag(shown: &str) -> Tag {
    // Blanks go after invisible characters, between which they may stand.
    let seen: String = shown.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)).nfc().collect();
    let words: Vec<&str> = seen.split_whitespace().collect();
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
            ("a picture", "a pic\u{200b}ture\u{ad}"),
            ("a picture", "a \u{2060} picture\u{e0041}"),
        ];
        for (one, other) in same {
            let error = check(&items(&[None, Some(one), Some(other)])).unwrap_err().to_string();
            assert!(error.contains("`items[2].text` shows the same as `1`"), "{error}");
        }
        check(&items(&[None, None, Some("a"), Some("b"), Some("ab"), Some("a b")])).unwrap();
    }

    #[test]
    fn ids_that_look_the_same_are_the_same_where_there_is_no_text() {
        let of = |ids: &[&str]| check(&ids.iter().map(|id| Item::new((*id).to_owned())).collect::<Vec<_>>());
        for other in ["a.png\u{200b}", " a.png", "a\u{2800}.png"] {
            let error = of(&["a.png", other]).unwrap_err().to_string();
            assert!(error.contains("`items[1].id` shows the same as `a.png`"), "{error}");
        }
        of(&["a.png", "A.png", "a .png"]).unwrap();
        // Nor is a text the id of another item.
        assert!(check(&items(&[None, Some("0")])).is_err());
    }
}
