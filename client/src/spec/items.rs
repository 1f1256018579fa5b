//! The items of a spec: a list in the spec itself, or a CSV file with one item in each row.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tacit_protocol::job::{Image, Item, Sha256, Side};
use thiserror::Error;

use crate::table::{FileLine, Table, TableError};

/// What a file of items has, for messages.
const COLUMNS: &str = "id, and what contributors see: text (or url), or image with image_sha256, or left and right";

/// Why items cannot be read. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ItemsError {
    /// The file is no table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An image has no digest.
    #[error("{at}: column `{image}` has an image, but column `{image}_sha256` has no digest: write what `sha256sum` prints for the file")]
    NoDigest {
        /// The row.
        at: FileLine,
        /// The column of the image's address.
        image: String,
    },
    /// A digest cannot be read.
    #[error("{at}: column `{image}_sha256`: `{found}` is no SHA-256: write the 64 hexadecimal digits that `sha256sum` prints for the file")]
    Digest {
        /// The row.
        at: FileLine,
        /// The column of the image's address.
        image: String,
        /// The text of the cell.
        found: String,
    },
    /// A digest or a description of an image that is not there.
    #[error("{at}: column `{column}` is about an image, but column `{image}` is empty")]
    NoImage {
        /// The row.
        at: FileLine,
        /// The column with a text.
        column: String,
        /// The column of the image's address.
        image: String,
    },
}

/// The field `items` of a spec.
pub(super) enum Items {
    File(PathBuf),
    Inline(Vec<Item>),
}

/// The columns of one image.
struct ImageColumns {
    name: &'static str,
    url: Option<usize>,
    sha256: Option<usize>,
    alt: Option<usize>,
}

impl ImageColumns {
    fn of(table: &Table<'_>, [name, sha256, alt]: [&'static str; 3]) -> Result<Self, TableError> {
        Ok(Self {
            name,
            url: table.column(name, &[])?,
            sha256: table.column(sha256, &[])?,
            alt: table.column(alt, &[])?,
        })
    }

    fn read(&self, at: impl Fn() -> FileLine, cell: &impl Fn(Option<usize>) -> Option<String>) -> Result<Option<Image>, ItemsError> {
        let (sha256, alt) = (cell(self.sha256), cell(self.alt));
        let image = || self.name.to_owned();
        let Some(url) = cell(self.url) else {
            let column = match (sha256, alt) {
                (Some(_), _) => "sha256",
                (None, Some(_)) => "alt",
                (None, None) => return Ok(None),
            };
            return Err(ItemsError::NoImage {
                at: at(),
                column: format!("{}_{column}", self.name),
                image: image(),
            });
        };
        let Some(found) = sha256 else {
            return Err(ItemsError::NoDigest { at: at(), image: image() });
        };
        match found.to_ascii_lowercase().parse::<Sha256>() {
            Ok(sha256) => Ok(Some(Image { url, sha256, alt })),
            Err(_) => Err(ItemsError::Digest {
                at: at(),
                image: image(),
                found,
            }),
        }
    }
}

/// Reads items from the bytes of a CSV file; `file` is its name in messages. A job says later whether it can have them.
///
/// # Errors
/// The first row that is no item, and why.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Item>, ItemsError> {
    let table = Table::new(file, bytes, COLUMNS)?;
    let id = table.required("id", &[])?;
    let text = table.column("text", &["url"])?;
    let image = ImageColumns::of(&table, ["image", "image_sha256", "image_alt"])?;
    let sides = [
        ("left", ["left_image", "left_image_sha256", "left_image_alt"]),
        ("right", ["right_image", "right_image_sha256", "right_image_alt"]),
    ];
    let [left, right] = sides.map(|(text, image)| Ok::<_, TableError>((table.column(text, &[])?, ImageColumns::of(&table, image)?)));
    let (left, right) = (left?, right?);
    let mut items = Vec::new();
    table.rows::<ItemsError>(|line, record| {
        let at = || FileLine::new(file, line);
        let cell = |column: Option<usize>| {
            column
                .and_then(|column| record.get(column))
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
        };
        let side = |(text, image): &(Option<usize>, ImageColumns)| {
            let side = Side {
                text: cell(*text),
                image: image.read(at, &cell)?,
            };
            Ok::<_, ItemsError>((side != Side::default()).then(|| Box::new(side)))
        };
        items.push(Item {
            id: cell(Some(id)).unwrap_or_default(),
            text: cell(text),
            image: image.read(at, &cell)?.map(Box::new),
            left: side(&left)?,
            right: side(&right)?,
        });
        Ok(())
    })?;
    Ok(items)
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a CSV file, or a list of items")
            }

            fn visit_str<E>(self, file: &str) -> Result<Items, E> {
                Ok(Items::File(file.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Items, A::Error> {
                let items = Vec::<OneItem>::deserialize(SeqAccessDeserializer::new(list))?;
                Ok(Items::Inline(items.into_iter().map(|OneItem(item)| item).collect()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// An item as its id alone, or with what it shows.
struct OneItem(Item);

impl<'de> Deserialize<'de> for OneItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OneItem;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item's id, or its id and what it shows")
            }

            fn visit_str<E>(self, id: &str) -> Result<OneItem, E> {
                Ok(OneItem(Item::new(id)))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<OneItem, A::Error> {
                Item::deserialize(MapAccessDeserializer::new(fields)).map(OneItem)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn image(url: &str, alt: Option<&str>) -> Image {
        Image {
            url: url.to_owned(),
            sha256: DIGEST.parse().unwrap(),
            alt: alt.map(str::to_owned),
        }
    }

    fn error(text: &str) -> String {
        read("items.csv", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_row_is_a_text_an_image_or_a_pair() {
        let upper = DIGEST.to_uppercase();
        let file = format!(
            "id,text,image,image_sha256,image_alt,left,right,right_image,right_image_sha256\n\
             1,a,,,,,,,\n\
             2,,https://h/2.png,{upper},a sign,,,,\n\
             3,both?,,,,one,two,https://h/3.png,{DIGEST}\n\
             4,,,,,,,,\n"
        );
        let items = read("items.csv", file.as_bytes()).unwrap();
        let side = |text: &str, image: Option<Image>| {
            Some(Box::new(Side {
                text: Some(text.to_owned()),
                image,
            }))
        };
        let wanted = [
            Item {
                text: Some("a".to_owned()),
                ..Item::new("1")
            },
            Item {
                image: Some(Box::new(image("https://h/2.png", Some("a sign")))),
                ..Item::new("2")
            },
            Item {
                text: Some("both?".to_owned()),
                left: side("one", None),
                right: side("two", Some(image("https://h/3.png", None))),
                ..Item::new("3")
            },
            Item::new("4"),
        ];
        assert_eq!(items, wanted);
    }

    #[test]
    fn an_image_without_its_digest_is_named_by_line_and_column() {
        assert_eq!(
            error("id,image\n1,\n2,https://h/2.png\n"),
            "items.csv, line 3: column `image` has an image, but column `image_sha256` has no digest: write what `sha256sum` prints for the file"
        );
        assert!(
            error("id,left_image,left_image_sha256\n1,https://h/2.png,abc\n")
                .starts_with("items.csv, line 2: column `left_image_sha256`: `abc` is no SHA-256")
        );
        assert_eq!(
            error("id,image,image_alt\n1,,a sign\n"),
            "items.csv, line 2: column `image_alt` is about an image, but column `image` is empty"
        );
        assert!(error("id,image_sha256\n1,abc\n").contains("column `image_sha256` is about an image"));
    }
}
