//! What each axis does to a figure: main effects and shares of variance over designs and launches.
//!
//! Every launch has one response per design. With one effect per value, those of an axis summing to zero, the effects of
//! a launch are those that come closest to its responses (least squares):
//!
//! ```text
//! response(launch, design) ≈ mean(launch) + effect(value on axis 1) + effect(value on axis 2) + …
//! ```
//!
//! Where every two values of different axes meet equally often, as in a full factorial, that is the mean of the designs
//! with a value less the mean of all, and each axis has a share of the variance (`shares.rs`).
//!
//! A main effect is an average over the other axes; where interactions are large, no design need show it. Launches are
//! the blocks: what moves all designs of a launch alike is in no effect, and the estimates of an effect, one per launch,
//! are what a test may use. What chance gave a design for good, such as the layout of its code, is in every launch and
//! counts as interaction.

mod shares;

use std::collections::BTreeSet;

pub use shares::Shares;

/// A pivot that small, where columns hold ones, means that two effects cannot be told apart.
const PIVOT_MIN: f64 = 1e-9;

/// Designs as the number of their value on every axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factorial {
    /// How many values each axis has.
    pub sizes: Vec<usize>,
    /// One entry per axis, each below its size.
    pub designs: Vec<Vec<usize>>,
}

/// What the launches say about the axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// By axis and value: one estimate per launch.
    pub by_launch: Vec<Vec<Vec<f64>>>,
    /// None where values do not meet equally often, nothing varies, or nothing is left to tell noise by.
    pub shares: Option<Shares>,
}

impl Factorial {
    /// The effects in `responses`: one list per launch, in the order of the designs.
    ///
    /// `None` when some effects cannot be told apart, as when two values only occur together.
    ///
    /// # Panics
    /// When a launch has another number of responses than there are designs.
    #[must_use]
    pub fn effects(&self, responses: &[Vec<f64>]) -> Option<Effects> {
        let columns: Vec<Vec<f64>> = self
            .designs
            .iter()
            .map(|design| self.coded(design))
            .collect();
        let solved: Vec<Vec<f64>> = responses
            .iter()
            .map(|launch| least_squares(&columns, launch))
            .collect::<Option<_>>()?;
        let of_value = |axis: usize, value: usize| -> Vec<f64> {
            let launches = solved.iter();
            launches
                .map(|solution| self.effect(solution, axis, value))
                .collect()
        };
        let of_axis = |axis: usize| {
            (0..self.sizes[axis])
                .map(|value| of_value(axis, value))
                .collect()
        };
        let by_launch: Vec<Vec<Vec<f64>>> = (0..self.sizes.len()).map(of_axis).collect();
        let shares = self
            .shares(responses, &by_launch)
            .filter(|_| self.is_balanced());
        Some(Effects { by_launch, shares })
    }

    /// One column for the mean, and one per value but the last of each axis, which is what the others leave.
    fn coded(&self, design: &[usize]) -> Vec<f64> {
        let of_axis = |(value, size): (&usize, &usize)| {
            let (value, last) = (*value, size - 1);
            (0..last).map(move |column| match value {
                _ if value == last => -1.0,
                _ if value == column => 1.0,
                _ => 0.0,
            })
        };
        let axes = design.iter().zip(&self.sizes).flat_map(of_axis);
        std::iter::once(1.0).chain(axes).collect()
    }

    fn effect(&self, solution: &[f64], axis: usize, value: usize) -> f64 {
        let from = 1 + self.sizes[..axis]
            .iter()
            .map(|size| size - 1)
            .sum::<usize>();
        let effects = &solution[from..from + self.sizes[axis] - 1];
        effects
            .get(value)
            .copied()
            .unwrap_or_else(|| -effects.iter().sum::<f64>())
    }

    /// Whether every two values of different axes meet equally often, and so do all values of an axis.
    fn is_balanced(&self) -> bool {
        let axes = self.sizes.len();
        let meets = |a: usize, b: usize| {
            let mut counts = vec![0; self.sizes[a] * self.sizes[b]];
            for design in &self.designs {
                counts[design[a] * self.sizes[b] + design[b]] += 1;
            }
            counts.iter().all(|count| *count == counts[0])
        };
        (0..axes).all(|a| (a + 1..axes).all(|b| meets(a, b))) && (axes != 1 || self.is_level(0))
    }

