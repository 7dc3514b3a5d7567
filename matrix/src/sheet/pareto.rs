//! Which designs no other beats in several metrics at the same time, as far as the launches can tell.
//!
//! A design is *beaten* by another one that is not worse in any objective and better in one, by more than the margin of
//! a comparison: a difference below it is not worth acting on, and two designs cannot beat each other. Both come from
//! bounds that hold together for all other designs and all objectives, so a design that none truly beats is called beaten
//! in at most one sweep of twenty, however many there are. It is *open* where another one has the better figures and the
//! noise is too large to say so, and *unbeaten* otherwise.

use std::cmp::Ordering;

use serde::Serialize;

use crate::record::{Launch, Plan};
use crate::reduce;
use crate::sheet::{ALPHA, CLIENT_REMEDY};
use crate::stats::median;
use crate::stats::simultaneous::{launches_min, lower_bounds};
use crate::verdict::{Conditions, Margins, Metric};

/// All designs with figures for all objectives, and where they stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Front {
    /// What is to be good at the same time.
    pub objectives: Vec<Metric>,
    /// The unbeaten ones, the open ones, then the beaten ones; each by the first objective.
    pub designs: Vec<Standing>,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

/// One design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Its name.
    pub design: String,
    /// Its value of each objective, the median over launches, in the metric's own unit.
    pub figures: Vec<f64>,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
}

/// Where a design stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "standing", content = "by", rename_all = "kebab-case")]
pub enum Place {
    /// No other design has figures as good.
    Unbeaten,
    /// This one has, but noise may be all of it.
    Open(String),
    /// This one is better.
    Beaten(String),
}

impl Front {
    /// Over the launches of a workload, of the arms of these numbers.
    #[must_use]
    pub fn of(
        plan: &Plan,
        launches: &[&Launch],
        arms: &[usize],
        objectives: &[Metric],
        conditions: Conditions,
    ) -> Front {
        let candidate = |arm: &usize| Candidate::of(plan, launches, *arm, objectives);
        let mut candidates: Vec<Candidate> = arms.iter().filter_map(candidate).collect();
        candidates.sort_by(|a, b| a.cost(objectives).total_cmp(&b.cost(objectives)));
        let field = Field {
            launches,
            candidates,
            objectives,
            seed: plan.seed,
        };
        let silent: Vec<Metric> = objectives
            .iter()
            .copied()
            .filter(|metric| !conditions.trust(*metric))
            .collect();
        let beaten = match silent.is_empty() {
            true => field.beaten(),
            false => None,
        };
        let notes = notes(&field, beaten.is_some(), &silent);
        Front {
            objectives: objectives.to_vec(),
            designs: field.standings(beaten),
            notes,
        }
    }

    /// Where a design stands.
    #[must_use]
    pub fn place(&self, design: &str) -> Option<&Place> {
        let mut designs = self.designs.iter();
        let found = designs.find(|standing| standing.design == design);
        found.map(|standing| &standing.place)
    }
}

impl Place {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Place::Unbeaten => "unbeaten",
            Place::Open(_) => "open",
            Place::Beaten(_) => "beaten",
        }
    }
}

fn notes(field: &Field, is_tested: bool, silent: &[Metric]) -> Vec<String> {
    let mut notes: Vec<String> = silent.iter().map(|metric| without_say(*metric)).collect();
    if field.candidates.is_empty() {
        notes.push("no design has valid figures for all of it".to_owned());
    } else if !is_tested && silent.is_empty() && field.candidates.len() > 1 {
        notes.push(format!(
            "fewer than {} launches tell no design from another by so many objectives, so nobody is beaten",
            launches_min(field.level())
        ));
    }
    notes
}

fn without_say(metric: Metric) -> String {
    format!(
        "{} has no say, as the machine was noisy or the client was busy, so nobody is beaten. {CLIENT_REMEDY}",
        metric.name()
    )
}

/// A design with its figures.
struct Candidate {
    arm: usize,
    name: String,
    figures: Vec<f64>,
}

impl Candidate {
    fn of(
        plan: &Plan,
        launches: &[&Launch],
        arm: usize,
        objectives: &[Metric],
    ) -> Option<Candidate> {
        let figure = |metric: &Metric| {
            let value = |launch: &&Launch| reduce::value(&launch.arms[arm], *metric);
            median(&launches.iter().map(value).collect::<Option<Vec<f64>>>()?)
        };
        Some(Candidate {
            arm,
            name: plan.label(arm),
            figures: objectives.iter().map(figure).collect::<Option<_>>()?,
        })
    }

    /// The figure of the first objective, turned so that less is better.
    fn cost(&self, objectives: &[Metric]) -> f64 {
        less_is_better(objectives[0], self.figures[0])
    }

    /// Whether no figure is worse than those of `other`, and one is better.
    fn looks_better_than(&self, other: &Candidate, objectives: &[Metric]) -> bool {
        let figures = self.figures.iter().zip(&other.figures).zip(objectives);
        let turned = figures.map(|((own, other), metric)| {
            less_is_better(*metric, *own).total_cmp(&less_is_better(*metric, *other))
        });
        let orders: Vec<Ordering> = turned.collect();
        !orders.contains(&Ordering::Greater) && orders.contains(&Ordering::Less)
    }
}

