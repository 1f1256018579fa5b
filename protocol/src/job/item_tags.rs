//! What an item shows, as a short tag: two items of a sensitive job never show the same, because the same item ten times over is ten
//! outputs about one answer.

use std::collections::HashMap;

use tacit_mpc_core::digest::Digest;

use super::{Image, Item, JobError};
use crate::name::is_invisible;
use crate::normal_form::nfc;

/// The first bytes of a digest of what contributors see of an item.
type Tag = [u8; 8];

/// Checks that no two items show the same: their images or texts, or the ids of those without. Composed and decomposed characters, characters
/// that nobody sees, and blanks of different number or kind make no difference, and in texts neither does the case of letters. Ids come
/// from other systems, where it may matter. Beside an image or a pair a text makes no difference: with ten texts one image would be ten
/// items. Nor does it matter which of a pair is left.
pub(super) fn check(items: &[Item]) -> Result<(), JobError> {
    let mut seen: HashMap<Tag, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let (tag, field) = of(item);
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

/// The tag of an item, and the field that it is of.
fn of(item: &Item) -> (Tag, &'static str) {
    if let (Some(left), Some(right)) = (&item.left, &item.right) {
        let mut sides = [left, right].map(|side| of_shown(side.text.as_deref(), side.image.as_ref()));
        sides.sort_unstable();
        return (short(Digest::of("tacit/v1 pair tag", &[&sides[0], &sides[1]])), "right");
    }
    match (&item.text, &item.image) {
        (text, Some(image)) => (of_shown(text.as_deref(), Some(image)), "image"),
        (Some(text), None) => (of_shown(Some(text), None), "text"),
        (None, None) => (tag(&item.id), "id"),
    }
}

/// The tag of an image, or else of a text.
fn of_shown(text: Option<&str>, image: Option<&Image>) -> Tag {
    match image {
        Some(image) => short(Digest::of("tacit/v1 image tag", &[image.sha256.as_bytes()])),
        // To upper case first: some small letters, as the German sharp s, fold to several.
        None => tag(&text.unwrap_or_default().to_uppercase().to_lowercase()),
    }
}

fn tag(shown: &str) -> Tag {
    // Blanks go after invisible characters, between which they may stand.
    let seen = nfc(shown.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)));
    let words: Vec<&str> = seen.split_whitespace().collect();
    short(Digest::of("tacit/v1 item tag", &[words.join(" ").as_bytes()]))
}

fn short(digest: Digest) -> Tag {
    let mut tag = Tag::default();
    tag.copy_from_slice(&digest.as_bytes()[..size_of::<Tag>()]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Sha256, Side};

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

    fn image(url: &str, digest: u8) -> Image {
        Image {
            url: format!("https://example.org/{url}"),
            sha256: Sha256::from_bytes([digest; 32]),
            alt: None,
        }
    }

    #[test]
    fn one_image_is_one_item_whatever_its_address_and_text() {
        let shows = |index: u32, text: Option<&str>, image: Image| Item {
            text: text.map(str::to_owned),
            image: Some(Box::new(image)),
            ..Item::new(index.to_string())
        };
        let error = check(&[shows(0, None, image("1", 7)), shows(1, Some("question 2"), image("2", 7))]).unwrap_err();
        assert!(error.to_string().contains("`items[1].image` shows the same as `0`"), "{error}");
        check(&[shows(0, Some("one text"), image("1", 7)), shows(1, Some("one text"), image("1", 8))]).unwrap();
    }

    #[test]
    fn a_pair_is_one_item_whichever_is_left() {
        let text = |text: &str| Side {
            text: Some(text.to_owned()),
            image: None,
        };
        let picture = |digest: u8| Side {
            text: Some("a caption".to_owned()),
            image: Some(image("1", digest)),
        };
        let shows = |index: u32, left: Side, right: Side| Item {
            text: Some(format!("question {index}")),
            left: Some(Box::new(left)),
            right: Some(Box::new(right)),
            ..Item::new(index.to_string())
        };
        for (one, other) in [(text("a"), text("B ")), (picture(1), picture(2)), (text("a"), picture(1))] {
            let error = check(&[shows(0, one.clone(), other.clone()), shows(1, other, one)]).unwrap_err();
            assert!(error.to_string().contains("`items[1].right` shows the same as `0`"), "{error}");
        }
        check(&[shows(0, text("a"), text("b")), shows(1, text("a"), text("c"))]).unwrap();
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
