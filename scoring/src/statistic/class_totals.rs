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
use crate::noise::cut_to_sum;

/// One element for each class that is opened: the sum of the tally over all items.
pub(crate) struct SharedTotals(Shared<Fp61>);

impl SharedTotals {
    /// Where the job opens class totals. Linear, so local.
    pub(crate) fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        let name = OutputName::ClassTotals;
        let opened = name.len(input.terms, input.accepted.facts());
        let totals = || input.totals.weighted(&input.party, |_| Fp61::ONE).slice(0..opened);
        input.opens(name).then(|| Box::new(Self(totals())) as _)
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
        let name = OutputName::ClassTotals;
        let values = opened.get(name)?;
        let Certificate { terms, facts, .. } = certificate;
        let totals = if name.has_noise(terms) {
            cut_to_sum(values, terms.classes().len(), facts.answers)
        } else {
            values.iter().map(|total| total.to_u64()).collect()
        };
        Some(Self(terms.classes().iter().cloned().zip(totals).collect()))
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
