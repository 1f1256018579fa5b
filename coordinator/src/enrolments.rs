//! How many contributors are enrolled in an hour: each takes a name for good, a row and a write to the disk.
//!
//! Every address, and all together, have a bucket of enrolments. A full bucket holds the quota of an hour, and it fills again steadily. So whoever takes
//! all that there is keeps others waiting for seconds and not for the rest of an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Quotas;
use tacit_http_server::{Network, Origin, PerOrigin};

/// How long an empty bucket takes to be full.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How often buckets that are full again are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// The enrolments that are possible now. They are counted in memory only, so after a restart all buckets are full.
pub(crate) struct Enrolments {
    in_all: usize,
    per_origin: PerOrigin,
    buckets: Arc<Mutex<Buckets>>,
}

/// Whose enrolments a bucket counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    All,
    Network(Network),
}

struct Buckets {
    /// Only buckets that are not full. So memory is bounded: at most three for each enrolment of the last hour and each running request.
    by_owner: HashMap<Owner, Bucket>,
    swept: Instant,
}

struct Bucket {
    /// When it is full again.
    full_at: Instant,
    /// The places that are taken and not counted yet.
    held: u32,
}

/// How long a bucket takes to regain one enrolment.
fn time_of_one(quota: usize) -> Duration {
    HOUR / u32::try_from(quota).unwrap_or(u32::MAX).max(1)
}

impl Bucket {
    fn full(now: Instant) -> Self {
        Self { full_at: now, held: 0 }
    }

    fn is_full(&self, now: Instant) -> bool {
        self.held == 0 && self.full_at <= now
    }

    /// How long it takes until there is one more in it; zero if there is.
    fn wait(&self, quota: usize, now: Instant) -> Duration {
        let held = time_of_one(quota).saturating_mul(self.held.saturating_add(1));
        self.full_at
            .saturating_duration_since(now)
            .saturating_add(held)
            .saturating_sub(HOUR)
    }
}

/// The place of one enrolment. It is given back when it is dropped, unless it was used.
pub(crate) struct Place {
    /// The owners of the buckets, and their quotas.
    owners: Vec<(Owner, usize)>,
    taken: Instant,
    buckets: Arc<Mutex<Buckets>>,
}

impl Enrolments {
    /// Enrolments within these quotas.
    pub(crate) fn new(quotas: &Quotas) -> Self {
        let per_origin = quotas.enrolments_per_origin();
        Self {
            in_all: per_origin.loopback,
            per_origin,
            buckets: Arc::new(Mutex::new(Buckets {
                by_owner: HashMap::new(),
                swept: Instant::now(),
            })),
        }
    }

    /// A place for one more enrolment.
    ///
    /// # Errors
    /// There is none before this much time has passed.
    pub(crate) fn take(&self, origin: Origin) -> Result<Place, Duration> {
        self.take_at(origin, Instant::now())
    }

    fn take_at(&self, origin: Origin, now: Instant) -> Result<Place, Duration> {
        let networks = origin.networks(self.per_origin).into_iter();
        let mut owners: Vec<_> = networks.map(|(network, most)| (Owner::Network(network), most)).collect();
        owners.push((Owner::All, self.in_all));
        let mut buckets = lock(&self.buckets);
        if now.saturating_duration_since(buckets.swept) >= SWEEP {
            buckets.by_owner.retain(|_, bucket| !bucket.is_full(now));
            buckets.swept = now;
        }
        let full = Bucket::full(now);
        let waits = owners
            .iter()
            .map(|(owner, quota)| buckets.by_owner.get(owner).unwrap_or(&full).wait(*quota, now));
        let wait = waits.max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (owner, _) in &owners {
            buckets.by_owner.entry(owner.clone()).or_insert_with(|| Bucket::full(now)).held += 1;
        }
        drop(buckets);
        Ok(Place {
            owners,
            taken: now,
            buckets: Arc::clone(&self.buckets),
        })
    }

    /// Counts an enrolment.
    pub(crate) fn count(&self, place: Place) {
        self.count_at(place, Instant::now());
    }

    fn count_at(&self, place: Place, now: Instant) {
        let mut buckets = lock(&self.buckets);
        for (owner, quota) in &place.owners {
            if let Some(bucket) = buckets.by_owner.get_mut(owner) {
                bucket.full_at = bucket.full_at.max(now) + time_of_one(*quota);
            }
        }
        drop(buckets);
        drop(place);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut buckets = lock(&self.buckets);
        for (owner, _) in &self.owners {
            if let Some(bucket) = buckets.by_owner.get_mut(owner) {
                bucket.held = bucket.held.saturating_sub(1);
                if bucket.is_full(self.taken) {
                    buckets.by_owner.remove(owner);
                }
            }
        }
    }
}

fn lock(buckets: &Mutex<Buckets>) -> MutexGuard<'_, Buckets> {
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn address(last: u8) -> Origin {
        Origin::of([192, 0, 2, last].into())
    }

    /// Enrolments of which there are so many in an hour, in all and for one address.
    fn enrolments(in_all: u64, per_address: u64) -> Enrolments {
        Enrolments::new(&Quotas {
            enrolments_per_hour: in_all,
            enrolments_per_address: per_address,
            ..Quotas::default()
        })
    }

    #[test]
    fn enrolments_of_one_address_and_in_all_are_bounded() {
        let enrolments = enrolments(6, 2);
        let began = Instant::now();
        let enrol = |origin| enrolments.take_at(origin, began).map(|place| enrolments.count_at(place, began));
        // A place that is not used is given back, and none is given to two.
        for _ in 0..9 {
            assert!(enrolments.take_at(address(1), began).is_ok());
        }
        assert!(lock(&enrolments.buckets).by_owner.is_empty());
        let held = [enrolments.take_at(address(1), began), enrolments.take_at(address(1), began)];
        assert!(enrolments.take_at(address(1), began).is_err());
        drop(held);
        assert_eq!((enrol(address(1)), enrol(address(1))), (Ok(()), Ok(())));
        assert_eq!(enrol(address(1)), Err(HOUR / 2));
        for _ in 0..4 {
            assert_eq!(enrol(Origin::Loopback), Ok(()));
        }
        assert_eq!(enrol(address(2)), Err(HOUR / 6), "in all");
    }

    #[test]
    fn buckets_fill_again_steadily_and_are_forgotten_when_they_are_full() {
        let enrolments = enrolments(60, 60);
        let began = Instant::now();
        let enrol_at = |after| {
            let now = began + after;
            enrolments.take_at(address(1), now).map(|place| enrolments.count_at(place, now))
        };
        for _ in 0..60 {
            assert_eq!(enrol_at(Duration::ZERO), Ok(()));
        }
        // One a minute from now on: nobody waits for the end of an hour.
        assert_eq!(enrol_at(Duration::ZERO), Err(MINUTE));
        for minutes in 1..=5 {
            assert_eq!(enrol_at(MINUTE * minutes), Ok(()));
            assert_eq!(enrol_at(MINUTE * minutes), Err(MINUTE));
        }
        // Whoever waits has no more than the quota of an hour at once.
        for _ in 0..60 {
            assert_eq!(enrol_at(HOUR * 9), Ok(()));
        }
        assert!(enrol_at(HOUR * 9).is_err());
        let later = enrolments.take_at(address(2), began + HOUR * 18);
        assert!(
            later.is_ok()
                && !lock(&enrolments.buckets)
                    .by_owner
                    .contains_key(&Owner::Network(Network::Origin(address(1))))
        );
    }
}
