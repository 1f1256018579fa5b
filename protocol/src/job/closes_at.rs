//! The time at which a job closes, as a number. All nodes must read the same one, so there is one way to write it.

use super::{JobError, Terms};

impl Terms {
    /// The time at which the job closes by itself, in Unix seconds; `None` if it has no such time.
    ///
    /// # Errors
    /// `closes_at` is not written as `2026-12-01T00:00:00Z`: whole seconds, UTC.
    pub fn closes_at_seconds(&self) -> Result<Option<u64>, JobError> {
        let Some(text) = &self.closes_at else { return Ok(None) };
        let wrong = || JobError::field("closes_at", "must be a time in UTC with whole seconds, like 2026-12-01T00:00:00Z");
        seconds(text).ok_or_else(wrong).map(Some)
    }
}

fn seconds(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if bytes.len() != 20 || signs.iter().any(|(at, sign)| bytes[*at] != *sign) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_length = *lengths.get(month.checked_sub(1)? as usize)?;
    if year < 1970 || !(1..=month_length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let before = year - 1;
    let leap_days = |years: u64| years / 4 - years / 100 + years / 400;
    let days_of_years = (year - 1970) * 365 + leap_days(before) - leap_days(1969);
    let days = days_of_years + lengths[..month as usize - 1].iter().sum::<u64>() + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_in_seconds() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1972-02-29T00:00:01Z", 68_169_601),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-12-01T00:00:00Z", 1_796_083_200),
            ("2100-03-01T12:34:56Z", 4_107_587_696),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ];
        for (text, due) in cases {
            assert_eq!(seconds(text), Some(due), "{text}");
        }
    }

    #[test]
    fn other_ways_to_write_a_time_are_refused() {
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T00:00:00",
            "2026-12-01T00:00:00+00:00",
            "2026-12-01t00:00:00Z",
            "2026-12-01T00:00:00.0Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-12-00T00:00:00Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01T00:60:00Z",
            "2026-12-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "+026-12-01T00:00:00Z",
            "２026-12-01T00:00Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
