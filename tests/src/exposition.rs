//! A strict reader of the Prometheus text format: a program's metrics that do not follow it fail the test.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::request;

/// All metrics that a program serves, by the name of the family.
#[derive(Debug)]
pub struct Exposition(BTreeMap<String, Family>);

/// The series of one family.
#[derive(Debug, Default)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// The series, including those of a histogram's buckets.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug)]
pub struct Series {
    /// The family's name, with a suffix if it is part of a histogram.
    pub name: String,
    /// Its labels, without a bucket's bound.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

impl Family {
    /// The names of the labels, which must be the same for all series.
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
    /// Reads the metrics of an admin port.
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

    /// All families except those of the client library.
    pub fn families(&self) -> impl Iterator<Item = (&String, &Family)> {
        self.0.iter().filter(|(name, _)| !name.starts_with("process_"))
    }

    /// The family of this name.
    pub fn family(&self, name: &str) -> &Family {
        self.0.get(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The value of the series with exactly these labels. The series of a histogram are called `name_count` and `name_sum`.
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
        // The programs serve no values with commas or quotes.
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
