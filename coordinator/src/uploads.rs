//! The places and the memory of uploads, of which no address and no contributor takes more than a part.

use tacit_metrics::{Queue, QueuePermit, Queues};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::submission::{MAX_SUBMISSION_BYTES, Subject};

use crate::limits::Limits;
use tacit_http_server::{Budget, Network, Origin, PerOrigin, Reservation};

/// The name of the queue, in metrics.
pub(crate) const QUEUE: &str = "uploads";

/// A header of up to this many bytes is read into memory that every connection has. This is enough for 3,000 answers.
pub(crate) const SMALL_HEADER: usize = 16 << 10;

/// The memory of larger headers that were not checked yet.
const LARGE_HEADERS: usize = 64 << 20;

/// An upload is in memory as it arrives, and its envelopes again as they are stored.
const COPIES: usize = 2;

/// How many submissions of the largest size anybody may send at once.
const SUBMISSIONS: usize = 2;

/// One address may use one part in `ADDRESSES` of the memory; one contributor one in [`CONTRIBUTORS`] of the memory and of the places.
const ADDRESSES: usize = 8;
/// See [`ADDRESSES`].
const CONTRIBUTORS: usize = 32;

/// The fewest places of one contributor.
const FEWEST_PLACES: usize = 4;

/// The limits of the uploads that are read at once.
pub(crate) struct Uploads {
    queue: Queue,
    places: Budget<Owner>,
    places_per_origin: PerOrigin,
    places_per_contributor: usize,
    memory: Budget<Owner>,
    memory_per_origin: PerOrigin,
    memory_per_contributor: usize,
    large_headers: Budget<Network>,
}

/// Who takes a part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    Network(Network),
    Author(Author),
}

/// Who stands behind an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Author {
    /// The digest of the issuers that vouch for the contributor, if there are any: numbers are those of one pool.
    pub issuers: Option<Digest>,
    /// The contributor.
    pub subject: Subject,
}

/// The right to read an upload, until it is dropped.
pub(crate) struct Upload<'a> {
    queue: &'a Queue,
    _permit: QueuePermit<'a>,
    _place: Reservation<Owner>,
    memory: Reservation<Owner>,
}

/// The right to read a header that is not small, until it is dropped.
pub(crate) struct LargeHeader<'a> {
    queue: &'a Queue,
    memory: Reservation<Network>,
}

impl Uploads {
    /// Uploads within these limits.
    pub(crate) fn new(limits: &Limits, queues: &Queues) -> Self {
        let memory = limits.upload_memory_mb << 20;
        // Everybody may send one submission of any size, and again, while a connection that broke is still taken to be alive.
        let part_of = |parts: usize| (memory / parts).max(SUBMISSIONS * COPIES * MAX_SUBMISSION_BYTES).min(memory);
        Self {
            queue: queues.queue(QUEUE, limits.uploads),
            places: Budget::new(limits.uploads),
            places_per_origin: limits.uploads_per_origin(),
            places_per_contributor: (limits.uploads / CONTRIBUTORS).max(FEWEST_PLACES),
            memory: Budget::new(memory),
            memory_per_origin: PerOrigin {
                loopback: memory,
                other: part_of(ADDRESSES),
            },
            memory_per_contributor: part_of(CONTRIBUTORS),
            large_headers: Budget::new(LARGE_HEADERS),
        }
    }

    /// The right to read an upload of which this many bytes are held already; `None` if there is no place or no memory for it. Does not
    /// wait, as who waits takes memory, too.
    pub(crate) fn begin(&self, origin: Origin, author: Author, held: usize) -> Option<Upload<'_>> {
        let permit = self.queue.try_enter()?;
        let owners = |per_origin, per_contributor| {
            let networks = origin.networks(per_origin).into_iter();
            let mut owners: Vec<_> = networks.map(|(network, most)| (Owner::Network(network), most)).collect();
            owners.push((Owner::Author(author), per_contributor));
            owners
        };
        let place = self.places.take(owners(self.places_per_origin, self.places_per_contributor), 1);
        let memory = owners(self.memory_per_origin, self.memory_per_contributor);
        let memory = self.memory.take(memory, held.saturating_mul(COPIES));
        if let (Ok(place), Ok(memory)) = (place, memory) {
            Some(Upload {
                queue: &self.queue,
                _permit: permit,
                _place: place,
                memory,
            })
        } else {
            self.queue.refuse();
            None
        }
    }

    /// The right to read a header that is not small, of which this many bytes are held already; `None` if there is no memory for it.
    pub(crate) fn large_header(&self, origin: Origin, held: usize) -> Option<LargeHeader<'_>> {
        let most = PerOrigin {
            loopback: LARGE_HEADERS,
            other: LARGE_HEADERS / ADDRESSES,
        };
        match self.large_headers.take(origin.networks(most), held) {
            Ok(memory) => Some(LargeHeader {
                queue: &self.queue,
                memory,
            }),
            Err(_) => {
                self.queue.refuse();
                None
            }
        }
    }
}

