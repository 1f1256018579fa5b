//! What became of one answer, in words and tables: for the terminal and for the page of `--report`.

use tacit_client::text::one_line;
use tacit_mpc_core::field::Fp61;

use crate::demo::in_the_clear::{self, Compared};
use crate::demo::shared_answer::{MODULUS_TEXT, SharedAnswer};
use crate::output;

/// How many classes the tables of shares have; with more, lines of a terminal would be too long.
const CLASSES_SHOWN: usize = 3;

/// A part of the explanation: a sentence or two, and a table.
pub(super) struct Part {
    pub title: String,
    pub text: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The parts in the order in which they are read.
pub(super) fn parts(answer: &SharedAnswer, compared: &[Compared]) -> Vec<Part> {
    vec![made(answer), held(answer), lacking(answer), computed(compared)]
}

/// The parts as text.
pub(super) fn text(parts: &[Part]) -> String {
    let part = |part: &Part| {
        let header: Vec<&str> = part.header.iter().map(String::as_str).collect();
        format!(
            "\n{}\n{}\n{}",
            part.title,
            part.text,
            output::table(&header, part.rows.iter().cloned())
        )
    };
    parts.iter().map(part).collect()
}

/// What the contributor's device made of the answer.
fn made(answer: &SharedAnswer) -> Part {
    let rows = answer.shares.iter().map(|share| row(answer, nodes(&share.holders), &share.row));
    let explicit = "All shares but one travel as random seeds, which the nodes expand to these numbers.";
    Part {
        title: "One answer, as the contributor's device shared it".to_owned(),
        text: format!(
            "{} answered `{}` to {}: a row with 1 for this class and 0 for the others. The device split it into {} shares, random numbers that add \
             up to the row modulo {MODULUS_TEXT}. Each share goes to some of the nodes. {explicit}{}",
            one_line(&answer.contributor),
            one_line(&answer.classes[answer.answered]),
            one_line(&answer.item),
            answer.shares.len(),
            omitted(answer)
        ),
        header: header(answer, "share of"),
        rows: rows.chain([row(answer, "sum".to_owned(), &answer.sum_of_all())]).collect(),
    }
}

/// What node-1 holds of it.
fn held(answer: &SharedAnswer) -> Part {
    let rows = answer
        .held
        .iter()
        .map(|(component, elements)| row(answer, nodes(&answer.shares[*component].holders), elements));
    Part {
        title: "What node-1 holds of it".to_owned(),
        text: format!(
            "Read with node-1's key from its sealed envelope of {} bytes, which carries all {} answers of the submission. No other node can open it, \
             nor can the coordinator.",
            answer.envelope_bytes, answer.answers
        ),
        header: header(answer, "share of"),
        rows: rows.chain([row(answer, "sum".to_owned(), &answer.sum_of_held())]).collect(),
    }
}

/// Why node-1 does not know the answer.
fn lacking(answer: &SharedAnswer) -> Part {
    let (shares, would) = match answer.lacking() {
        1 => ("one share".to_owned(), "that share would be the row below"),
        several => (format!("{several} shares"), "those shares would add up to the row below"),
    };
    let rows = answer.shown_classes(CLASSES_SHOWN).into_iter().map(|class| {
        row(
            answer,
            format!("if `{}`", one_line(&answer.classes[class])),
            &answer.lacking_if(class),
        )
    });
    Part {
        title: "Why node-1 does not know the answer".to_owned(),
        text: format!(
            "Node-1 lacks {shares}. For each answer {would}. Each of these rows is as likely as the others, so what node-1 holds fits every answer equally well."
        ),
        header: header(answer, "answer"),
        rows: rows.collect(),
    }
}

fn computed(compared: &[Compared]) -> Part {
    let different = compared.iter().filter(|one| !one.equal).count();
    let outcome = match different {
        0 => "They are equal.".to_owned(),
        _ => format!("{different} DIFFER."),
    };
    Part {
        title: "The verified numbers, and those of the same answers in the clear".to_owned(),
        text: format!(
            "The nodes computed on shares and never put an answer together. This process, which played the contributors, has the answers and computed \
             the numbers again without shares. {outcome}"
        ),
        header: in_the_clear::HEADER.map(str::to_owned).to_vec(),
        rows: compared
            .iter()
            .map(|one| one.cells().iter().map(|cell| one_line(cell)).collect())
            .collect(),
    }
}

fn header(answer: &SharedAnswer, first: &str) -> Vec<String> {
    let classes = answer
        .shown_classes(CLASSES_SHOWN)
        .into_iter()
        .map(|class| one_line(&answer.classes[class]));
    std::iter::once(first.to_owned()).chain(classes).collect()
}

/// The shown classes' elements behind a name.
fn row(answer: &SharedAnswer, name: String, elements: &[Fp61]) -> Vec<String> {
    let shown = answer.shown_classes(CLASSES_SHOWN).into_iter();
    let numbers = shown.filter_map(|class| Some(elements.get(class)?.to_u64().to_string()));
    std::iter::once(name).chain(numbers).collect()
}

/// The nodes of these indices as people count them.
fn nodes(indices: &[usize]) -> String {
    let numbers: Vec<String> = indices.iter().map(|node| (node + 1).to_string()).collect();
    format!("nodes {}", numbers.join(", "))
}

fn omitted(answer: &SharedAnswer) -> String {
    match answer.classes.len() {
        all if all > CLASSES_SHOWN => format!(" Of the {all} classes, {CLASSES_SHOWN} are shown."),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::in_the_clear::compare;
    use crate::demo::in_the_clear::tests::{input, report};
    use crate::demo::shared_answer::tests::shared_among;

    #[test]
    fn the_tables_have_the_numbers_of_the_answer() {
        let answer = shared_among(5, 2).unwrap();
        let parts = parts(&answer, &compare(&input(), &report()));
        let [made, held, lacking, computed] = parts.as_slice() else {
            panic!("four parts")
        };
        assert!(made.text.contains("v answered `b` to i"), "{}", made.text);
        assert!(made.text.contains("Of the 4 classes, 3 are shown"), "{}", made.text);
        assert_eq!(made.header, ["share of", "a", "b", "c"]);
        assert_eq!(made.rows.len(), 11);
        assert_eq!(made.rows[10], ["sum", "0", "1", "0"]);
        assert_eq!(held.rows.len(), 7);
        assert!(
            held.rows[..6].iter().all(|row| made.rows.contains(row) && row[0].contains('1')),
            "{:?}",
            held.rows
        );
        assert!(lacking.text.contains("lacks 4 shares"), "{}", lacking.text);
        assert_eq!(lacking.rows.len(), 3);
        assert_eq!(lacking.rows[1][0], "if `b`");
        assert!(
            computed
                .rows
                .iter()
                .any(|row| row[0] == "answers `a`" && row[1] == "3" && row[3] == "yes")
        );
        // The measures of this report are made up.
        assert!(computed.text.contains("DIFFER"), "{}", computed.text);
        let text = text(&parts);
        assert!(text.contains(&made.rows[0][1]) && text.contains("in the clear"), "{text}");
    }
}
