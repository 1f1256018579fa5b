//! One of several classes without an order, for example the name of a street sign. An answer is a one-hot row: 1 at the
//! answered class, 0 elsewhere.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::field::{Field, Fp61};

use super::{Answer, AnswerType, NoSuchAnswer, QuestionError, Release, Validity};
use crate::name::{NAME_RULE, TEXT_RULE, is_name, is_plain_text};

/// The most classes of a question.
pub const MAX_CLASSES: usize = 1_000;

/// A question whose answer is one of several classes.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categorical {
    /// The names of the classes. Where classes tie for a label, the one listed first wins.
    pub classes: Vec<String>,
    /// The question as contributors see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Categorical {
    /// A question without a text.
    pub fn new<C: Into<String>>(classes: impl IntoIterator<Item = C>) -> Self {
        Self {
            classes: classes.into_iter().map(Into::into).collect(),
            text: None,
        }
    }
}

impl AnswerType for Categorical {
    fn check(&self) -> Result<(), QuestionError> {
        let refused = |problem| {
            Err(QuestionError {
                field: "question.classes",
                problem,
            })
        };
        if self.classes.is_empty() || self.classes.len() > MAX_CLASSES {
            return refused(format!("must list 1 to {MAX_CLASSES} classes"));
        }
        if self.text.as_deref().is_some_and(|text| !is_plain_text(text)) {
            return Err(QuestionError {
                field: "question.text",
                problem: TEXT_RULE.to_owned(),
            });
        }
        let mut seen = HashSet::new();
        for class in &self.classes {
            if !is_name(class) {
                return refused(NAME_RULE.to_owned());
            }
            if !seen.insert(class) {
                return refused(format!("lists `{class}` twice"));
            }
        }
        Ok(())
    }

    fn width(&self) -> usize {
        self.classes.len()
    }

    fn parse(&self, cell: &str) -> Option<Answer> {
        let class = self.classes.iter().position(|class| class == cell)?;
        Some(Answer::Class(class as u32))
    }

    fn encode(&self, answer: &Answer, row: &mut [Fp61]) -> Result<(), NoSuchAnswer> {
        let Answer::Class(class) = answer;
        *row.get_mut(*class as usize).ok_or(NoSuchAnswer)? = Fp61::ONE;
        Ok(())
    }

    fn validity(&self) -> Validity {
        Validity::OneHot
    }

    fn gold_validity(&self) -> Validity {
        Validity::OneHotOrNone
    }

    fn releases(&self) -> &'static [Release] {
        &[
            Release::Labels,
            Release::Agreement,
            Release::ClassTotals,
            Release::Scores,
            Release::Payouts,
        ]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Question;

    fn signs() -> Question {
        Question::Categorical(Categorical::new(["stop", "yield", "other"]))
    }

    #[test]
    fn a_cell_is_the_name_of_a_class_as_written() {
        assert!(signs().parse("yield") == Some(Answer::Class(1)));
        for cell in ["", "Yield", " yield", "1"] {
            assert!(signs().parse(cell).is_none(), "{cell}");
        }
    }

    #[test]
    fn a_row_is_one_hot() {
        let mut row = vec![Fp61::ZERO; signs().width()];
        assert_eq!(signs().encode(&Answer::Class(3), &mut row), Err(NoSuchAnswer));
        assert_eq!(row, [Fp61::ZERO; 3]);
        signs().encode(&Answer::Class(1), &mut row).unwrap();
        assert_eq!(row, [Fp61::ZERO, Fp61::ONE, Fp61::ZERO]);
    }

    #[test]
    fn classes_outside_the_limits_are_refused() {
        let problem = |classes: &[&str]| Categorical::new(classes.iter().copied()).check().unwrap_err().problem;
        assert_eq!(problem(&[]), "must list 1 to 1000 classes");
        assert_eq!(problem(&["a", "b", "a"]), "lists `a` twice");
        assert_eq!(problem(&["a", "\n"]), NAME_RULE);
        assert_eq!(problem(&["a", "b\u{200d}"]), NAME_RULE);
        let shown = |text: &str| Categorical {
            text: Some(text.to_owned()),
            ..Categorical::new(["a"])
        };
        assert_eq!(shown("which\nof these?").check(), Ok(()));
        assert_eq!(shown("\u{1b}[2J").check().unwrap_err().field, "question.text");
        let many = |classes: usize| Categorical::new((0..classes).map(|class| class.to_string())).check();
        assert_eq!(many(1_000), Ok(()));
        assert!(many(1_001).is_err());
    }

    #[test]
    fn the_json_names_the_kind_and_has_no_other_fields() {
        let json = r#"{"kind":"categorical","classes":["stop","yield","other"]}"#;
        assert_eq!(serde_json::to_string(&signs()).unwrap(), json);
        assert_eq!(serde_json::from_str::<Question>(json).unwrap(), signs());
        for (json, says) in [
            (json.replace("categorical", "free"), "unknown variant `free`"),
            (json.replace("}", r#","order":1}"#), "unknown field `order`"),
            (json.replace(r#""kind":"categorical","#, ""), "missing field `kind`"),
        ] {
            let error = serde_json::from_str::<Question>(&json).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
