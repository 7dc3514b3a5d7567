//! What every backend says of a setting in the same words: which values there are, and which names. What the settings are
//! stands in each backend's `tuning.rs`.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// The value, if it is one of these.
///
/// # Errors
/// A sentence that says which values there are.
pub fn number<N: PartialOrd + Display>(
    name: &str,
    value: N,
    values: RangeInclusive<N>,
) -> Result<N, String> {
    if values.contains(&value) {
        return Ok(value);
    }
    let (least, most) = values.into_inner();
    Err(format!("{name} is a number from {least} to {most}"))
}

/// The value, if it is a power of two among these.
///
/// # Errors
/// A sentence that says which values there are.
pub fn power_of_two(
    name: &str,
    value: usize,
    values: RangeInclusive<usize>,
) -> Result<usize, String> {
    if value.is_power_of_two() && values.contains(&value) {
        return Ok(value);
    }
    let (least, most) = values.into_inner();
    Err(format!("{name} is a power of two from {least} to {most}"))
}

/// What is said to a name that is none of these, whose meanings stand beside them.
pub fn unknown(name: &str, names: &[(&str, &str)]) -> String {
    let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    format!(
        "the backend has no setting {name}; it has {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_fit_and_what_lies_beyond_is_told_what_does() {
        let told = Err("a is a number from 2 to 9".to_owned());
        assert_eq!(
            [2, 9].map(|value| number("a", value, 2..=9)),
            [Ok(2), Ok(9)]
        );
        assert_eq!(
            [1, 10].map(|value| number("a", value, 2..=9)),
            [told.clone(), told]
        );
        let told = Err("a is a power of two from 8 to 32".to_owned());
        assert_eq!(
            [8, 32].map(|value| power_of_two("a", value, 8..=32)),
            [Ok(8), Ok(32)]
        );
        for value in [0, 4, 12, 64] {
            assert_eq!(power_of_two("a", value, 8..=32), told);
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let said = unknown("a", &[("b", "…"), ("c", "…")]);
        assert_eq!(said, "the backend has no setting a; it has b, c");
    }
}
