//! What items show, as columns of a table and in words. The columns are those of a buyer's file of items.

use tacit_protocol::job::{Image, Item, Side};

use crate::text::one_line;

/// A column, and the cell that an item has in it, if it shows something there.
struct Column {
    name: &'static str,
    cell: fn(&Item) -> Option<String>,
    /// Whether it is for programs only: nobody compares digests by eye.
    is_digest: bool,
}

const fn column(name: &'static str, cell: fn(&Item) -> Option<String>) -> Column {
    let is_digest = false;
    Column { name, cell, is_digest }
}

const fn digest(name: &'static str, cell: fn(&Item) -> Option<String>) -> Column {
    let is_digest = true;
    Column { name, cell, is_digest }
}

/// All columns, in the order in which buyers are told to write them.
const COLUMNS: [Column; 12] = [
    column("text", |item| item.text.clone()),
    column("image", |item| url(item.image.as_deref())),
    digest("image_sha256", |item| sha256(item.image.as_deref())),
    column("image_alt", |item| alt(item.image.as_deref())),
    column("left", |item| words(item.left.as_deref())),
    column("left_image", |item| url(image(item.left.as_deref()))),
    digest("left_image_sha256", |item| sha256(image(item.left.as_deref()))),
    column("left_image_alt", |item| alt(image(item.left.as_deref()))),
    column("right", |item| words(item.right.as_deref())),
    column("right_image", |item| url(image(item.right.as_deref()))),
    digest("right_image_sha256", |item| sha256(image(item.right.as_deref()))),
    column("right_image_alt", |item| alt(image(item.right.as_deref()))),
];

fn words(side: Option<&Side>) -> Option<String> {
    side?.text.clone()
}

fn image(side: Option<&Side>) -> Option<&Image> {
    side?.image.as_ref()
}

fn url(image: Option<&Image>) -> Option<String> {
    Some(image?.url.clone())
}

fn sha256(image: Option<&Image>) -> Option<String> {
    Some(image?.sha256.to_string())
}

fn alt(image: Option<&Image>) -> Option<String> {
    image?.alt.clone()
}

/// The columns in which some item shows something.
pub struct ItemColumns(Vec<&'static Column>);

impl ItemColumns {
    /// Those of a file of items: a buyer could give it back.
    pub fn all<'a>(items: impl Iterator<Item = &'a Item> + Clone) -> Self {
        let is_used = |column: &&Column| items.clone().any(|item| (column.cell)(item).is_some());
        Self(COLUMNS.iter().filter(is_used).collect())
    }

    /// The same without digests, for people who answer.
    pub fn for_people<'a>(items: impl Iterator<Item = &'a Item> + Clone) -> Self {
        let Self(mut columns) = Self::all(items);
        columns.retain(|column| !column.is_digest);
        Self(columns)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|column| column.name)
    }

    /// The cells of an item.
    pub fn cells(&self, item: &Item) -> impl Iterator<Item = String> {
        self.0.iter().map(|column| (column.cell)(item).unwrap_or_default())
    }
}

/// What an item shows, in lines: its id with its text, then each image and each side.
pub fn lines(item: &Item) -> Vec<String> {
    let id = one_line(&item.id);
    let first = item.text.as_deref().map(|text| format!("{id}: {}", one_line(text)));
    let mut lines = vec![first.unwrap_or(id)];
    let shown = |image: &Image| match &image.alt {
        Some(alt) => format!("{} ({})", one_line(&image.url), one_line(alt)),
        None => one_line(&image.url),
    };
    lines.extend(item.image.as_deref().map(|image| format!("  image: {}", shown(image))));
    for (name, side) in [("left", &item.left), ("right", &item.right)] {
        let Some(side) = side else { continue };
        lines.extend(side.text.as_deref().map(|text| format!("  {name}: {}", one_line(text))));
        lines.extend(side.image.as_ref().map(|image| format!("  {name} image: {}", shown(image))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_of(url: &str, alt: Option<&str>) -> Image {
        Image {
            url: url.to_owned(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".parse().unwrap(),
            alt: alt.map(str::to_owned),
        }
    }

    fn side(text: Option<&str>, image: Option<Image>) -> Option<Box<Side>> {
        let text = text.map(str::to_owned);
        Some(Box::new(Side { text, image }))
    }

    fn items() -> Vec<Item> {
        vec![
            Item {
                text: Some("which\none?".to_owned()),
                left: side(Some("this"), None),
                right: side(None, Some(image_of("https://h/2.png", Some("that")))),
                ..Item::new("pair")
            },
            Item {
                image: Some(Box::new(image_of("https://h/1.png", None))),
                ..Item::new("image")
            },
            Item::new("bare"),
        ]
    }

    #[test]
    fn everything_that_an_item_shows_has_a_column_and_a_line() {
        let items = items();
        let columns = ItemColumns::all(items.iter());
        let names: Vec<&str> = columns.names().collect();
        assert_eq!(
            names,
            [
                "text",
                "image",
                "image_sha256",
                "left",
                "right_image",
                "right_image_sha256",
                "right_image_alt"
            ]
        );
        assert_eq!(columns.cells(&items[2]).collect::<String>(), "");
        let people = ItemColumns::for_people(items.iter());
        let cells: Vec<String> = people.cells(&items[0]).collect();
        assert_eq!(cells, ["which\none?", "", "this", "https://h/2.png", "that"]);
        let shown: Vec<String> = items.iter().flat_map(lines).collect();
        assert_eq!(
            shown,
            [
                format!("pair: {}", one_line("which\none?")).as_str(),
                "  left: this",
                "  right image: https://h/2.png (that)",
                "image",
                "  image: https://h/1.png",
                "bare"
            ]
        );
    }
}
