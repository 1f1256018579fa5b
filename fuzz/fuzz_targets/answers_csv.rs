//! Answers as CSV: a file that a contributor or a buyer was handed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_client::answers::{Expected, only_contributor, parse};
use tacit_protocol::question::{Answer, Categorical, Question};

fuzz_target!(|data: &[u8]| {
    let items = ["i".to_owned(), "j".to_owned()];
    let question = Question::from(Categorical::new(["a", "b"]));
    let of_job = Expected {
        items: Some(&items),
        question: Some(&question),
        contributor: Some("u"),
    };
    for expected in [Expected::default(), of_job] {
        match parse("answers.csv", data, expected) {
            Ok(answers) => {
                assert!(!answers.rows.is_empty());
                for row in &answers.rows {
                    assert!((row.item as usize) < answers.items.len());
                    let Answer::Class(class) = row.answer;
                    assert!((class as usize) < answers.question.classes().len());
                    assert!((row.contributor as usize) < answers.contributors.len());
                }
            }
            Err(error) => assert!(error.to_string().starts_with("answers.csv"), "{error}"),
        }
    }
    if let Ok(name) = only_contributor("answers.csv", data) {
        assert!(!name.is_empty());
    }
});
