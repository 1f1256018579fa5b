//! The ids of a job's items, stored as one text: a million allocations for a million ids would cost time and memory.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The ids of items in order. They serialise as a list of texts; clones share the memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ItemIds(Arc<Texts>);

#[derive(Default, PartialEq, Eq)]
struct Texts {
    all: String,
    /// The end of each id in `all`.
    ends: Vec<usize>,
}

impl ItemIds {
    /// The number of ids.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// The ids in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let mut from = 0;
        self.0.ends.iter().map(move |end| {
            let id = &self.0.all[from..*end];
            from = *end;
            id
        })
    }
}

impl Texts {
    fn push(&mut self, id: &str) {
        self.all.push_str(id);
        self.ends.push(self.all.len());
    }
}

impl<T: AsRef<str>> FromIterator<T> for ItemIds {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        let mut texts = Texts::default();
        ids.into_iter().for_each(|id| texts.push(id.as_ref()));
        Self(Arc::new(texts))
    }
}

impl fmt::Debug for ItemIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for ItemIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ItemIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List).map(|texts| Self(Arc::new(texts)))
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of ids")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut ids: A) -> Result<Texts, A::Error> {
        let mut texts = Texts::default();
        while ids.next_element_seed(Next(&mut texts))?.is_some() {}
        Ok(texts)
    }
}

/// Appends the next id of a list, without a copy of its own.
struct Next<'a>(&'a mut Texts);

impl<'de> DeserializeSeed<'de> for Next<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Next<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E>(self, id: &str) -> Result<(), E> {
        self.0.push(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_written_and_read_as_a_list_of_texts(list in proptest::collection::vec(".{0,9}", 0..9)) {
            let ids: ItemIds = list.iter().collect();
            prop_assert_eq!(ids.len(), list.len());
            prop_assert_eq!(ids.iter().collect::<Vec<_>>(), list.iter().map(String::as_str).collect::<Vec<_>>());
            let json = serde_json::to_string(&list).unwrap();
            prop_assert_eq!(&serde_json::to_string(&ids).unwrap(), &json);
            prop_assert_eq!(&serde_json::from_str::<ItemIds>(&json).unwrap(), &ids);
            let bytes = crate::codec::encode(&list);
            prop_assert_eq!(&crate::codec::encode(&ids), &bytes);
            prop_assert_eq!(crate::codec::decode::<ItemIds>(&bytes, "ids").unwrap(), ids);
        }
    }

    #[test]
    fn neighbours_are_told_apart() {
        let ids = |list: &[&str]| list.iter().collect::<ItemIds>();
        assert_ne!(ids(&["ab", "c"]), ids(&["a", "bc"]));
        assert!(serde_json::from_str::<ItemIds>("[\"a\", 1]").is_err());
        assert!(crate::codec::decode::<ItemIds>(&u64::MAX.to_le_bytes(), "ids").is_err());
    }
}
