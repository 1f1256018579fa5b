//! Files of answers, good ones and ones that are refused.

use super::*;
use tacit_protocol::name::NAME_RULE;

fn read(text: &str) -> Result<Answers, AnswersError> {
    parse("a.csv", text.as_bytes(), Expected::default())
}

fn message(text: &str, expected: Expected<'_>) -> String {
    parse("a.csv", text.as_bytes(), expected).unwrap_err().to_string()
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn asks(classes: &[&str]) -> Question {
    Question::Categorical(Categorical::new(classes.iter().copied()))
}

#[test]
fn both_headers_in_any_order_with_other_columns() {
    let ours = read("contributor,note,item,answer\r\nu,x,i1,b\r\nv,,i2,a\r\nu,,i2,\r\n").unwrap();
    assert_eq!(ours.items, ["i1", "i2"]);
    assert_eq!(ours.contributors, ["u", "v"]);
    assert_eq!(ours.question.classes(), ["a", "b"], "sorted");
    assert_eq!(
        ours.rows,
        [
            Row {
                item: 0,
                contributor: 0,
                answer: Answer::Class(1),
                line: 2
            },
            Row {
                item: 1,
                contributor: 1,
                answer: Answer::Class(0),
                line: 3
            }
        ]
    );
    assert_eq!(ours.unanswered, 1);
    assert_eq!(read("task,worker,label\ni1,u,b\ni2,v,a\n").unwrap().rows, ours.rows);
    assert_eq!(
        read("item,contributor,label\ni1,u,b\n").unwrap_err().to_string(),
        "a.csv, line 1: no column `answer`; the header has `item`, `contributor`, `label`"
    );
}

#[test]
fn answers_are_class_names_as_written() {
    assert_eq!(
        read("item,contributor,answer\ni,u,A\ni,v,a\n").unwrap().question.classes(),
        ["A", "a"]
    );
    let error = read("item,contributor,answer\ni,u,a\ni,v,a \n").unwrap_err().to_string();
    assert!(error.starts_with("a.csv, line 3") && error.contains("`answer`"), "{error}");
}

#[test]
fn every_error_names_file_line_and_field() {
    let any = Expected::default();
    assert_eq!(
        message("", any),
        "a.csv: the file is empty: it needs a header line (item,contributor,answer) and rows"
    );
    assert_eq!(
        message("item,who,answer\n1,2,3\n", any),
        "a.csv, line 1: no column `contributor`; the header has `item`, `who`, `answer`"
    );
    assert_eq!(
        message("item,contributor,answer\ni,u,a\n,u,a\n", any),
        "a.csv, line 3: field `item` is empty"
    );
    assert_eq!(
        message("item,contributor,answer\ni,,a\n", any),
        "a.csv, line 2: field `contributor` is empty"
    );
    let long = format!("item,contributor,answer\n{},u,a\n", "x".repeat(257));
    assert_eq!(
        message(&long, any),
        "a.csv, line 2: field `item` must be 1 to 256 bytes without control characters"
    );
    assert_eq!(
        message("item,contributor,answer\ni,u\u{7},a\n", any),
        format!("a.csv, line 2: field `contributor` {NAME_RULE}")
    );
    assert_eq!(
        message("item,contributor,answer\ni,u,a\u{1}\n", any),
        format!("a.csv, line 2: field `answer` {NAME_RULE}")
    );
    assert_eq!(
        message("item,contributor,answer\ni,u,\n", any),
        "a.csv: no answers: the field `answer` is empty in every row"
    );

    let question = asks(&["cat", "dog"]);
    assert_eq!(
        message(
            "item,contributor,answer\ni,u,cat\ni,v,cow\n",
            Expected {
                question: Some(&question),
                ..any
            }
        ),
        "a.csv, line 3: field `answer`: `cow` is not a class; the classes are `cat`, `dog`"
    );
    let items = list(&["i"]);
    assert_eq!(
        message(
            "item,contributor,answer\nj,u,cat\n",
            Expected {
                items: Some(&items),
                ..any
            }
        ),
        "a.csv, line 2: field `item`: the job has no item `j`"
    );
}

#[test]
fn one_contributor_alone() {
    let (items, question) = (list(&["i", "j"]), asks(&["b", "a"]));
    let expected = Expected {
        items: Some(&items),
        question: Some(&question),
        contributor: Some("u"),
    };
    let alone = parse("a.csv", b"item,answer\nj,a\n", expected).unwrap();
    assert_eq!(
        alone.rows,
        [Row {
            item: 1,
            contributor: 0,
            answer: Answer::Class(1),
            line: 2
        }]
    );
    let of_many = parse(
        "a.csv",
        b"item,contributor,answer\ni,v,b\nj,u,a\nno such item,v,no such class\n",
        expected,
    )
    .unwrap();
    assert_eq!(of_many.rows.len(), 1);
    assert_eq!((of_many.rows[0].item, of_many.rows[0].line), (1, 3));
    assert_eq!(
        message("item,contributor,answer\ni,v,b\n", expected),
        "a.csv: no row is of contributor `u` (did you mean `v`?); nothing was sent. The file has rows of `v`: name one with \
         --contributor NAME"
    );
    assert_eq!(
        message("item,contributor,answer\ni,v,b\ni,u,\n", expected),
        "a.csv: no answers: the field `answer` is empty in every row of `u`"
    );
}

#[test]
fn whoever_is_not_named_is_the_only_contributor_of_a_file() {
    let only = |text: &str| whose_rows("a.csv", text.as_bytes(), None, None).map_err(|e| e.to_string());
    assert_eq!(only("item,contributor,answer\ni,u,a\nj,u,\n"), Ok("u".to_owned()));
    assert_eq!(only("task,worker,label\ni,u,a\n"), Ok("u".to_owned()));
    assert_eq!(
        only("item,contributor,answer\ni,u,a\ni,v,a\n").unwrap_err(),
        "a.csv: has answers of several contributors (`u`, `v`): say whose to send with --contributor NAME"
    );
    assert_eq!(
        only("item,answer\ni,a\n").unwrap_err(),
        "a.csv, line 1: no column `contributor` says whose answers these are: add it, or give --contributor NAME"
    );
    assert_eq!(
        only("item,contributor,answer\ni,u,a\ni,,a\n").unwrap_err(),
        "a.csv, line 3: field `contributor` is empty"
    );
}

#[test]
fn a_mistyped_name_is_told_with_those_in_the_file() {
    const FILE: &str = "item,contributor,answer\ni,alice,a\nj,bob,a\n";
    let whose = |text: &str, named, before| whose_rows("a.csv", text.as_bytes(), named, before).map_err(|e| e.to_string());
    assert_eq!(whose(FILE, Some("bob"), None), Ok("bob".to_owned()));
    assert_eq!(whose(FILE, None, Some("alice")), Ok("alice".to_owned()));
    for (named, similar) in [
        ("alcie", " (did you mean `alice`?)"),
        ("Bob", " (did you mean `bob`?)"),
        ("carol", ""),
    ] {
        assert_eq!(
            whose(FILE, Some(named), Some("alice")).unwrap_err(),
            format!(
                "a.csv: no row is of contributor `{named}`{similar}; nothing was sent. The file has rows of `alice`, `bob`: name one with \
                 --contributor NAME"
            )
        );
    }
    // A name that the file does not have any more holds nobody back.
    assert_eq!(
        whose("item,contributor,answer\ni,alice,a\n", None, Some("alcie")),
        Ok("alice".to_owned())
    );
    assert!(whose(FILE, None, Some("alcie")).unwrap_err().contains("several contributors"));
    // Where the file names nobody, whoever was named before is meant.
    assert_eq!(whose("item,answer\ni,a\n", None, Some("alcie")), Ok("alcie".to_owned()));
    assert_eq!(whose("item,answer\ni,a\n", Some("alice"), Some("alcie")), Ok("alice".to_owned()));
}

#[test]
fn an_item_that_is_answered_twice_is_named_with_both_lines() {
    let once = |text: &str| read(text).unwrap().check_once("a.csv").map_err(|e| e.to_string());
    assert_eq!(once("item,contributor,answer\ni,u,a\ni,v,a\nj,u,b\n"), Ok(()));
    assert_eq!(
        once("item,contributor,answer\ni,u,a\nj,u,b\ni,u,b\n").unwrap_err(),
        "a.csv, lines 2 and 4: item `i` is answered twice, with different answers; nothing was sent. An item has one answer: remove the \
         others"
    );
    assert_eq!(
        once("item,contributor,answer\ni,u,a\ni,u,a\nj,u,b\nj,u,c\nj,u,b\n").unwrap_err(),
        "a.csv, lines 2 and 3: item `i` is answered twice, with the same answer, and 2 more rows repeat items; nothing was sent. An item \
         has one answer: remove the others"
    );
    // A row without an answer answers nothing.
    assert_eq!(once("item,contributor,answer\ni,u,\ni,u,a\n"), Ok(()));
}
