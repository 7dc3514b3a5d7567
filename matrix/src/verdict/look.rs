//! When a comparison is tested, and at which level.
//!
//! Each look spends a part of the chance of a false alarm: 0.015 + 0.015 + 0.02 is one in twenty, whatever comes of it.

use serde::{Deserialize, Serialize};

/// A moment at which the launches are tested.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// After this many launches.
    pub launches: u32,
    /// The level of the test: 1 − α is the level of its interval.
    pub alpha: f64,
}

/// The plan of looks. With fewer than 8 launches no sign-flip test reaches α = 0.015 (2/2⁷ is above it).
pub const LOOKS: [Look; 3] = [
    Look {
        launches: 8,
        alpha: 0.015,
    },
    Look {
        launches: 16,
        alpha: 0.015,
    },
    Look {
        launches: 32,
        alpha: 0.02,
    },
];

/// The looks of a comparison of at most `launches_max` launches: those of [`LOOKS`] before it, and one at its end.
#[must_use]
pub fn looks(launches_max: u32) -> Vec<Look> {
    let last = LOOKS
        .iter()
        .position(|look| look.launches >= launches_max)
        .unwrap_or(LOOKS.len() - 1);
    let mut looks = LOOKS[..=last].to_vec();
    looks[last].launches = launches_max.min(LOOKS[last].launches);
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_end_where_the_launches_end() {
        let launches = |max| {
            looks(max)
                .iter()
                .map(|look| look.launches)
                .collect::<Vec<_>>()
        };
        assert_eq!(launches(8), [8]);
        assert_eq!(launches(12), [8, 12]);
        assert_eq!(launches(32), [8, 16, 32]);
    }
}
