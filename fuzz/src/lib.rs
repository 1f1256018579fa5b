//! What the targets share: a small cluster with its keys, a job, submissions, and recorded runs of all nodes. Everything is drawn
//! from fixed seeds, so an input means the same in every run.

pub mod fixture;
pub mod forged;
pub mod transcript;

use std::fmt::Debug;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tacit_mpc_core::field::Fp61;
use tacit_protocol::codec::{decode, encode};

/// Decodes a value. Panics if these bytes are not its only encoding.
pub fn canonical<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = decode(bytes, "a value").ok()?;
    assert!(encode(&value) == bytes, "two encodings of one value: {value:?}");
    Some(value)
}

/// Reads JSON. Panics if the value is another one after it is written and read again.
pub fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_vec(&value).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<T>(&text).expect("what was written can be read"), value);
    Some(value)
}

/// Field elements with these values.
pub fn elements(values: &[u64]) -> Vec<Fp61> {
    values.iter().map(|value| Fp61::reduce(*value)).collect()
}

/// The result of a future that never waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a future on bytes in memory waits"),
    }
}

/// The fuzzer's bytes, which a target takes one after the other; zeros when they have run out.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.slice(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// At most the next `len` bytes.
    pub fn slice(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
