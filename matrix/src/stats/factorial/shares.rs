//! Which part of the variance each axis has.
//!
//! Where every two values of different axes meet equally often, the sum of squares falls into parts without overlap:
//!
//! ```text
//! all = launches + axis 1 + axis 2 + … + interactions + rest
//!       └ blocks   └───────── between designs ─────┘   └ designs differ otherwise in other launches
//! ```
//!
//! Noise is in every part, by its degrees of freedom: of 6 × 3 × 3 designs in 8 launches interactions have 44 and the rest
//! 371. So shares are ω², the estimate that takes what noise puts into a part off it:
//!
//! ```text
//! share = (squares of the part − its degrees of freedom · noise) / (all + noise)       noise = rest / its degrees
//! ```
//!
//! It is 0 where that is negative, and the rest is what the others leave (Hays, *Statistics*, 1963; Olejnik & Algina,
//! *Psychological Methods* 8, 2003, 434–447, who keep blocks in the whole as well).

use super::{Factorial, mean};

/// Shares of the variance without what noise adds to each (ω²); together 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// One per axis.
    pub axes: Vec<f64>,
    /// What designs differ by beyond the effects of their values.
    pub interactions: f64,
    /// What moved all designs of a launch alike.
    pub launches: f64,
    /// All else.
    pub rest: f64,
}

impl Factorial {
    /// None where nothing varies, or nothing is left to tell noise by; right only where values meet equally often.
    pub(super) fn shares(
        &self,
        responses: &[Vec<f64>],
        by_launch: &[Vec<Vec<f64>>],
    ) -> Option<Shares> {
        let (launches, designs) = (responses.len() as f64, self.designs.len() as f64);
        let launch_means: Vec<f64> = responses.iter().map(|launch| mean(launch)).collect();
        let design_means: Vec<f64> = (0..self.designs.len())
            .map(|design| {
                mean(
                    &responses
                        .iter()
                        .map(|launch| launch[design])
                        .collect::<Vec<_>>(),
                )
            })
            .collect();
        let centre = mean(&launch_means);
        let squares = |values: &[f64]| {
            values
                .iter()
                .map(|value| (value - centre).powi(2))
                .sum::<f64>()
        };
        let all: f64 = responses.iter().map(|launch| squares(launch)).sum();
        let between_launches = designs * squares(&launch_means);
        let between_designs = launches * squares(&design_means);
        let of_axis = |axis: usize| -> f64 {
            let effect = |design: &Vec<usize>| mean(&by_launch[axis][design[axis]]);
            launches
                * self
                    .designs
                    .iter()
                    .map(|design| effect(design).powi(2))
                    .sum::<f64>()
        };
        let axes: Vec<f64> = (0..self.sizes.len()).map(of_axis).collect();
        let interactions = between_designs - axes.iter().sum::<f64>();
        let rest = all - between_launches - between_designs;

        let free_of_axes: usize = self.sizes.iter().map(|size| size - 1).sum();
        let free_of_rest = (launches - 1.0) * (designs - 1.0);
        // A difference of sums: what is 0 may come out a little below.
        let noise = rest.max(0.0) / free_of_rest;
        let share = |squares: f64, free: f64| ((squares - free * noise) / (all + noise)).max(0.0);
        let of_axes = axes.iter().zip(&self.sizes);
        let shares = Shares {
            axes: of_axes
                .map(|(squares, size)| share(*squares, (size - 1) as f64))
                .collect(),
            interactions: share(interactions, designs - 1.0 - free_of_axes as f64),
            launches: share(between_launches, launches - 1.0),
            rest: 0.0,
        };
        let rest = 1.0 - shares.axes.iter().sum::<f64>() - shares.interactions - shares.launches;
        (all > 0.0 && free_of_rest > 0.0).then_some(Shares { rest, ..shares })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{full, launches};
    use crate::stats::random::Random;

    #[test]
    fn one_launch_leaves_nothing_to_tell_noise_by() {
        let effects = full(&[2, 2]).effects(&[vec![1.0, 3.0, 5.0, 11.0]]).unwrap();
        assert_eq!(effects.shares, None);
    }

    /// The mean over `campaigns` of each share, axes first, then interactions, launches and rest; and each campaign's
    /// share of interactions.
    fn mean_shares(
        campaigns: usize,
        spread: f64,
        cell: impl Fn(&[usize]) -> f64,
    ) -> ([f64; 6], Vec<f64>) {
        let mut random = Random::new(11, &[]);
        let factorial = full(&[6, 3, 3]);
        let (mut sums, mut of_interactions) = ([0.0; 6], Vec::new());
        for _ in 0..campaigns {
            let mut responses = launches(&mut random, spread, 1.0);
            for launch in &mut responses {
                let cells = launch.iter_mut().zip(&factorial.designs);
                cells.for_each(|(response, design)| *response += cell(design));
            }
            let shares = factorial.effects(&responses).unwrap().shares.unwrap();
            let [a, b, c] = shares.axes[..] else {
                panic!("three axes")
            };
            let found = [a, b, c, shares.interactions, shares.launches, shares.rest];
            assert!(found.iter().all(|share| *share >= 0.0), "{found:?}");
            sums.iter_mut()
                .zip(found)
                .for_each(|(sum, share)| *sum += share);
            of_interactions.push(shares.interactions);
        }
        of_interactions.sort_by(f64::total_cmp);
        (sums.map(|sum| sum / campaigns as f64), of_interactions)
    }

    /// Uncorrected, interactions would have 44 of the 424 degrees of freedom within launches: a tenth.
    #[test]
    fn noise_alone_has_next_to_no_share() {
        let (means, interactions) = mean_shares(400, 1.0, |_| 0.0);
        assert!(means[..3].iter().all(|share| *share < 0.005), "{means:?}");
        assert!(means[3] < 0.015 && means[5] > 0.97, "{means:?}");
        assert!(interactions[379] < 0.045, "{interactions:?}");
    }

    /// Effects of a 0.5 on each of two values of three, mean square 1/6, and an interaction of the same mean square, beside
    /// noise and launches as they come.
    #[test]
    fn planted_shares_are_recovered() {
        let effect = |value: usize| [-0.5, 0.0, 0.5][value];
        let cell = |design: &[usize]| {
            effect(design[1]) + effect(design[1]) * effect(design[2]) * 6.0_f64.sqrt()
        };
        let (means, _) = mean_shares(400, 1.0, cell);
        let all = 2.0 / 6.0 + 1.0 + 0.05_f64.powi(2);
        for (share, planted) in means
            .iter()
            .zip([0.0, 1.0 / 6.0, 0.0, 1.0 / 6.0, 0.0025, 1.0])
        {
            assert!((share - planted / all).abs() < 0.01, "{means:?}");
        }
    }
}