    fn is_level(&self, axis: usize) -> bool {
        let of = |value| {
            self.designs
                .iter()
                .filter(|design| design[axis] == value)
                .count()
        };
        (0..self.sizes[axis]).all(|value| of(value) == of(0))
    }
}

/// The values of every axis that have all their combinations among `designs`, so that what is left is a full factorial.
///
/// While a combination is missing, the value goes that misses the largest share of its own; of several, the one with the
/// fewest combinations. The last value of an axis stays: `None` when that is not enough.
#[must_use]
pub fn completed(sizes: &[usize], designs: &[Vec<usize>]) -> Option<Vec<Vec<usize>>> {
    let there: BTreeSet<&Vec<usize>> = designs.iter().collect();
    let mut kept: Vec<Vec<usize>> = sizes.iter().map(|size| (0..*size).collect()).collect();
    loop {
        let all = combinations(&kept);
        let missing: Vec<&Vec<usize>> = all
            .iter()
            .filter(|design| !there.contains(design))
            .collect();
        if missing.is_empty() {
            return (!all.is_empty()).then_some(kept);
        }
        let axes = (0..kept.len()).filter(|axis| kept[*axis].len() > 1);
        let candidates = axes.flat_map(|axis| kept[axis].iter().map(move |value| (axis, *value)));
        let worst = candidates.max_by_key(|(axis, value)| {
            let misses = missing
                .iter()
                .filter(|design| design[*axis] == *value)
                .count();
            // Of a common whole, so that shares compare as whole numbers.
            (misses * kept[*axis].len(), kept[*axis].len())
        });
        let (axis, value) = worst?;
        kept[axis].retain(|kept| *kept != value);
    }
}

