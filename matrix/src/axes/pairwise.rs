//! The fewest designs in which every two values of different axes still meet.
//!
//! Most differences come from one value or from two that meet, so such a set finds them without building everything. It is
//! greedy: whichever design has the most pairs that no design so far has comes next. Among equals a diagonal order
//! decides: with the axes by falling number of values, the k-th axis after the second has value i + k·j where the first
//! has i and the second j.
//!
//! Bound: three axes that combine freely take as many designs as their two longest have pairs, and no set can have fewer:
//! along the diagonals each design brings two pairs that are new, and as long as the two shorter axes have unmet pairs,
//! three. With more axes, or with combinations left out, every pair that some design has is still covered, but the
//! number is only what greed finds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::design::{Choice, Design};

/// Which designs are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// All of them
    #[default]
    Full,
    /// The fewest in which every two values of different axes meet
    Pairwise,
}

impl Coverage {
    /// Those of these designs, in their order.
    #[must_use]
    pub fn of(self, designs: Vec<Design>) -> Vec<Design> {
        match self {
            Coverage::Full => designs,
            Coverage::Pairwise => pairwise(&designs),
        }
    }
}

type Pair<'a> = (&'a Choice, &'a Choice);

fn pairwise(designs: &[Design]) -> Vec<Design> {
    let order = diagonally(designs);
    let mut unmet: BTreeSet<Pair<'_>> = designs.iter().flat_map(pairs).collect();
    let mut chosen = BTreeSet::new();
    while !unmet.is_empty() {
        let gain = |design: usize| pairs(&designs[design]).filter(|pair| unmet.contains(pair));
        // The first of the largest.
        let best = order
            .iter()
            .rev()
            .max_by_key(|design| gain(**design).count());
        let best = *best.expect("an unmet pair is one of a design");
        pairs(&designs[best]).for_each(|pair| {
            unmet.remove(&pair);
        });
        chosen.insert(best);
    }
    // A design without a second axis meets nobody and still has a value.
    if chosen.is_empty() {
        return designs.to_vec();
    }
    chosen
        .into_iter()
        .map(|design| designs[design].clone())
        .collect()
}

/// Every two of a design's choices.
fn pairs(design: &Design) -> impl Iterator<Item = Pair<'_>> {
    let choices = design.choices();
    (0..choices.len()).flat_map(move |first| {
        choices[first + 1..]
            .iter()
            .map(move |second| (&choices[first], second))
    })
}

/// The designs with those on the diagonals first.
fn diagonally(designs: &[Design]) -> Vec<usize> {
    let values = values(designs);
    let mut axes: Vec<usize> = (0..values.len()).collect();
    axes.sort_by_key(|axis| std::cmp::Reverse(values[*axis].len()));
    let place = |design: &Design| -> Vec<usize> {
        let choices = design.choices();
        let place = |axis: &usize| {
            let value = choices[*axis].value.as_str();
            values[*axis].iter().position(|known| *known == value)
        };
        axes.iter().filter_map(place).collect()
    };
    let is_off = |design: &usize| {
        let place = place(&designs[*design]);
        let on = |(k, axis): (usize, &usize)| {
            place[k + 2] == (place[0] + (k + 1) * place[1]) % values[*axis].len()
        };
        !axes.iter().skip(2).enumerate().all(on)
    };
    let mut order: Vec<usize> = (0..designs.len()).collect();
    order.sort_by_key(|design| (is_off(design), place(&designs[*design])));
    order
}

/// The values of every axis, in the order in which they appear.
fn values(designs: &[Design]) -> Vec<Vec<&str>> {
    let mut values: Vec<Vec<&str>> = Vec::new();
    for design in designs {
        values.resize(design.choices().len(), Vec::new());
        for (known, value) in values.iter_mut().zip(design.values()) {
            if !known.contains(&value) {
                known.push(value);
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of axes with so many values, as `a0+b2+c1`.
    fn product(sizes: &[usize]) -> Vec<Design> {
        let mut all = vec![Vec::new()];
        for (axis, size) in ('a'..).zip(sizes) {
            let choice = |value: usize| Choice {
                axis: axis.to_string(),
                value: format!("{axis}{value}"),
                is_unnamed: false,
            };
            let extend = |choices: &Vec<Choice>| -> Vec<Vec<Choice>> {
                let with = |value| choices.iter().cloned().chain([choice(value)]).collect();
                (0..*size).map(with).collect()
            };
            all = all.iter().flat_map(extend).collect();
        }
        all.into_iter()
            .map(|choices| Design::new("", &[], choices))
            .collect()
    }

    fn met(designs: &[Design]) -> BTreeSet<Pair<'_>> {
        designs.iter().flat_map(pairs).collect()
    }

    #[test]
    fn three_free_axes_take_the_pairs_of_the_two_longest() {
        for sizes in [
            [6, 3, 3],
            [3, 6, 3],
            [3, 3, 3],
            [2, 2, 3],
            [5, 4, 3],
            [4, 4, 4],
            [2, 2, 2],
            [7, 1, 2],
            [1, 1, 1],
            [6, 6, 5],
        ] {
            let all = product(&sizes);
            let chosen = pairwise(&all);
            assert_eq!(met(&chosen), met(&all), "{sizes:?}");
            let mut longest = sizes;
            longest.sort_unstable();
            assert_eq!(chosen.len(), longest[1] * longest[2], "{sizes:?}");
        }
    }

    #[test]
    fn other_numbers_of_axes_are_covered_too() {
        for (sizes, most) in [
            (&[3][..], 3),
            (&[4, 2], 8),
            (&[6, 3, 3, 3], 24),
            (&[2; 6], 10),
        ] {
            let all = product(sizes);
            let chosen = pairwise(&all);
            assert_eq!(met(&chosen), met(&all), "{sizes:?}");
            assert!(chosen.len() <= most, "{sizes:?}: {}", chosen.len());
        }
        assert!(pairwise(&[]).is_empty());
    }

    #[test]
    fn what_is_left_out_is_neither_chosen_nor_missed() {
        let mut all = product(&[6, 3, 3]);
        // A pair, and with it a whole combination of another one.
        all.retain(|design| {
            let name = design.name();
            !(name.starts_with("a0+b0") || name == "a5+b2+c2")
        });
        let chosen = pairwise(&all);
        assert_eq!(met(&chosen), met(&all));
        assert!(chosen.iter().all(|design| all.contains(design)));
        assert!(chosen.len() <= 20, "{}", chosen.len());
    }

    #[test]
    fn the_order_is_that_of_the_designs_and_always_the_same() {
        let all = product(&[3, 2, 2]);
        let names: Vec<_> = pairwise(&all).iter().map(Design::name).collect();
        assert_eq!(
            names,
            [
                "a0+b0+c0", "a0+b1+c1", "a1+b0+c1", "a1+b1+c0", "a2+b0+c0", "a2+b1+c1"
            ]
        );
    }
}
