//! Answers as CSV: a file that a contributor or a buyer got from somebody else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_client::answers::{Expected, parse, whose_rows};
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
                let once = answers.check_once("answers.csv");
                let mut pairs: Vec<_> = answers.rows.iter().map(|row| (row.item, row.contributor)).collect();
                pairs.sort_unstable();
                assert_eq!(once.is_ok(), pairs.windows(2).all(|pair| pair[0] != pair[1]));
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
    for (named, before) in [(None, None), (Some("u"), None), (None, Some("u"))] {
        match whose_rows("answers.csv", data, named, before) {
            Ok(name) => assert!(!name.is_empty()),
            Err(error) => assert!(error.to_string().starts_with("answers.csv"), "{error}"),
        }
    }
});
