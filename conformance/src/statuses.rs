//! Which statuses may come: `2xx|404` for one answer, a trailing `+` for one and more, a trailing `*` for none and more.

use std::fmt;

use serde::Deserialize;

/// Statuses that an answer, or several in a row, may have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Statuses {
    text: String,
    /// Three characters each, a digit or `x` for any.
    alternatives: Vec<[u8; 3]>,
    count: Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    One,
    OneAndMore,
    NoneAndMore,
}

impl Statuses {
    fn fits(&self, status: u16) -> bool {
        let digits = format!("{status:03}");
        let same = |(pattern, digit): (&u8, u8)| *pattern == b'x' || *pattern == digit;
        self.alternatives
            .iter()
            .any(|alternative| alternative.iter().zip(digits.bytes()).all(same))
    }
}

impl TryFrom<String> for Statuses {
    type Error = String;

    fn try_from(text: String) -> Result<Statuses, String> {
        let (patterns, count) = match text.as_bytes().last() {
            Some(b'+') => (&text[..text.len() - 1], Count::OneAndMore),
            Some(b'*') => (&text[..text.len() - 1], Count::NoneAndMore),
            _ => (&text[..], Count::One),
        };
        let alternative = |pattern: &str| -> Result<[u8; 3], String> {
            let known = |byte: &u8| byte.is_ascii_digit() || *byte == b'x';
            let bytes: Option<[u8; 3]> = pattern.as_bytes().try_into().ok();
            bytes
                .filter(|bytes| bytes.iter().all(known))
                .ok_or_else(|| {
                    format!("{pattern:?} is no status: write three digits, x for any of them")
                })
        };
        let alternatives = patterns
            .split('|')
            .map(alternative)
            .collect::<Result<_, _>>()?;
        Ok(Statuses {
            alternatives,
            count,
            text,
        })
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Whether all statuses in their order are what the patterns in theirs allow, none left over on either side.
#[must_use]
pub fn fit(patterns: &[Statuses], statuses: &[u16]) -> bool {
    let Some((first, rest)) = patterns.split_first() else {
        return statuses.is_empty();
    };
    let takes_first = || statuses.first().is_some_and(|status| first.fits(*status));
    match first.count {
        Count::One => takes_first() && fit(rest, &statuses[1..]),
        Count::OneAndMore => (1..=statuses.len())
            .take_while(|count| first.fits(statuses[count - 1]))
            .any(|count| fit(rest, &statuses[count..])),
        Count::NoneAndMore => {
            fit(rest, statuses) || (takes_first() && fit(patterns, &statuses[1..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(patterns: &[&str], statuses: &[u16]) -> bool {
        let patterns: Vec<Statuses> = patterns
            .iter()
            .map(|text| Statuses::try_from((*text).to_owned()).unwrap())
            .collect();
        fit(&patterns, statuses)
    }

    #[test]
    fn patterns_stand_for_statuses() {
        for (patterns, statuses, expected) in [
            (&["2xx"][..], &[200][..], true),
            (&["2xx"], &[299], true),
            (&["2xx"], &[300], false),
            (&["2xx"], &[], false),
            (&["2xx"], &[200, 200], false),
            (&["2xx|404"], &[404], true),
            (&["2xx|404"], &[405], false),
            (&["400+"], &[400, 400, 400], true),
            (&["400+"], &[], false),
            (&["400|505+"], &[505, 400], true),
            (&["2xx", "xxx*"], &[200], true),
            (&["2xx", "xxx*"], &[200, 500, 200], true),
            (&["2xx+", "400"], &[200, 200, 400], true),
            (&["2xx+", "400"], &[200, 200], false),
            (&["xxx+", "2xx"], &[200, 200], true),
            (&[], &[], true),
            (&[], &[200], false),
        ] {
            assert_eq!(
                fits(patterns, statuses),
                expected,
                "{patterns:?} {statuses:?}"
            );
        }
    }

    #[test]
    fn two_thousand_answers_fit_one_pattern() {
        assert!(fits(&["2xx+"], &[200; 2_000]));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "20", "2000", "2yy", "+", "200|"] {
            assert!(Statuses::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
