//! The module's table, value by value, and bytes that are refused. Values of whole messages: `protocol/vectors/encoding.json`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::{CodecProblem, decode, decode_first, encode};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair {
    first: u16,
    second: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(u8),
    Two(u8, u16),
    Named { name: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u32);

/// Asserts that `value` has these bytes, that they decode to it, and that neither a part of them nor more of them does.
fn same<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: T, hexadecimal: &str) {
    let expected = hex::decode(hexadecimal.replace(' ', "")).unwrap();
    assert_eq!(hex::encode(encode(&value)), hex::encode(&expected), "{value:?}");
    assert_eq!(decode::<T>(&expected, "a value").unwrap(), value);
    for len in 0..expected.len() {
        assert_eq!(
            decode::<T>(&expected[..len], "a value").unwrap_err().problem(),
            &CodecProblem::TooShort,
            "{value:?}, {len} bytes"
        );
    }
    let more = [&expected[..], &[0]].concat();
    assert_eq!(
        decode::<T>(&more, "a value").unwrap_err().problem(),
        &CodecProblem::Trailing,
        "{value:?}"
    );
}

#[test]
fn every_shape_has_its_bytes() {
    same(false, "00");
    same(true, "01");
    same(0xabu8, "ab");
    same(0x0102u16, "0201");
    same(0x0102_0304u32, "04030201");
    same(0x0102_0304_0506_0708u64, "0807060504030201");
    same(String::new(), "0000000000000000");
    same("né".to_owned(), "0300000000000000 6ec3a9");
    same(vec![7u8, 8, 9], "0300000000000000 070809");
    same(serde_bytes::ByteBuf::from(vec![7, 8, 9]), "0300000000000000 070809");
    same(Vec::<u64>::new(), "0000000000000000");
    same(vec![1u32, 2], "0200000000000000 01000000 02000000");
    same(vec![vec![1u8], vec![]], "0200000000000000 0100000000000000 01 0000000000000000");
    same(BTreeMap::from([(2u8, 3u16), (5, 6)]), "0200000000000000 02 0300 05 0600");
    same(None::<u32>, "00");
    same(Some(5u32), "01 05000000");
    same(
        (1u8, 2u32, "ab".to_owned(), vec![3u16]),
        "01 02000000 0200000000000000 6162 0100000000000000 0300",
    );
    same(
        Pair {
            first: 1,
            second: Some(true),
        },
        "0100 01 01",
    );
    same(Pair { first: 1, second: None }, "0100 00");
    same(Choice::Nothing, "00000000");
    same(Choice::One(9), "01000000 09");
    same(Choice::Two(9, 8), "02000000 09 0800");
    same(Choice::Named { name: "x".to_owned() }, "03000000 0100000000000000 78");
    same(Box::new(Choice::One(9)), "01000000 09");
    same(Wrapped(7), "07000000");
    same([1u16, 2, 3], "0100 0200 0300");
    same(Digest::from_bytes([0xd1; 32]), &"d1".repeat(32));
    same([0, 2].into_iter().collect::<NodeSet>(), "05");
    same(Fp61::reduce(258), "0201000000000000");
}

#[test]
fn damaged_bytes_are_refused_with_the_reason() {
    fn refused<T: for<'de> Deserialize<'de> + Debug>(hexadecimal: &str) -> CodecProblem {
        let bytes = hex::decode(hexadecimal).unwrap();
        decode::<T>(&bytes, "a value").unwrap_err().problem().clone()
    }
    assert_eq!(refused::<bool>("02"), CodecProblem::Flag(2));
    assert_eq!(refused::<Option<u8>>("0200"), CodecProblem::Flag(2));
    assert_eq!(refused::<String>("0100000000000000ff"), CodecProblem::Text);
    assert!(matches!(refused::<Choice>("04000000"), CodecProblem::Value(_)));
    assert!(matches!(refused::<Choice>("ffffffff"), CodecProblem::Value(_)));
    // The field's modulus is not the canonical form of 0.
    assert!(matches!(refused::<Fp61>("ffffffffffffff1f"), CodecProblem::Value(_)));
}

#[test]
fn lengths_of_others_are_not_believed() {
    for length in [4, 1 << 20, 1 << 32, 1 << 40, u64::MAX / 2, u64::MAX] {
        let bytes = [&length.to_le_bytes()[..], &[0; 3]].concat();
        let short =
            |problem: Result<(), super::CodecError>| assert_eq!(problem.unwrap_err().problem(), &CodecProblem::TooShort, "{length}");
        short(decode::<Vec<u8>>(&bytes, "numbers").map(drop));
        short(decode::<Vec<u64>>(&bytes, "numbers").map(drop));
        short(decode::<Vec<Vec<u8>>>(&bytes, "lists").map(drop));
        short(decode::<String>(&bytes, "a text").map(drop));
        short(decode::<serde_bytes::ByteBuf>(&bytes, "bytes").map(drop));
        short(decode::<BTreeMap<u64, u64>>(&bytes, "a map").map(drop));
    }
}

#[test]
fn errors_say_what_was_expected_and_what_to_do() {
    let error = decode::<u64>(&[1, 2], "a number").unwrap_err().to_string();
    assert_eq!(
        error,
        "2 bytes are not a number: they end too early. They were cut on the way, or damaged: send or fetch them again"
    );
}

#[test]
fn the_first_value_is_read_as_soon_as_all_of_it_is_there() {
    let value = ("text".to_owned(), vec![1u32, 2, 3], Some(7u8));
    let bytes = encode(&value);
    let followed = [bytes.as_slice(), &[9; 40]].concat();
    for length in 0..followed.len() {
        let first = decode_first::<(String, Vec<u32>, Option<u8>)>(&followed[..length], "a value");
        if length < bytes.len() {
            assert_eq!(*first.unwrap_err().problem(), CodecProblem::TooShort, "{length}");
        } else {
            assert_eq!(first.unwrap(), (value.clone(), bytes.len()));
        }
    }
    let mut damaged = followed;
    damaged[8] = 0xff;
    let error = decode_first::<(String, Vec<u32>, Option<u8>)>(&damaged, "a value").unwrap_err();
    assert_eq!(*error.problem(), CodecProblem::Text);
}