/// Every choice of one value per axis.
#[must_use]
pub fn combinations(values: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let extend = |all: Vec<Vec<usize>>, axis: &Vec<usize>| {
        let with = |design: &Vec<usize>| -> Vec<Vec<usize>> {
            let with = |value: &usize| design.iter().chain([value]).copied().collect();
            axis.iter().map(with).collect()
        };
        all.iter().flat_map(with).collect()
    };
    values.iter().fold(vec![Vec::new()], extend)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The `x` that brings `rows · x` closest to `responses`: Gauss's elimination on the normal equations, whose few columns
/// of ones lose no precision.
fn least_squares(rows: &[Vec<f64>], responses: &[f64]) -> Option<Vec<f64>> {
    assert_eq!(rows.len(), responses.len(), "one response per design");
    let columns = rows.first()?.len();
    let joined = rows
        .iter()
        .zip(responses)
        .map(|(row, response)| [&row[..], &[*response]].concat());
    let joined: Vec<Vec<f64>> = joined.collect();
    let product = |a: usize, b: usize| joined.iter().map(|row| row[a] * row[b]).sum::<f64>();
    let mut system: Vec<Vec<f64>> = (0..columns)
        .map(|a| (0..=columns).map(|b| product(a, b)).collect())
        .collect();
    for column in 0..columns {
        let below = column..columns;
        let pivot = below.max_by(|a, b| {
            system[*a][column]
                .abs()
                .total_cmp(&system[*b][column].abs())
        })?;
        system.swap(column, pivot);
        let leading = system[column].clone();
        if leading[column].abs() < PIVOT_MIN {
            return None;
        }
        for (row, cells) in system.iter_mut().enumerate() {
            let factor = cells[column] / leading[column];
            if row != column {
                cells
                    .iter_mut()
                    .zip(&leading)
                    .for_each(|(cell, lead)| *cell -= factor * lead);
            }
        }
    }
    let solved = |column: usize| system[column][columns] / system[column][column];
    Some((0..columns).map(solved).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;
    use crate::stats::signflip::SignFlip;

    pub(super) fn full(sizes: &[usize]) -> Factorial {
        let values: Vec<Vec<usize>> = sizes.iter().map(|size| (0..*size).collect()).collect();
        Factorial {
            sizes: sizes.to_vec(),
            designs: combinations(&values),
        }
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-12
    }

    /// By hand. Designs (a0,b0) (a0,b1) (a1,b0) (a1,b1):
    ///
    /// ```text
    /// launch 1   1   3   5  11   mean  5      a0 −3, a1 +3      b0 −2, b1 +2
    /// launch 2   2   4   8  10   mean  6      a0 −3, a1 +3      b0 −1, b1 +1
    /// design   1.5 3.5 6.5 10.5  mean 5.5     a0 −3, a1 +3      b0 −1.5, b1 +1.5
    /// squares  all 20.25+6.25+0.25+30.25 + 12.25+2.25+6.25+20.25 = 98
    ///          launches 4 · 2 · 0.25 = 2      a 8 · 9 = 72      b 8 · 2.25 = 18
    ///          designs 2 · (16 + 4 + 1 + 25) = 92, so interactions 92 − 90 = 2 and rest 98 − 2 − 92 = 4
    /// noise    rest has (2 − 1) · (4 − 1) = 3 degrees of freedom, so 4/3; every other part has 1
    /// shares   of 98 + 4/3 = 298/3:  a 72 − 4/3 = 212/3,  b 18 − 4/3 = 50/3,  interactions and launches 2 − 4/3 = 2/3,
    ///          rest 8 · 4/3 = 32/3
    /// ```
    #[test]
    fn effects_and_shares_agree_with_a_sum_by_hand() {
        let responses = [vec![1.0, 3.0, 5.0, 11.0], vec![2.0, 4.0, 8.0, 10.0]];
        let effects = full(&[2, 2]).effects(&responses).unwrap();
        let expected = [[[-3.0, -3.0], [3.0, 3.0]], [[-2.0, -1.0], [2.0, 1.0]]];
        for (axis, values) in effects.by_launch.iter().zip(expected) {
            for (found, expected) in axis.iter().flatten().zip(values.iter().flatten()) {
                assert!(close(*found, *expected), "{effects:?}");
            }
        }
        let shares = effects.shares.unwrap();
        let found = [
            shares.axes[0],
            shares.axes[1],
            shares.interactions,
            shares.launches,
            shares.rest,
        ];
        for (share, thirds) in found.iter().zip([212.0, 50.0, 2.0, 2.0, 32.0]) {
            assert!(close(*share, thirds / 298.0), "{found:?}");
        }
    }

    /// Close to normal, standard deviation 1: the sum of twelve uniform numbers less six.
    fn noise(random: &mut Random) -> f64 {
        let uniform = |_| random.below(1 << 20) as f64 / f64::from(1 << 20);
        (0..12).map(uniform).sum::<f64>() - 6.0
    }

    /// Launches of 6 × 3 × 3 designs: blocks move by 5 %, cells by `spread`, and the second value of the first axis costs
    /// `factor`.
    pub(super) fn launches(random: &mut Random, spread: f64, factor: f64) -> Vec<Vec<f64>> {
        let designs = full(&[6, 3, 3]).designs;
        let launch = |_| {
            let block = 0.05 * noise(random);
            let mut cell = |design: &Vec<usize>| {
                let planted = if design[0] == 1 { factor.ln() } else { 0.0 };
                block + planted + spread * noise(random)
            };
            designs.iter().map(&mut cell).collect()
        };
        (0..8).map(launch).collect()
    }

    #[test]
    fn a_planted_effect_is_found_with_its_size() {
        let mut random = Random::new(5, &[]);
        let effects = full(&[6, 3, 3])
            .effects(&launches(&mut random, 0.01, 1.05))
            .unwrap();
        // One value of six raises the mean by a sixth of its own effect.
        let expected = 1.05_f64.ln();
        let test = SignFlip::new(&effects.by_launch[0][1], 1);
        let interval = test.interval(0.05).unwrap();
        let found = mean(&effects.by_launch[0][1]);
        assert!((found - expected * 5.0 / 6.0).abs() < 0.002, "{found}");
        assert!(interval.low > 0.0 && interval.low < found && found < interval.high);
        let other = mean(&effects.by_launch[0][4]);
        assert!((other + expected / 6.0).abs() < 0.002, "{other}");
        let shares = effects.shares.unwrap();
        let rest: f64 = shares.axes[1..].iter().sum();
        assert!(
            shares.axes[0] > 10.0 * rest && shares.launches > shares.axes[0],
            "{shares:?}"
        );
        let all =
            shares.axes.iter().sum::<f64>() + shares.interactions + shares.launches + shares.rest;
        assert!(close(all, 1.0), "{shares:?}");
    }

    /// Eight launches have 256 tosses, of which twelve may be rejected: a level of 95.3 %.
    #[test]
    fn of_intervals_over_noise_about_one_in_twenty_misses() {
        let mut random = Random::new(7, &[]);
        let factorial = full(&[6, 3, 3]);
        let (mut covered, mut all) = (0, 0);
        for _ in 0..300 {
            let effects = factorial
                .effects(&launches(&mut random, 0.01, 1.0))
                .unwrap();
            for values in effects.by_launch.iter().flatten() {
                let interval = SignFlip::new(values, 1).interval(0.05).unwrap();
                covered += usize::from(interval.low <= 0.0 && 0.0 <= interval.high);
                all += 1;
            }
        }
        let share = covered as f64 / all as f64;
        assert!((0.94..0.965).contains(&share), "{share} of {all}");
    }

    #[test]
    fn fewer_designs_that_meet_in_pairs_give_the_same_effects() {
        let full = full(&[6, 3, 3]);
        let mut diagonal = full.clone();
        diagonal
            .designs
            .retain(|design| design[2] == (design[0] + design[1]) % 3);
        assert_eq!(diagonal.designs.len(), 18);
        let response = |design: &Vec<usize>| 10.0 + design[0] as f64 - 3.0 * design[1] as f64;
        let of = |factorial: &Factorial| {
            let responses: Vec<f64> = factorial.designs.iter().map(response).collect();
            factorial.effects(&[responses.clone(), responses]).unwrap()
        };
        let (all, few) = (of(&full), of(&diagonal));
        for (all, few) in all
            .by_launch
            .iter()
            .flatten()
            .zip(few.by_launch.iter().flatten())
        {
            assert!(close(all[0], few[0]), "{all:?} {few:?}");
        }
        assert!(few.shares.unwrap().axes[2] < 1e-12);
        // Without balance effects still come out right, shares would overlap.
        diagonal.designs.remove(7);
        let fewer = of(&diagonal);
        assert!(close(fewer.by_launch[0][5][0], 2.5) && fewer.shares.is_none());
    }

    #[test]
    fn effects_that_cannot_be_told_apart_are_none() {
        let mut twins = full(&[2, 2]);
        twins.designs.retain(|design| design[0] == design[1]);
        assert_eq!(twins.effects(&[vec![1.0, 2.0]]), None);
    }

    #[test]
    fn an_incomplete_value_goes_and_takes_the_least_with_it() {
        let designs = full(&[6, 3, 3]).designs;
        let without = |gone: &dyn Fn(&Vec<usize>) -> bool| {
            let left: Vec<_> = designs
                .iter()
                .filter(|design| !gone(design))
                .cloned()
                .collect();
            completed(&[6, 3, 3], &left)
        };
        let all = vec![(0..6).collect::<Vec<_>>(), vec![0, 1, 2], vec![0, 1, 2]];
        assert_eq!(without(&|_| false), Some(all.clone()));
        // One cell: of its three values the backend has the fewest designs to lose.
        let mut fewer = all.clone();
        fewer[0].remove(2);
        assert_eq!(without(&|design| *design == [2, 1, 1]), Some(fewer));
        // Two of the nine designs of a backend are more than three of the eighteen of an allocator.
        let gone = [[2, 0, 1], [2, 1, 1], [3, 0, 1]];
        let kept = without(&|design| gone.iter().any(|gone| design == gone)).unwrap();
        assert_eq!(kept, [vec![0, 1, 4, 5], vec![0, 1, 2], vec![0, 1, 2]]);
        // One cell in every backend: the value that all of them share.
        let mut fewer = all;
        fewer[2].remove(0);
        assert_eq!(
            without(&|design| design[1..] == [1, 0]).map(|kept| kept[2].len() + kept[1].len()),
            Some(5)
        );
        assert_eq!(without(&|design| design[2] == 0), Some(fewer));
        assert_eq!(without(&|_| true), None);
        assert_eq!(completed(&[], &[]), None);
    }
}
