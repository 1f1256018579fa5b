//! One node's components of an output, and how they travel: in JSON as numbers, in binary packed.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteBuf;

use super::OutputName;
use crate::field::{Field, Fp61};

/// One node's components of one output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputComponents {
    /// Which output.
    pub name: OutputName,
    /// Its elements, by component.
    #[serde(serialize_with = "by_component", deserialize_with = "ascending")]
    pub components: BTreeMap<u8, Vec<Fp61>>,
}

fn by_component<S: Serializer>(components: &BTreeMap<u8, Vec<Fp61>>, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return components.serialize(serializer);
    }
    let packed = components
        .iter()
        .map(|(component, values)| (component, ByteBuf::from(packed(values))));
    serializer.collect_map(packed)
}

/// Reads components in the one order they are written in: in any other, or with one of them twice, the
/// same value would have several encodings.
fn ascending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<u8, Vec<Fp61>>, D::Error> {
    struct Ascending {
        packed: bool,
    }
    impl<'de> Visitor<'de> for Ascending {
        type Value = BTreeMap<u8, Vec<Fp61>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("components in ascending order")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut components = BTreeMap::new();
            while let Some(component) = map.next_key::<u8>()? {
                if components.last_key_value().is_some_and(|(last, _)| *last >= component) {
                    return Err(A::Error::custom("components are out of order"));
                }
                let values = if self.packed {
                    let bytes = map.next_value::<ByteBuf>()?;
                    unpacked(&bytes).ok_or_else(|| A::Error::custom("a component is not packed as components are"))?
                } else {
                    map.next_value()?
                };
                components.insert(component, values);
            }
            Ok(components)
        }
    }
    let packed = !deserializer.is_human_readable();
    deserializer.deserialize_map(Ascending { packed })
}

/// Elements in as many bytes each as the largest takes, little-endian, after one byte that says how many: labels, which
/// every node knows, take an eighth of what shares take.
fn packed(values: &[Fp61]) -> Vec<u8> {
    let width = width_of(values);
    let mut bytes = Vec::with_capacity(1 + values.len() * width);
    bytes.push(width as u8);
    for value in values {
        (0..width).for_each(|byte| bytes.push((value.to_u64() >> (8 * byte)) as u8));
    }
    bytes
}

/// The elements behind [`packed`] bytes; `None` for any other bytes.
fn unpacked(bytes: &[u8]) -> Option<Vec<Fp61>> {
    let (width, bytes) = bytes.split_first()?;
    let width = usize::from(*width);
    if !(1..=Fp61::BYTES).contains(&width) || !bytes.len().is_multiple_of(width) {
        return None;
    }
    let element = |bytes: &[u8]| Fp61::from_canonical(bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    // A vector that grows would take twice as much memory.
    let mut values = Vec::with_capacity(bytes.len() / width);
    for bytes in bytes.chunks_exact(width) {
        values.push(element(bytes)?);
    }
    (width_of(&values) == width).then_some(values)
}

/// The bytes of the largest element; 1 at least.
fn width_of(values: &[Fp61]) -> usize {
    let bits = values.iter().fold(0, |bits, value| bits | value.to_u64());
    bits.checked_ilog2().map_or(1, |highest| highest as usize / 8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use crate::field::MODULUS;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn elements_come_back(width in 1u32..=8, words in proptest::collection::vec(any::<u64>(), 0..50)) {
            let values: Vec<Fp61> = words.iter().map(|word| Fp61::reduce(word >> (64 - 8 * width))).collect();
            let output = OutputComponents {
                name: OutputName::Labels,
                components: BTreeMap::from([(0, values.clone()), (3, Vec::new()), (4, vec![Fp61::ZERO; values.len()])]),
            };
            prop_assert!(packed(&values).len() <= 1 + values.len() * width as usize);
            let encoded = encode(&output);
            prop_assert!(decode::<OutputComponents>(&encoded, "components").unwrap() == output);
            let json = serde_json::to_string(&output).unwrap();
            prop_assert!(serde_json::from_str::<OutputComponents>(&json).unwrap() == output);
        }
    }

    #[test]
    fn components_have_one_encoding() {
        let of = |components: &[u8]| OutputComponents {
            name: OutputName::ClassTotals,
            components: components.iter().map(|c| (*c, vec![Fp61::reduce(u64::from(*c))])).collect(),
        };
        let bytes = encode(&of(&[1, 2]));
        assert_eq!(decode::<OutputComponents>(&bytes, "components").unwrap(), of(&[1, 2]));
        // Name and count, then component, length, width and one element each.
        let (head, entries) = bytes.split_at(4 + 8);
        let (one, two) = entries.split_at(1 + 8 + 1 + 1);
        assert!(decode::<OutputComponents>(&[head, two, one].concat(), "components").is_err());
        assert!(decode::<OutputComponents>(&[head, one, one].concat(), "components").is_err());
    }

    #[test]
    fn bytes_that_nobody_packs_are_refused() {
        assert_eq!(unpacked(&[1]), Some(Vec::new()));
        assert_eq!(unpacked(&[2, 0, 1, 5, 0]), Some(vec![Fp61::reduce(256), Fp61::reduce(5)]));
        let of_modulus = [&[8], MODULUS.to_le_bytes().as_slice()].concat();
        let wider_than_needed = [2, 5, 0, 6, 0];
        for bytes in [&[][..], &[0], &[0, 1], &[9], &[2, 1], &[2], &wider_than_needed, &of_modulus] {
            assert_eq!(unpacked(bytes), None, "{bytes:?}");
        }
    }
}
