//! One item of a job, and what contributors see of it: a text, an image, or two of them side by side.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::byte_string;

use super::JobError;
use super::image::image_host;
use super::names::{id, text};

byte_string!(
    /// A SHA-256 digest, as `sha256sum` prints it.
    Sha256,
    32
);

/// One item to be labelled. Without anything to show, contributors find it by its id.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id, unique in the job.
    pub id: String,
    /// The text that contributors see; with `left` and `right` it stands above both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The image that contributors see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Box<Image>>,
    /// The left one of two things to compare; never without `right`, and never with `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Box<Side>>,
    /// The right one of two things to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Box<Side>>,
}

/// One of two things to compare: a text, an image, or an image with a text below.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// An image that contributors load from a host that the terms name.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its address: https, or http on the contributor's own machine.
    pub url: String,
    /// The SHA-256 of its bytes, so that every contributor sees the same image, and the host cannot show somebody another one.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sha256: Sha256,
    /// What a screen reader says in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

impl Item {
    /// An item that contributors find by its id alone.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            text: None,
            image: None,
            left: None,
            right: None,
        }
    }

    /// The images in the order in which they are shown.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        let sides = [self.left.as_deref(), self.right.as_deref()];
        self.image
            .as_deref()
            .into_iter()
            .chain(sides.into_iter().flatten().filter_map(|side| side.image.as_ref()))
    }

    /// Checks everything but that the id is unique. `field` names the item in errors.
    pub(super) fn check(&self, field: &str) -> Result<(), JobError> {
        id(&format!("{field}.id"), &self.id)?;
        shown(field, self.text.as_deref(), self.image.as_deref())?;
        match (&self.left, &self.right) {
            (None, None) => Ok(()),
            (Some(left), Some(right)) => {
                if self.image.is_some() {
                    let problem = "stands beside `left` and `right`: give each side its own image, and keep a `text` for both";
                    return Err(JobError::field(format!("{field}.image"), problem));
                }
                left.check(&format!("{field}.left"))?;
                right.check(&format!("{field}.right"))
            }
            (Some(_), None) => Err(JobError::field(format!("{field}.right"), "is missing beside `left`")),
            (None, Some(_)) => Err(JobError::field(format!("{field}.left"), "is missing beside `right`")),
        }
    }
}

impl Side {
    fn check(&self, field: &str) -> Result<(), JobError> {
        if self.text.is_none() && self.image.is_none() {
            return Err(JobError::field(field, "shows nothing: give it a `text` or an `image`"));
        }
        shown(field, self.text.as_deref(), self.image.as_ref())
    }
}

/// Checks a text and an image that are shown together.
fn shown(field: &str, words: Option<&str>, image: Option<&Image>) -> Result<(), JobError> {
    if let Some(words) = words {
        text(&format!("{field}.text"), words)?;
    }
    let Some(image) = image else { return Ok(()) };
    image_host(&image.url).map_err(|problem| JobError::field(format!("{field}.image.url"), problem))?;
    image.alt.as_deref().map_or(Ok(()), |alt| text(&format!("{field}.image.alt"), alt))
}

/// The hosts of all images, with their ports where they are not 443. Images whose address cannot be used have none.
pub(super) fn image_hosts(items: &[Item]) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for host in items.iter().flat_map(Item::images).filter_map(|image| image_host(&image.url).ok()) {
        if !hosts.contains(host) {
            hosts.insert(host.to_owned());
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(url: &str) -> Image {
        Image {
            url: url.to_owned(),
            sha256: Sha256::from_bytes([7; 32]),
            alt: Some("a sign".to_owned()),
        }
    }

    fn side(text: Option<&str>, url: Option<&str>) -> Option<Box<Side>> {
        Some(Box::new(Side {
            text: text.map(str::to_owned),
            image: url.map(image),
        }))
    }

    fn error(alter: impl FnOnce(&mut Item)) -> String {
        let mut item = Item::new("a");
        alter(&mut item);
        item.check("items[3]").unwrap_err().to_string()
    }

    /// The digest of the items is over this JSON.
    #[test]
    fn the_json_of_items_stays_the_same() {
        let pair = Item {
            text: Some("Which is better?".to_owned()),
            left: side(Some("one"), None),
            right: side(Some("two"), Some("https://example.org/b.png")),
            ..Item::new("a")
        };
        let one = Item {
            image: Some(Box::new(image("https://example.org/a.png"))),
            ..Item::new("b")
        };
        let seven = "07".repeat(32);
        let json = format!(
            r#"[{{"id":"a","text":"Which is better?","left":{{"text":"one"}},"right":{{"text":"two","image":{{"url":"https://example.org/b.png","sha256":"{seven}","alt":"a sign"}}}}}},{{"id":"b","image":{{"url":"https://example.org/a.png","sha256":"{seven}","alt":"a sign"}}}},{{"id":"c"}}]"#
        );
        let items = [pair, one, Item::new("c")];
        assert_eq!(serde_json::to_string(&items).unwrap(), json);
        assert_eq!(serde_json::from_str::<Vec<Item>>(&json).unwrap(), items);
        items.iter().for_each(|item| item.check("items[0]").unwrap());
        assert_eq!(image_hosts(&items), BTreeSet::from(["example.org".to_owned()]));
    }

    #[test]
    fn what_cannot_be_shown_is_refused_by_field() {
        assert!(error(|item| item.left = side(Some("one"), None)).contains("`items[3].right` is missing beside `left`"));
        assert!(error(|item| item.right = side(Some("one"), None)).contains("`items[3].left` is missing beside `right`"));
        let both = |item: &mut Item| {
            item.left = side(Some("one"), None);
            item.right = side(None, None);
        };
        assert!(error(both).contains("`items[3].right` shows nothing"));
        let three = |item: &mut Item| {
            item.image = Some(Box::new(image("https://example.org/a.png")));
            item.left = side(Some("one"), None);
            item.right = side(Some("two"), None);
        };
        assert!(error(three).contains("`items[3].image` stands beside"));
        let unsafe_side = |item: &mut Item| {
            item.left = side(Some("one"), None);
            item.right = side(None, Some("http://example.org/a.png"));
        };
        assert!(error(unsafe_side).contains("`items[3].right.image.url` must begin with https://"));
        assert!(error(|item| item.text = Some("\u{1b}".to_owned())).contains("`items[3].text`"));
        let escape = |item: &mut Item| {
            let alt = Some("\u{1b}".to_owned());
            item.image = Some(Box::new(Image {
                alt,
                ..image("https://example.org/a.png")
            }));
        };
        assert!(error(escape).contains("`items[3].image.alt`"));
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        for wrong in ["", "07", &"0g".repeat(32), &"AA".repeat(32)] {
            assert!(wrong.parse::<Sha256>().is_err());
        }
    }
}
