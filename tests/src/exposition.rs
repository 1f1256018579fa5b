//! Metrics as a program serves them, read strictly: what does not follow the text format fails.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::request;

/// Everything that a program serves, by the family's name.
#[derive(Debug)]
pub struct Exposition(BTreeMap<String, Family>);

/// The series of one name.
#[derive(Debug, Default)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// Its series; those of a histogram's buckets, too.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug)]
pub struct Series {
    /// The family's name, with a suffix if it is part of a histogram.
    pub name: String,
    /// Its labels, without a bucket's bound.
    pub labels: BTreeMap<String, String>,
    /// What it is at.
    pub value: f64,
}

impl Family {
    /// The names of its labels, which all its series have.
    pub fn labels(&self) -> BTreeSet<String> {
        let names = |series: &Series| series.labels.keys().cloned().collect::<BTreeSet<_>>();
        let first = self.series.first().map(names).unwrap_or_default();
        assert!(self.series.iter().all(|series| names(series) == first), "{self:?}");
        first
    }

    /// All values of a label.
    pub fn values(&self, label: &str) -> BTreeSet<&str> {
        self.series.iter().map(|series| series.labels[label].as_str()).collect()
    }
}

impl Exposition {
    /// What a program serves on its admin port.
    pub fn of(admin: &str) -> Self {
        let answer = request(admin, "GET", "/metrics", "", &[]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self::parse(&answer.body)
    }

    fn parse(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                current = name.to_owned();
                let family = Family {
                    kind: kind.to_owned(),
                    ..Family::default()
                };
                assert!(families.insert(current.clone(), family).is_none(), "twice: {line}");
            } else if !line.starts_with("# HELP ") {
                let family = families.get_mut(&current).unwrap_or_else(|| panic!("without a type: {line}"));
                let series = Series::parse(line).unwrap_or_else(|| panic!("not a sample: {line}"));
                let suffix = series.name.strip_prefix(current.as_str());
                let histogram = matches!(suffix, Some("_bucket" | "_sum" | "_count"));
                assert!(
                    histogram == (family.kind == "histogram") && (histogram || suffix == Some("")),
                    "{line}"
                );
                family.series.push(series);
            }
        }
        Self(families)
    }

    /// The families but those of the client library.
    pub fn families(&self) -> impl Iterator<Item = (&String, &Family)> {
        self.0.iter().filter(|(name, _)| !name.starts_with("process_"))
    }

    /// The family of this name.
    pub fn family(&self, name: &str) -> &Family {
        self.0.get(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The value of the series with these labels and no others. A histogram's are those of `name_count` and
    /// `name_sum`.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: BTreeMap<String, String> = labels.iter().map(|(l, v)| ((*l).to_owned(), (*v).to_owned())).collect();
        let mut all = self.0.values().flat_map(|family| &family.series);
        let series = all.find(|series| series.name == name && series.labels == wanted);
        series.unwrap_or_else(|| panic!("there is no {name} {labels:?}")).value
    }
}

impl Series {
    fn parse(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (series, ""),
        };
        let mut read = BTreeMap::new();
        // No value that the programs serve has a comma or a quote in it.
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            assert!(!value.contains(['"', '\\']), "{line}");
            if label != "le" {
                assert!(read.insert(label.to_owned(), value.to_owned()).is_none(), "{line}");
            }
        }
        Some(Self {
            name: name.to_owned(),
            labels: read,
            value: value.parse().ok()?,
        })
    }
}
