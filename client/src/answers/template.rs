//! A file of answers to fill in.

use tacit_protocol::job::Item;
use tacit_scoring::report::csv_cell;

use crate::item_columns::ItemColumns;

/// A table of these items with an empty column `answer`, and what they show beside it. What a spreadsheet would take for a formula has an apostrophe before it, with
/// which [`parse`](super::parse) reads it.
pub fn template(contributor: &str, items: &[&Item]) -> String {
    let columns = ItemColumns::for_people(items.iter().copied());
    let mut text = String::from("item,contributor,answer");
    columns.names().for_each(|name| text += &format!(",{name}"));
    text.push('\n');
    let contributor = csv_cell(contributor);
    for item in items {
        text += &format!("{},{contributor},", csv_cell(&item.id));
        columns.cells(item).for_each(|cell| text += &format!(",{}", csv_cell(&cell)));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use tacit_protocol::question::{Answer, Categorical, Question};

    use super::*;
    use crate::answers::{Expected, parse, whose_rows};

    #[test]
    fn what_is_filled_in_is_read_back_whatever_the_names_are() {
        let ids = ["plain", "=1+1", "'quoted", "-5", "a,\"b\""];
        let items: Vec<Item> = ids
            .iter()
            .map(|id| Item {
                text: Some("@text, with\n\"all\"".to_owned()),
                ..Item::new(*id)
            })
            .collect();
        let text = template("+me", &items.iter().collect::<Vec<_>>());
        assert!(text.contains("\n'=1+1,'+me,,\"'@text"), "{text}");
        let question = Question::from(Categorical::new(["yes", "no"]));
        // Whoever fills it in writes into the third column.
        let filled = text.replace(",'+me,,", ",'+me,yes,").replacen(",'+me,yes,", ",'+me,,", 1);
        let ids = ids.map(str::to_owned);
        for named in [Some("+me"), None] {
            assert_eq!(whose_rows("t.csv", filled.as_bytes(), named, None).unwrap(), "+me");
        }
        let expected = Expected {
            question: Some(&question),
            items: Some(&ids),
            contributor: Some("+me"),
        };
        let answers = parse("t.csv", filled.as_bytes(), expected).unwrap();
        assert_eq!(answers.unanswered, 1);
        let read: Vec<(u32, Answer)> = answers.rows.into_iter().map(|row| (row.item, row.answer)).collect();
        let due: Vec<(u32, Answer)> = (1..5).map(|item| (item, Answer::Class(0))).collect();
        assert_eq!(read, due);
        assert_eq!(template("u", &[&Item::new("i")]), "item,contributor,answer\ni,u,\n");
    }
}