fn less_is_better(metric: Metric, figure: f64) -> f64 {
    match metric.more_is_better() {
        true => -figure,
        false => figure,
    }
}

/// Everybody against everybody.
struct Field<'a> {
    launches: &'a [&'a Launch],
    candidates: Vec<Candidate>,
    objectives: &'a [Metric],
    seed: u64,
}

impl Field<'_> {
    /// Who is beaten by whom: `[loser][winner]`. None where there are too few launches.
    fn beaten(&self) -> Option<Vec<Vec<bool>>> {
        let count = self.candidates.len();
        let of_loser = |loser: usize| {
            let others: Vec<usize> = (0..count).filter(|other| *other != loser).collect();
            let mut by = self.beaten_by(loser, &others)?;
            by.insert(loser, false);
            Some(by)
        };
        (0..count).map(of_loser).collect()
    }

    /// Each objective has its part of the chance of a false alarm.
    fn level(&self) -> f64 {
        ALPHA / self.objectives.len() as f64
    }

    /// Which of the others beat one.
    fn beaten_by(&self, loser: usize, others: &[usize]) -> Option<Vec<bool>> {
        let (mut is_better, mut is_worse) = (vec![false; others.len()], vec![false; others.len()]);
        let lost = &self.candidates[loser];
        for (metric, figure) in self.objectives.iter().zip(&lost.figures) {
            let advantages: Option<Vec<Vec<f64>>> = others
                .iter()
                .map(|other| {
                    let other = self.candidates[*other].arm;
                    reduce::advantages(self.launches, lost.arm, other, *metric)
                })
                .collect();
            let bounds = lower_bounds(&advantages?, self.level(), self.seed)?;
            let margin = Margins::default().of(*metric, *figure).ln_1p();
            for (other, bound) in bounds.into_iter().enumerate() {
                is_better[other] |= bound > margin;
                is_worse[other] |= bound <= -margin;
            }
        }
        let both = is_better.into_iter().zip(is_worse);
        Some(both.map(|(better, worse)| better && !worse).collect())
    }

    /// Where everybody stands, the unbeaten first.
    fn standings(&self, beaten: Option<Vec<Vec<bool>>>) -> Vec<Standing> {
        let count = self.candidates.len();
        let beaten = beaten.unwrap_or_else(|| vec![vec![false; count]; count]);
        let reaches = closed(beaten.clone());
        // In a circle of small steps nobody is better than anybody.
        let beats = |other: usize, one: usize| beaten[one][other] && !reaches[other][one];
        let is_beaten = |one: usize| (0..count).any(|other| beats(other, one));
        let place = |one: usize| {
            let name = |other: usize| self.candidates[other].name.clone();
            let looks_better = |other: &usize| {
                self.candidates[*other].looks_better_than(&self.candidates[one], self.objectives)
            };
            let winners = (0..count).filter(|other| beats(*other, one));
            // One that nobody beats is the better answer.
            if let Some(winner) = winners.min_by_key(|winner| is_beaten(*winner)) {
                Place::Beaten(name(winner))
            } else {
                let open = (0..count).find(looks_better);
                open.map_or(Place::Unbeaten, |other| Place::Open(name(other)))
            }
        };
        let standing = |one: usize| Standing {
            design: self.candidates[one].name.clone(),
            figures: self.candidates[one].figures.clone(),
            place: place(one),
        };
        let mut standings: Vec<Standing> = (0..count).map(standing).collect();
        standings.sort_by_key(|standing| match standing.place {
            Place::Unbeaten => 0,
            Place::Open(_) => 1,
            Place::Beaten(_) => 2,
        });
        standings
    }
}

/// Who reaches whom over any number of steps (Warshall).
fn closed(mut steps: Vec<Vec<bool>>) -> Vec<Vec<bool>> {
    for via in 0..steps.len() {
        let onward = steps[via].clone();
        for from in steps.iter_mut().filter(|from| from[via]) {
            from.iter_mut().zip(&onward).for_each(|(to, on)| *to |= on);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_circle_nobody_is_beaten_and_who_stands_outside_is() {
        let candidate = |name: &str| Candidate {
            arm: 0,
            name: name.to_owned(),
            figures: vec![1.0, 1.0, 1.0],
        };
        let objectives = [Metric::CpuPerRequest, Metric::Memory, Metric::LatencyP99];
        let field = Field {
            launches: &[],
            candidates: ["a", "b", "c", "d"].map(candidate).into(),
            objectives: &objectives,
            seed: 1,
        };
        let mut beaten = vec![vec![false; 4]; 4];
        for (winner, loser) in [(0, 1), (1, 2), (2, 0), (1, 3)] {
            beaten[loser][winner] = true;
        }
        let standings = field.standings(Some(beaten));
        let places: Vec<&Place> = standings.iter().map(|standing| &standing.place).collect();
        let by_b = Place::Beaten("b".to_owned());
        assert_eq!(
            places,
            [&Place::Unbeaten, &Place::Unbeaten, &Place::Unbeaten, &by_b]
        );
    }
}