impl Upload<'_> {
    /// Takes the memory for an upload of which this many bytes are held. Returns false if there is none.
    #[must_use]
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let held = self.memory.grow_to(bytes.saturating_mul(COPIES)).is_ok();
        if !held {
            self.queue.refuse();
        }
        held
    }
}

impl LargeHeader<'_> {
    /// Takes the memory for a header of which this many bytes are held. Returns false if there is none.
    #[must_use]
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let held = self.memory.grow_to(bytes).is_ok();
        if !held {
            self.queue.refuse();
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestCluster;
    use std::path::Path;
    use tacit_protocol::identity::PublicKey;

    fn uploads(limits: &Limits) -> Uploads {
        let metrics = crate::metrics::Metrics::new(&TestCluster::new(3, 1).cluster, Path::new("none"), &[], &[]).unwrap();
        Uploads::new(limits, &metrics.queues)
    }

    fn address(last: u8) -> Origin {
        Origin::of([192, 0, 2, last].into())
    }

    fn author(byte: u8) -> Author {
        Author {
            issuers: None,
            subject: Subject::Key(PublicKey::from_bytes([byte; 32])),
        }
    }

    #[test]
    fn places_are_bounded_in_all_and_of_one_address_and_contributor() {
        let limits = Limits {
            uploads: 10,
            uploads_per_address: 3,
            ..Limits::default()
        };
        let uploads = uploads(&limits);
        let of_address: Vec<_> = (0..9).filter_map(|byte| uploads.begin(address(1), author(byte), 1)).collect();
        assert_eq!(of_address.len(), 3);
        let of_author: Vec<_> = (2..20).filter_map(|last| uploads.begin(address(last), author(30), 1)).collect();
        assert_eq!(of_author.len(), FEWEST_PLACES);
        let others: Vec<_> = (2..20)
            .filter_map(|last| uploads.begin(address(last), author(100 + last), 1))
            .collect();
        assert_eq!(others.len(), 3, "in all");
        drop((of_address, of_author, others));
        assert!(uploads.begin(address(1), author(1), 1).is_some());
    }

    #[test]
    fn one_address_or_contributor_holds_its_part_of_the_memory_and_others_upload() {
        let limits = Limits {
            upload_memory_mb: 512,
            ..Limits::default()
        };
        let uploads = uploads(&limits);
        let largest = MAX_SUBMISSION_BYTES;
        // From one address, by many contributors: an eighth of 512 MB has four of the largest uploads twice.
        let held: Vec<_> = (0..32)
            .filter_map(|byte| uploads.begin(address(1), author(byte), largest))
            .collect();
        assert_eq!(held.len(), 4);
        // By one contributor, from many addresses: one on a connection that is dead, and the same again.
        let mut dead = uploads.begin(address(2), author(50), 1).unwrap();
        assert!(dead.hold(largest));
        let mut again = uploads.begin(address(3), author(50), 1).unwrap();
        assert!(again.hold(largest) && !again.hold(largest + 1));
        assert!(uploads.begin(address(3), author(50), 1).is_none());
        assert!(uploads.begin(address(3), author(51), largest).is_some());
        // The numbers of two pools are different people.
        let number = |pool: &str| Author {
            issuers: Some(Digest::of(pool, &[])),
            subject: Subject::Number(7),
        };
        let held = [
            uploads.begin(address(4), number("a"), largest),
            uploads.begin(address(4), number("a"), largest),
            uploads.begin(address(4), number("b"), largest),
        ];
        assert!(held.iter().all(Option::is_some));
        assert!(uploads.begin(address(5), number("a"), 1).is_none());
    }

    #[test]
    fn with_little_memory_one_largest_submission_fits() {
        let limits = Limits {
            upload_memory_mb: 16,
            ..Limits::default()
        };
        assert!(uploads(&limits).begin(address(1), author(1), MAX_SUBMISSION_BYTES).is_some());
    }

    #[test]
    fn one_address_holds_an_eighth_of_the_memory_of_headers() {
        let uploads = uploads(&Limits::default());
        let mut header = uploads.large_header(address(1), 1).unwrap();
        assert!(header.hold(LARGE_HEADERS / ADDRESSES) && !header.hold(LARGE_HEADERS / ADDRESSES + 1));
        assert!(uploads.large_header(address(1), 1).is_none());
        assert!(uploads.large_header(address(2), LARGE_HEADERS / ADDRESSES).is_some());
        assert!(uploads.large_header(Origin::Loopback, usize::MAX).is_none());
    }
}
