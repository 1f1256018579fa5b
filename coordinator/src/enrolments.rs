//! How many contributors are enrolled in an hour: each takes a name for good, a row and a write to the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http::{Budget, Network, Origin, PerOrigin, Reservation};
use crate::limits::Quotas;

/// How long an enrolment counts at most.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The enrolments of this hour. They are counted in memory only, so a restart begins another hour.
pub(crate) struct Enrolments {
    in_all: usize,
    per_origin: PerOrigin,
    hour: Mutex<Hour>,
}

struct Hour {
    began: Instant,
    budget: Budget<Network>,
    /// Kept until the hour is over. There are no more of them than may be enrolled.
    taken: Vec<Reservation<Network>>,
}

impl Hour {
    fn begin(in_all: usize, now: Instant) -> Self {
        Self {
            began: now,
            budget: Budget::new(in_all),
            taken: Vec::new(),
        }
    }
}

/// The place of one enrolment. It is given back when it is dropped, unless it was used.
pub(crate) struct Place(Reservation<Network>);

impl Enrolments {
    /// Enrolments within these quotas.
    pub(crate) fn new(quotas: &Quotas) -> Self {
        let per_origin = quotas.enrolments_per_origin();
        let in_all = per_origin.loopback;
        Self {
            in_all,
            per_origin,
            hour: Mutex::new(Hour::begin(in_all, Instant::now())),
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
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(hour.began);
        if passed >= HOUR {
            *hour = Hour::begin(self.in_all, now);
        }
        let place = hour.budget.take(origin.networks(self.per_origin), 1);
        place.map(Place).map_err(|_| HOUR.saturating_sub(passed))
    }

    /// Counts an enrolment until the hour is over.
    pub(crate) fn count(&self, place: Place) {
        self.hour.lock().unwrap_or_else(PoisonError::into_inner).taken.push(place.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enrolments_of_one_address_and_in_all_are_bounded_for_an_hour() {
        let enrolments = Enrolments::new(&Quotas {
            enrolments_per_hour: 5,
            enrolments_per_address: 2,
            ..Quotas::default()
        });
        let address = |last| Origin::of([192, 0, 2, last].into());
        let began = Instant::now();
        let enrol = |origin, after| enrolments.take_at(origin, began + after).map(|place| enrolments.count(place));
        let minute = Duration::from_secs(60);
        // A place that is not used is given back.
        for _ in 0..9 {
            assert!(enrolments.take_at(address(1), began).is_ok());
        }
        assert_eq!((enrol(address(1), minute), enrol(address(1), minute)), (Ok(()), Ok(())));
        assert!(enrol(address(1), minute).is_err_and(|wait| wait <= HOUR - minute));
        for _ in 0..3 {
            assert_eq!(enrol(Origin::Loopback, minute), Ok(()));
        }
        assert!(enrol(address(2), minute).is_err(), "in all");
        assert_eq!(enrol(address(1), HOUR + minute), Ok(()));
    }
}
