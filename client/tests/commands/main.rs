//! The `tacit` command against a coordinator that only keeps what it is sent.
#![expect(clippy::unwrap_used, clippy::result_large_err, reason = "a test")]

mod answers;
mod consents;
mod coordinator;
mod exit_codes;
mod items;
mod jobs;
mod json;
mod programs;
mod receipts;
mod sittings;
mod withdrawals;
mod workplace;
