//! The protocol and the client's library for browsers: what the page in `web/` calls.
//!
//! Every function here is a thin wrapper: sharing, sealing, signing and checking are those of `tacit-protocol` and `tacit-client`, the same that
//! the `tacit` command runs. Bytes come in and go out as `Uint8Array`, small things as texts and numbers, what is to be shown as plain objects.
//! Secret keys are handles: they stay in the module's memory, and are overwritten when they are freed.
//!
//! There is no clock here and no network: the page hands in the time and the bytes of responses.

mod answers;
mod cluster;
mod consent;
#[cfg(feature = "buyer")]
mod consent_proof;
mod error;
#[cfg(feature = "buyer")]
mod gold;
mod header;
mod invitations;
mod jobs;
mod keys;
#[cfg(feature = "buyer")]
mod outcome;
#[cfg(feature = "buyer")]
mod receipts;
mod requests;
#[cfg(feature = "buyer")]
mod results;
mod sent;
#[cfg(feature = "buyer")]
mod signing;
#[cfg(feature = "buyer")]
mod specs;
mod types;
mod values;
