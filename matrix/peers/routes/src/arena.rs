//! What the arena's routes answer: `/pipeline`, `/baseline11`, `/json`, `/delay`.

use crate::items;

/// The longest delay.
pub const DELAY_MS_MAX: u64 = 60_000;

/// The media type of all routes but `/json`.
pub const TEXT: &str = "text/plain";

/// The media type of `/json`.
pub const JSON: &str = "application/json";

/// `/baseline11`: the sum of the integers in the query and of the one in the content; what is no integer counts nothing.
#[must_use]
pub fn sum(query: &str, content: &[u8]) -> i64 {
    let content = std::str::from_utf8(content).unwrap_or_default().trim();
    let numbers = values(query).map(|(_, value)| value).chain([content]);
    numbers
        .filter_map(|text| text.parse().ok())
        .fold(0, i64::wrapping_add)
}

/// `/json/COUNT?m=M`: so many items as JSON.
///
/// # Errors
/// The status of the answer: 404 where there are not so many, 400 where `m` is no number.
pub fn document(count: &str, query: &str) -> Result<Vec<u8>, u16> {
    let multiplier = match values(query).find(|(name, _)| *name == "m") {
        None => Ok(1),
        Some((_, value)) => value.parse(),
    };
    match (count.parse(), multiplier) {
        (Ok(1..=items::COUNT), Err(_)) => Err(400),
        (Ok(count @ 1..=items::COUNT), Ok(multiplier)) => Ok(items::document(count, multiplier)),
        _ => Err(404),
    }
}

/// `/delay/MS`: how long the answer `ok` waits; none where that is no such route.
#[must_use]
pub fn delay_ms(ms: &str) -> Option<u64> {
    ms.parse().ok().filter(|ms| *ms <= DELAY_MS_MAX)
}

/// The names and values of a query.
fn values(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}
