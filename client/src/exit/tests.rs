use std::path::PathBuf;

use anyhow::Context;
use tacit_protocol::api::{Problem, ProblemKind};
use tacit_protocol::receipt::RootError;

use super::*;

fn refused(kind: ProblemKind) -> ApiError {
    ApiError::Refused {
        url: "http://127.0.0.1".to_owned(),
        request: "GET /v1/jobs/j".to_owned(),
        problem: Box::new(Problem::new(kind, String::new())),
    }
}

fn busy() -> ApiError {
    refused(ProblemKind::Busy)
}

#[test]
fn every_cause_has_a_code_and_a_name_of_its_own_and_is_explained() {
    let codes: Vec<u8> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    let help = help();
    for cause in Cause::ALL {
        assert_eq!(Cause::ALL.iter().filter(|other| other.name() == cause.name()).count(), 1);
        assert!(help.contains(&format!("{:>3}  {}\n", cause.code(), cause.meaning())), "{help}");
    }
}

#[test]
fn the_documentation_has_every_code() {
    let page = include_str!("../../../docs/command-line.md");
    for cause in Cause::ALL {
        let row = format!("| {} | `{}` | {} |", cause.code(), cause.name(), cause.meaning());
        assert!(page.contains(&row), "docs/command-line.md lacks this row:\n{row}");
    }
}

#[test]
fn what_the_coordinator_answers_has_a_cause_wherever_it_is_wrapped() {
    for (kind, cause) in [
        (ProblemKind::UnknownJob, Cause::NotFound),
        (ProblemKind::Unauthorized, Cause::Unauthorized),
        (ProblemKind::NotYourJob, Cause::Unauthorized),
        (ProblemKind::JobConflict, Cause::Conflict),
        (ProblemKind::JobEnded, Cause::Conflict),
        (ProblemKind::Busy, Cause::Unavailable),
        (ProblemKind::NotPublished, Cause::NotPublished),
        (ProblemKind::InvalidJob, Cause::Failed),
    ] {
        assert_eq!(Cause::of(&refused(kind).into()), cause, "{kind:?}");
        let wrapped = anyhow::Error::from(SendError::Api(refused(kind))).context("submission 1");
        assert_eq!(Cause::of(&wrapped), cause, "{kind:?}");
    }
    let wrapped: [anyhow::Error; 8] = [
        AuthenticityError::Api(busy()).into(),
        FetchError::Api(busy()).into(),
        SealingKeysError::Api(busy()).into(),
        WithdrawError::Api(busy()).into(),
        ResendError::Api(busy()).into(),
        GoldError::Resending(ResendError::Send(SendError::Api(busy()))).into(),
        GoldError::SealingKeys(SealingKeysError::Api(busy())).into(),
        GoldError::Sending(SendError::Api(busy())).into(),
    ];
    for error in wrapped {
        assert_eq!(Cause::of(&error), Cause::Unavailable, "{error:?}");
    }
}

#[test]
fn each_way_in_which_a_receipt_fails_has_its_code() {
    let errors = [
        ReceiptError::Root(RootError::Signature(String::new())),
        ReceiptError::Leaf,
        ReceiptError::LeftOut {
            submission: String::new(),
            receipt: String::new(),
        },
        ReceiptError::Sum(String::new()),
        ReceiptError::Pay { certified: 1, due: 2 },
        ReceiptError::Withdrawn {
            submission: String::new(),
            nodes: Vec::new(),
        },
        ReceiptError::Refusers {
            submission: String::new(),
            said: Vec::new(),
            certified: Vec::new(),
        },
    ];
    let codes = errors.map(|error| Cause::of(&error.into()).code());
    assert_eq!(codes, [10, 11, 12, 13, 14, 15, 11]);
}

#[test]
fn what_is_not_as_it_was_signed_is_told_from_a_file_that_is_not_there() {
    let path = PathBuf::from("result.json");
    let differs = VerifyError::Differs {
        path: path.clone(),
        line: 3,
    };
    let missing = VerifyError::Missing {
        path: path.clone(),
        beside: path.clone(),
    };
    let taken = KnownJobError::IdTaken {
        path,
        job: "j".parse().unwrap(),
    };
    assert_eq!(Cause::of(&differs.into()), Cause::NotVerified);
    assert_eq!(Cause::of(&missing.into()), Cause::Failed);
    assert_eq!(Cause::of(&taken.into()), Cause::Conflict);
    let refused = Cause::JobFailed.error("job j has failed");
    assert_eq!(refused.to_string(), "job j has failed");
    assert_eq!(Cause::of(&refused.context("while watching")), Cause::JobFailed);
    let other: anyhow::Result<()> = Err(anyhow::anyhow!("something else"));
    assert_eq!(Cause::of(&other.context("in between").unwrap_err()), Cause::Failed);
}
