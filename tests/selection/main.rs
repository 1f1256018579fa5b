//! Attacks of selection: not on the computation, but on what is computed. A buyer or a coordinator chooses terms, or a crowd, whose outputs
//! say what one person answered; or a coordinator has answers erased that it does not like, or passes the result of another job on.
//!
//! Every attack must fail at a check, and must succeed if that check is switched off. Checks can be switched off only in debug builds with
//! the feature `testing`, which no program has.
//!
//! `cargo test -p tacit-tests --test selection`. That nodes, coordinator and clients refuse such terms, each by itself, is tested on real
//! processes in `tests/tests/bad_terms.rs` and `client/tests/commands/answers.rs`.

mod consent;
mod crowd;
mod endings;
mod floors;
mod issuers;
mod sealing;
mod terms;
mod verifiers;
