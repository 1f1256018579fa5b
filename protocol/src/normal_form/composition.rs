//! Which two characters are written as one. It follows from how characters are taken apart, with a short list of exceptions that never
//! changes; the tests compare it with the table that crate `unicode-normalization` has.

use std::sync::OnceLock;

use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

/// The last character that is taken apart.
const LAST: char = '\u{2fa1d}';

/// Two characters, and the one that stands for both.
type Pair = (char, char, char);

/// The character that is written for two, if there is one.
pub(super) fn compose(first: char, second: char) -> Option<char> {
    static PAIRS: OnceLock<Vec<Pair>> = OnceLock::new();
    // Nothing below is written into anything, and nothing but Hangul and the pairs is joined.
    if second < '\u{300}' {
        return None;
    }
    compose_hangul(first, second).or_else(|| find(PAIRS.get_or_init(pairs), first, second))
}

/// Hangul syllables are numbered by their letters: 19 that begin, 21 in the middle, 27 or none at the end.
fn compose_hangul(first: char, second: char) -> Option<char> {
    let (a, b) = (u32::from(first), u32::from(second));
    match (a, b) {
        (0x1100..=0x1112, 0x1161..=0x1175) => char::from_u32(0xac00 + ((a - 0x1100) * 21 + b - 0x1161) * 28),
        (0xac00..=0xd7a3, 0x11a8..=0x11c2) if (a - 0xac00).is_multiple_of(28) => char::from_u32(a + b - 0x11a7),
        _ => None,
    }
}

fn find(pairs: &[Pair], first: char, second: char) -> Option<char> {
    let at = pairs
        .binary_search_by_key(&(first, second), |(first, second, _)| (*first, *second))
        .ok()?;
    pairs.get(at).map(|(_, _, whole)| *whole)
}

/// All pairs, sorted: the last part of every character that is taken apart, and what the other parts are joined to.
fn pairs() -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    // What has more parts is joined of what has fewer: of four at most.
    for length in 2..=4 {
        let mut found: Vec<Pair> = Vec::new();
        for whole in ('\u{80}'..=LAST).filter(|c| !is_excluded(*c)) {
            let mut parts = ['\0'; 4];
            let mut count = 0;
            decompose_canonical(whole, |part| {
                if let Some(place) = parts.get_mut(count) {
                    *place = part;
                }
                count += 1;
            });
            if count != length || canonical_combining_class(parts[0]) != 0 {
                continue;
            }
            let before = &parts[1..count - 1];
            let first = before.iter().try_fold(parts[0], |joined, part| find(&pairs, joined, *part));
            found.extend(first.map(|first| (first, parts[count - 1], whole)));
        }
        pairs.extend(found);
        pairs.sort_unstable();
        // Of characters with the same parts all but the first one are doubles for old encodings, such as the sign for Angstrom.
        pairs.dedup_by_key(|(first, second, _)| (*first, *second));
    }
    pairs
}

/// Characters that are taken apart and never joined (Unicode's `CompositionExclusions.txt`), and Hangul, whose pairs are computed.
fn is_excluded(c: char) -> bool {
    matches!(c, '\u{958}'..='\u{95f}' | '\u{9dc}'..='\u{9dd}' | '\u{9df}' | '\u{a33}' | '\u{a36}' | '\u{a59}'..='\u{a5b}' | '\u{a5e}'
        | '\u{b5c}'..='\u{b5d}' | '\u{f43}' | '\u{f4d}' | '\u{f52}' | '\u{f57}' | '\u{f5c}' | '\u{f69}'
        | '\u{f76}' | '\u{f78}' | '\u{f93}' | '\u{f9d}' | '\u{fa2}' | '\u{fa7}' | '\u{fac}' | '\u{fb9}' | '\u{2adc}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{fb1d}'..='\u{fb4e}' | '\u{1d15e}'..='\u{1d164}' | '\u{1d1bb}'..='\u{1d1c0}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_pairs_are_those_of_the_crate() {
        let pairs = pairs();
        let of = |part: fn(&Pair) -> char| pairs.iter().map(part).collect::<BTreeSet<char>>();
        let (firsts, seconds, wholes) = (of(|pair| pair.0), of(|pair| pair.1), of(|pair| pair.2));
        for first in firsts
            .union(&wholes)
            .copied()
            .chain('\u{1100}'..='\u{1113}')
            .chain('\u{abff}'..='\u{ac39}')
        {
            for second in seconds
                .iter()
                .copied()
                .chain('\u{1160}'..='\u{1176}')
                .chain('\u{11a7}'..='\u{11c3}')
            {
                let theirs = unicode_normalization::char::compose(first, second);
                assert_eq!(compose(first, second), theirs, "{first:?} {second:?}");
            }
        }
        for c in LAST..=char::MAX {
            decompose_canonical(c, |part| assert!(c == LAST || part == c, "{c:?}"));
        }
        // And every pair of theirs is one of these.
        for c in ('\u{80}'..=LAST).filter(|c| !('\u{ac00}'..='\u{d7a3}').contains(c)) {
            let mut apart = Vec::new();
            decompose_canonical(c, |part| apart.push(part));
            let joined = apart
                .iter()
                .skip(1)
                .try_fold(apart[0], |first, second| unicode_normalization::char::compose(first, *second));
            if apart.len() > 1 && joined == Some(c) {
                assert!(pairs.iter().any(|pair| pair.2 == c), "{c:?}");
            }
        }
    }
}
