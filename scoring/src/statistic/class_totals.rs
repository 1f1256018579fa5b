//! How often each class was answered.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::certificate::{Certificate, OpenedOutputs};
use tacit_protocol::release::OutputName;

use super::stages::{Finish, Statistic};
use crate::batch::Batch;
use crate::input::Input;

/// One element for each class: the sum of the tally over all items.
pub(crate) struct SharedTotals(Shared<Fp61>);

impl SharedTotals {
    /// Where the job releases class totals. Linear, so local.
    pub(crate) fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        input
            .opens(OutputName::ClassTotals)
            .then(|| Box::new(Self(input.totals.weighted(&input.party, |_| Fp61::ONE))) as _)
    }
}

impl<N: Network> Statistic<N> for SharedTotals {
    fn ask(self: Box<Self>, _: &Input<'_>, _: &mut Batch) -> Finish<N> {
        Box::new(move |progress, _| {
            progress.output(OutputName::ClassTotals, self.0);
            Ok(())
        })
    }
}

/// Class totals in the order of the classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTotals(pub Vec<(String, u64)>);

impl ClassTotals {
    /// From the opened output; `None` where the job does not open it.
    pub(crate) fn read(opened: &OpenedOutputs, certificate: &Certificate) -> Option<Self> {
        let values = opened.get(OutputName::ClassTotals)?.iter().map(|total| total.to_u64());
        Some(Self(certificate.terms.classes().iter().cloned().zip(values).collect()))
    }
}

impl Serialize for ClassTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (class, total) in &self.0 {
            map.serialize_entry(class, total)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ClassTotals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TotalMap)
    }
}

struct TotalMap;

impl<'de> Visitor<'de> for TotalMap {
    type Value = ClassTotals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from classes to numbers of answers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClassTotals, A::Error> {
        let mut totals = Vec::new();
        while let Some(entry) = map.next_entry()? {
            totals.push(entry);
        }
        Ok(ClassTotals(totals))
    }
}
