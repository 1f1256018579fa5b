//! One node's components of an output, and how they travel from the node: packed.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteBuf;

use super::OutputName;
use crate::control::MAX_MESSAGE_BYTES;
use tacit_mpc_core::field::{Field, Fp61};

/// One node's components of one output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputComponents {
    /// Which output.
    pub name: OutputName,
    /// Its elements, by component.
    #[serde(deserialize_with = "ascending")]
    pub components: BTreeMap<u8, Vec<Fp61>>,
}

/// The same as it travels.
#[derive(Serialize, Deserialize)]
pub struct PackedOutput {
    name: OutputName,
    #[serde(deserialize_with = "ascending")]
    components: BTreeMap<u8, ByteBuf>,
}

/// Outputs as they travel.
pub fn pack(outputs: &[OutputComponents]) -> Vec<PackedOutput> {
    let of = |output: &OutputComponents| PackedOutput {
        name: output.name,
        components: output
            .components
            .iter()
            .map(|(component, values)| (*component, ByteBuf::from(to_bytes(values))))
            .collect(),
    };
    outputs.iter().map(of).collect()
}

/// For fields that travel so.
pub(super) fn serialize<S: Serializer>(outputs: &[OutputComponents], serializer: S) -> Result<S::Ok, S::Error> {
    pack(outputs).serialize(serializer)
}

/// Unpacked they may take what any message may, and no more: a byte that stands for an element takes eight.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OutputComponents>, D::Error> {
    let outputs = Vec::<PackedOutput>::deserialize(deserializer)?;
    unpack(outputs, MAX_MESSAGE_BYTES / Fp61::BYTES).map_err(D::Error::custom)
}

fn unpack(outputs: Vec<PackedOutput>, most: usize) -> Result<Vec<OutputComponents>, &'static str> {
    let mut left = most;
    let mut unpacked = Vec::new();
    for PackedOutput { name, components } in outputs {
        let mut by_component = BTreeMap::new();
        for (component, bytes) in components {
            let values = from_bytes(&bytes, left).ok_or("a component is not packed as components are, or all together are too long")?;
            left -= values.len();
            by_component.insert(component, values);
        }
        unpacked.push(OutputComponents {
            name,
            components: by_component,
        });
    }
    Ok(unpacked)
}

/// Reads components in the one order they are written in: in any other, or with one of them twice, the
/// same value would have several encodings.
fn ascending<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<BTreeMap<u8, V>, D::Error> {
    struct Ascending<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Ascending<V> {
        type Value = BTreeMap<u8, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("components in ascending order")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut components = BTreeMap::new();
            while let Some((component, values)) = map.next_entry::<u8, V>()? {
                if components.last_key_value().is_some_and(|(last, _)| *last >= component) {
                    return Err(A::Error::custom("components are out of order"));
                }
                components.insert(component, values);
            }
            Ok(components)
        }
    }
    deserializer.deserialize_map(Ascending(PhantomData))
}

/// Elements in as many bytes each as the largest takes, little-endian, after one byte that says how many: labels, which
/// every node knows, take an eighth of what shares take.
fn to_bytes(values: &[Fp61]) -> Vec<u8> {
    let width = width_of(values);
    let mut bytes = Vec::with_capacity(1 + values.len() * width);
    bytes.push(width as u8);
    for value in values {
        (0..width).for_each(|byte| bytes.push((value.to_u64() >> (8 * byte)) as u8));
    }
    bytes
}

