//! How much strangers and buyers may take: the tables `[limits]` and `[quotas]` of the config file.

use serde::Deserialize;

use tacit_http_server::{AddressRange, PerOrigin};

/// Files that the process has open beside the API's connections: the store, logs, the nodes, the admin port.
const OTHER_FILES: u64 = 256;

/// What may be open, read and held at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// The addresses from which reverse proxies connect for everybody. They count as this machine does, so each proxy has to limit its clients.
    pub proxies: Vec<AddressRange>,
    /// Connections to the API in all.
    pub connections: usize,
    /// Connections from one IPv4 address, or from the IPv6 addresses with the same first 64 bits.
    pub connections_per_address: usize,
    /// Connections from this machine and from `proxies`, where a reverse proxy connects for everybody.
    pub connections_from_loopback: usize,
    /// Uploads that are read at once, in all.
    pub uploads: usize,
    /// Uploads that are read at once from one address, counted as for connections.
    pub uploads_per_address: usize,
    /// Uploads that are read at once from this machine and from `proxies`.
    pub uploads_from_loopback: usize,
    /// Memory of all uploads that are read, in megabytes.
    pub upload_memory_mb: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            proxies: Vec::new(),
            connections: 4096,
            connections_per_address: 256,
            connections_from_loopback: 4096,
            uploads: 256,
            uploads_per_address: 32,
            uploads_from_loopback: 256,
            upload_memory_mb: 512,
        }
    }
}

impl Limits {
    /// The first field whose value leaves nothing to serve, and what it must be.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let counts = [
            ("limits.connections", self.connections),
            ("limits.connections_per_address", self.connections_per_address),
            ("limits.connections_from_loopback", self.connections_from_loopback),
            ("limits.uploads", self.uploads),
            ("limits.uploads_per_address", self.uploads_per_address),
            ("limits.uploads_from_loopback", self.uploads_from_loopback),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return Some((field, "must be 1 or more"));
        }
        // Two copies of the largest submission; more than a terabyte is a slip.
        let fits = (16..=1 << 20).contains(&self.upload_memory_mb);
        (!fits).then_some(("limits.upload_memory_mb", "must be 16 to 1048576"))
    }

    /// How many files the process must be able to open.
    pub(crate) fn files(&self) -> u64 {
        self.connections as u64 + OTHER_FILES
    }

    /// How many connections there may be where the process may open this many files.
    pub(crate) fn connections_within(&self, files: u64) -> usize {
        let left = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        self.connections.min(left.max(1))
    }

    /// Connections from one origin.
    pub(crate) fn connections_per_origin(&self) -> PerOrigin {
        PerOrigin {
            loopback: self.connections_from_loopback,
            other: self.connections_per_address,
        }
    }

    /// Uploads from one origin.
    pub(crate) fn uploads_per_origin(&self) -> PerOrigin {
        PerOrigin {
            loopback: self.uploads_from_loopback,
            other: self.uploads_per_address,
        }
    }
}

/// What one buyer's jobs that have not ended may take together, and how many contributors are enrolled in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Quotas {
    /// Jobs.
    pub open_jobs: u64,
    /// Bytes of their specs, in megabytes.
    pub spec_mb: u64,
    /// Items.
    pub items: u64,
    /// New contributors in an hour, in all.
    pub enrolments_per_hour: u64,
    /// New contributors in an hour from one address, counted as for connections. This machine and `limits.proxies` may have as many as there
    /// may be in all, as a reverse proxy connects for everybody.
    pub enrolments_per_address: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            open_jobs: 200,
            spec_mb: 1_024,
            items: 10_000_000,
            enrolments_per_hour: 20_000,
            enrolments_per_address: 200,
        }
    }
}

/// What jobs take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Jobs.
    pub jobs: u64,
    /// Bytes of their specs.
    pub spec_bytes: u64,
    /// Items.
    pub items: u64,
}

impl Taken {
    /// The same and one more job.
    #[must_use]
    pub(crate) fn and(self, items: u64, spec_bytes: usize) -> Self {
        Self {
            jobs: self.jobs.saturating_add(1),
            spec_bytes: self.spec_bytes.saturating_add(spec_bytes as u64),
            items: self.items.saturating_add(items),
        }
    }
}

impl Quotas {
    /// The first field whose value leaves nothing to serve, and what it must be.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        [
            ("quotas.open_jobs", self.open_jobs),
            ("quotas.spec_mb", self.spec_mb),
            ("quotas.items", self.items),
            ("quotas.enrolments_per_hour", self.enrolments_per_hour),
            ("quotas.enrolments_per_address", self.enrolments_per_address),
        ]
        .into_iter()
        .find_map(|(field, value)| (value == 0).then_some((field, "must be 1 or more")))
    }

    /// New contributors in an hour from one origin.
    pub(crate) fn enrolments_per_origin(&self) -> PerOrigin {
        let count = |quota| usize::try_from(quota).unwrap_or(usize::MAX);
        PerOrigin {
            loopback: count(self.enrolments_per_hour),
            other: count(self.enrolments_per_address),
        }
    }

    /// The name and the value of the quota that these jobs exceed, if any.
    pub(crate) fn exceeded(&self, taken: Taken) -> Option<(&'static str, u64)> {
        [
            (taken.jobs, self.open_jobs, ("quotas.open_jobs", self.open_jobs)),
            (
                taken.spec_bytes,
                self.spec_mb.saturating_mul(1 << 20),
                ("quotas.spec_mb", self.spec_mb),
            ),
            (taken.items, self.items, ("quotas.items", self.items)),
        ]
        .into_iter()
        .find_map(|(taken, most, quota)| (taken > most).then_some(quota))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        let limits = Limits::default();
        assert_eq!(limits.connections_within(limits.files()), limits.connections);
        assert_eq!(limits.connections_within(1024), 768);
        assert_eq!(limits.connections_within(0), 1);
        assert_eq!(limits.problem(), None);
        let none = Limits {
            uploads_per_address: 0,
            ..limits.clone()
        };
        assert_eq!(none.problem().unwrap().0, "limits.uploads_per_address");
        let little = Limits {
            upload_memory_mb: 15,
            ..limits
        };
        assert_eq!(little.problem().unwrap().0, "limits.upload_memory_mb");
        assert_eq!(Quotas::default().problem(), None);
        let none = Quotas {
            open_jobs: 0,
            ..Quotas::default()
        };
        assert_eq!(none.problem().unwrap().0, "quotas.open_jobs");
    }
}