/// The elements of which [`to_bytes`] made these, if they are at most so many; `None` for any other bytes.
fn from_bytes(bytes: &[u8], most: usize) -> Option<Vec<Fp61>> {
    let (width, bytes) = bytes.split_first()?;
    let width = usize::from(*width);
    if !(1..=Fp61::BYTES).contains(&width) || !bytes.len().is_multiple_of(width) || bytes.len() / width > most {
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
    use proptest::prelude::*;
    use tacit_mpc_core::field::MODULUS;

    fn sent(outputs: &[OutputComponents]) -> Result<Vec<OutputComponents>, &'static str> {
        unpack(decode(&encode(&pack(outputs)), "outputs").unwrap(), usize::MAX)
    }

    fn of(components: &[u8]) -> OutputComponents {
        OutputComponents {
            name: OutputName::ClassTotals,
            components: components.iter().map(|c| (*c, vec![Fp61::reduce(u64::from(*c))])).collect(),
        }
    }

    proptest! {
        #[test]
        fn elements_come_back(width in 1u32..=8, words in proptest::collection::vec(any::<u64>(), 0..50)) {
            let values: Vec<Fp61> = words.iter().map(|word| Fp61::reduce(word >> (64 - 8 * width))).collect();
            prop_assert!(to_bytes(&values).len() <= 1 + values.len() * width as usize);
            let output = OutputComponents {
                name: OutputName::Labels,
                components: BTreeMap::from([(0, values.clone()), (3, Vec::new()), (4, vec![Fp61::ZERO; values.len()])]),
            };
            let outputs = [output, of(&[7])];
            prop_assert_eq!(sent(&outputs).unwrap(), outputs);
        }
    }

    #[test]
    fn components_have_one_encoding() {
        let bytes = encode(&pack(&[of(&[1, 2])]));
        assert_eq!(sent(&[of(&[1, 2])]).unwrap(), [of(&[1, 2])]);
        // Length, name and count, then component, length, width and one element each.
        let (head, entries) = bytes.split_at(8 + 4 + 8);
        let (one, two) = entries.split_at(1 + 8 + 1 + 1);
        assert!(decode::<Vec<PackedOutput>>(&[head, one, two].concat(), "components").is_ok());
        assert!(decode::<Vec<PackedOutput>>(&[head, two, one].concat(), "components").is_err());
        assert!(decode::<Vec<PackedOutput>>(&[head, one, one].concat(), "components").is_err());
    }

    #[test]
    fn all_together_may_be_so_long_and_no_longer() {
        let outputs = [of(&[1, 2]), of(&[1, 2, 3])];
        assert_eq!(unpack(pack(&outputs), 5).unwrap(), outputs);
        assert!(unpack(pack(&outputs), 4).is_err());
    }

    #[test]
    fn a_message_does_not_unpack_to_more_than_the_longest() {
        #[derive(Debug, Deserialize)]
        struct Outputs(#[serde(deserialize_with = "super::deserialize")] Vec<OutputComponents>);
        let most = MAX_MESSAGE_BYTES / Fp61::BYTES;
        let zeros = |elements: usize| ByteBuf::from([&[1], vec![0; elements].as_slice()].concat());
        let of = |last: usize| PackedOutput {
            name: OutputName::Labels,
            components: BTreeMap::from([(0, zeros(most - 5)), (1, zeros(last))]),
        };
        assert!(decode::<Outputs>(&encode(&vec![of(6)]), "outputs").is_err());
        assert_eq!(
            decode::<Outputs>(&encode(&vec![of(5)]), "outputs").unwrap().0[0].components[&1].len(),
            5
        );
    }

    #[test]
    fn bytes_that_nobody_packs_are_refused() {
        let unpacked = |bytes: &[u8]| from_bytes(bytes, 2);
        assert_eq!(unpacked(&[1]), Some(Vec::new()));
        assert_eq!(unpacked(&[2, 0, 1, 5, 0]), Some(vec![Fp61::reduce(256), Fp61::reduce(5)]));
        let of_modulus = [&[8], MODULUS.to_le_bytes().as_slice()].concat();
        let (wider_than_needed, one_too_many) = ([2, 5, 0, 6, 0], [1, 5, 6, 7]);
        for bytes in [
            &[][..],
            &[0],
            &[0, 1],
            &[9],
            &[2, 1],
            &[2],
            &wider_than_needed,
            &one_too_many,
            &of_modulus,
        ] {
            assert_eq!(unpacked(bytes), None, "{bytes:?}");
        }
    }
}
