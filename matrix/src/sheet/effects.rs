//! What each axis does to a metric under one workload, from the designs of a sweep.
//!
//! Only designs with valid figures in every launch count. The effects are those of a full factorial: where a design is
//! missing, the value that misses most is left out of the effects, and a note says so. A sweep that was asked for pairs
//! only has no full factorial; its main effects are those of least squares, and interactions hide in them. Notes tell
//! three kinds of missing designs apart: those whose figures are not valid, those that this machine cannot run, and those
//! that nobody asked for or that the axes exclude.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::plain_interval;
use crate::axes::Coverage;
use crate::record::{Launch, Plan};
use crate::reduce;
use crate::stats::factorial::{self, Factorial, combinations, completed};
use crate::stats::mean;
use crate::stats::signflip::Interval;
use crate::verdict::Metric;

/// Fewer launches leave nothing to tell an effect from the launch it was seen in.
const LAUNCHES_MIN: usize = 2;

/// A note names so many of the designs that are missing.
const NAMED_MAX: usize = 3;

/// What a workload's launches say about the axes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effects {
    /// What they are effects on.
    pub metric: Metric,
    /// The axes on which designs differ; none where the notes say why.
    pub axes: Vec<Axis>,
    /// What designs differ by beyond the effects of their values, as a share of the variance without what noise adds.
    pub interactions_share: Option<f64>,
    /// What moved all designs of a launch alike.
    pub launches_share: Option<f64>,
    /// All else.
    pub rest_share: Option<f64>,
    /// How many designs they come from.
    pub designs: usize,
    /// How many launches.
    pub launches: usize,
    /// What a reader has to know of them.
    pub notes: Vec<String>,
}

/// One axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its share of the variance, without what noise adds to it; none where the designs are unbalanced.
    pub share: Option<f64>,
    /// Its values.
    pub values: Vec<Value>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// The logarithm of its factor to the geometric mean of its axis.
    pub log_factor: f64,
    /// Its interval; none below six launches.
    pub log_factor_interval: Option<Interval>,
}

/// The designs of a plan as values by number, and the names of both.
struct Named<'a> {
    metric: Metric,
    axes: Vec<String>,
    values: Vec<Vec<&'a str>>,
    /// By the numbers of their values: the responses of the designs that count.
    responses: BTreeMap<Vec<usize>, Vec<f64>>,
    /// The designs of the sweep that do not count.
    missing: BTreeMap<Vec<usize>, Missing>,
}

/// Why a design does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    Invalid,
    CannotRun,
    NotInSweep,
}

impl Missing {
    fn sentence(self) -> &'static str {
        match self {
            Missing::Invalid => "without valid figures",
            Missing::CannotRun => "that cannot run on this machine",
            Missing::NotInSweep => "that this sweep does not have",
        }
    }
}

impl Effects {
    /// The effects in these launches; `is_valid` says of which arms the figures count.
    pub(super) fn of(
        plan: &Plan,
        launches: &[&Launch],
        metric: Metric,
        is_valid: impl Fn(usize) -> bool,
    ) -> Effects {
        let named = Named::of(plan, launches, metric, is_valid);
        if launches.len() < LAUNCHES_MIN {
            return Effects::none(
                metric,
                format!("no effects: they need {LAUNCHES_MIN} launches"),
            );
        }
        let mut notes = Vec::new();
        let kept = match plan.coverage {
            Coverage::Full => named.full(&mut notes),
            Coverage::Pairwise => Some(named.all()),
        };
        let kept = kept.filter(|kept| kept.iter().any(|values| values.len() > 1));
        let found = kept.and_then(|kept| named.effects(&kept, launches.len(), plan.seed));
        let missing = named.listed(named.missing.keys().cloned());
        let is_complete = named.missing.is_empty();
        let Some(mut effects) = found else {
            let why = "no effects: the designs with valid figures do not tell the values of any axis apart";
            let why = match is_complete {
                true => why.to_owned(),
                false => format!("{why}; missing: {missing}"),
            };
            return Effects::none(metric, why);
        };
        if plan.coverage == Coverage::Pairwise {
            if !is_complete {
                notes.push(format!("missing in the effects: {missing}"));
            }
            notes.push(
                "the designs cover pairs only: these are main effects by least squares, and what three values do to each \
                 other is in them"
                    .to_owned(),
            );
        }
        effects.notes = notes;
        effects
    }

    fn none(metric: Metric, why: String) -> Effects {
        Effects {
            metric,
            axes: Vec::new(),
            interactions_share: None,
            launches_share: None,
            rest_share: None,
            designs: 0,
            launches: 0,
            notes: vec![why],
        }
    }
}

impl<'a> Named<'a> {
    fn of(
        plan: &'a Plan,
        launches: &[&Launch],
        metric: Metric,
        is_valid: impl Fn(usize) -> bool,
    ) -> Named<'a> {
        let mut named = Named {
            metric,
            axes: plan.axes.clone(),
            values: Vec::new(),
            responses: BTreeMap::new(),
            missing: BTreeMap::new(),
        };
        for (arm, planned) in plan.arms.iter().enumerate() {
            let Some(design) = named.known(plan, &planned.name) else {
                continue;
            };
            let response = |launch: &&Launch| {
                let value = reduce::value(&launch.arms[arm], metric);
                value.map(f64::ln)
            };
            let responses: Option<Vec<f64>> = launches.iter().map(response).collect();
            if let Some(responses) = responses.filter(|_| is_valid(arm)) {
                named.responses.insert(design, responses);
            } else {
                named.missing.insert(design, Missing::Invalid);
            }
        }
        for left_out in &plan.left_out {
            if let Some(design) = named.known(plan, &left_out.name) {
                named.missing.insert(design, Missing::CannotRun);
            }
        }
        named
    }

    /// Takes a design in, and gives its values by number; none if it is no design.
    fn known(&mut self, plan: &'a Plan, name: &'a str) -> Option<Vec<usize>> {
        let values = plan.values_of(name)?;
        if self.axes.is_empty() {
            self.axes = (1..=values.len())
                .map(|axis| format!("axis {axis}"))
                .collect();
        }
        self.values.resize(self.axes.len(), Vec::new());
        if values.len() != self.axes.len() {
            return None;
        }
        let number = |(known, value): (&mut Vec<&'a str>, &'a str)| {
            let place = known.iter().position(|known| *known == value);
            place.unwrap_or_else(|| {
                known.push(value);
                known.len() - 1
            })
        };
        Some(self.values.iter_mut().zip(values).map(number).collect())
    }

    fn all(&self) -> Vec<Vec<usize>> {
        let seen = |axis: usize| {
            let seen: BTreeSet<usize> = self.responses.keys().map(|design| design[axis]).collect();
            seen.into_iter().collect()
        };
        (0..self.axes.len()).map(seen).collect()
    }

    /// The values whose combinations all count, and a note for each value that has to go.
    fn full(&self, notes: &mut Vec<String>) -> Option<Vec<Vec<usize>>> {
        let sizes: Vec<usize> = self.values.iter().map(Vec::len).collect();
        let designs: Vec<Vec<usize>> = self.responses.keys().cloned().collect();
        let kept = completed(&sizes, &designs)?;
        for (axis, values) in self.values.iter().enumerate() {
            for gone in (0..values.len()).filter(|value| !kept[axis].contains(value)) {
                notes.push(self.gone(axis, gone, &sizes));
            }
        }
        Some(kept)
    }

    fn gone(&self, axis: usize, value: usize, sizes: &[usize]) -> String {
        let mut all: Vec<Vec<usize>> = sizes.iter().map(|size| (0..*size).collect()).collect();
        all[axis] = vec![value];
        let all = combinations(&all);
        let count = all.len();
        let missing = all
            .into_iter()
            .filter(|design| !self.responses.contains_key(design));
        format!(
            "effects without {} {}; missing of its {count} designs: {}",
            self.axes[axis],
            self.values[axis][value],
            self.listed(missing),
        )
    }

    /// Designs that do not count, by the reason.
    fn listed(&self, designs: impl Iterator<Item = Vec<usize>>) -> String {
        let mut by_reason: BTreeMap<Missing, Vec<String>> = BTreeMap::new();
        for design in designs {
            let why = self.missing.get(&design);
            let named = design
                .iter()
                .zip(&self.values)
                .map(|(value, names)| names[*value]);
            by_reason
                .entry(why.copied().unwrap_or(Missing::NotInSweep))
                .or_default()
                .push(named.collect::<Vec<_>>().join("+"));
        }
        let listed = |(why, names): (Missing, Vec<String>)| {
            let more = if names.len() > NAMED_MAX { ", …" } else { "" };
            let named = names[..names.len().min(NAMED_MAX)].join(", ");
            format!("{} {} ({named}{more})", names.len(), why.sentence())
        };
        let reasons: Vec<String> = by_reason.into_iter().map(listed).collect();
        reasons.join(", ")
    }

    /// The effects over the designs whose values are all kept; axes with one value have none.
    fn effects(&self, kept: &[Vec<usize>], launches: usize, seed: u64) -> Option<Effects> {
        let varied: Vec<usize> = (0..kept.len())
            .filter(|axis| kept[*axis].len() > 1)
            .collect();
        let is_kept = |design: &[usize]| {
            kept.iter()
                .zip(design)
                .all(|(values, value)| values.contains(value))
        };
        let counted: Vec<(&Vec<usize>, &Vec<f64>)> = self
            .responses
            .iter()
            .filter(|(design, _)| is_kept(design))
            .collect();
        let renumbered = |design: &Vec<usize>| -> Vec<usize> {
            let place = |axis: &usize| kept[*axis].iter().position(|value| *value == design[*axis]);
            varied.iter().filter_map(place).collect()
        };
        let factorial = Factorial {
            sizes: varied.iter().map(|axis| kept[*axis].len()).collect(),
            designs: counted
                .iter()
                .map(|(design, _)| renumbered(design))
                .collect(),
        };
        let launch = |launch: usize| {
            counted
                .iter()
                .map(|(_, responses)| responses[launch])
                .collect()
        };
        let responses: Vec<Vec<f64>> = (0..launches).map(launch).collect();
        let factorial::Effects { by_launch, shares } = factorial.effects(&responses)?;
        let value = |name: &str, effects: &[f64]| Value {
            name: name.to_owned(),
            log_factor: mean(effects).unwrap_or_default(),
            log_factor_interval: plain_interval(effects, seed),
        };
        let axis = |(place, axis): (usize, &usize)| Axis {
            name: self.axes[*axis].clone(),
            share: shares.as_ref().map(|shares| shares.axes[place]),
            values: (kept[*axis].iter().zip(&by_launch[place]))
                .map(|(number, effects)| value(self.values[*axis][*number], effects))
                .collect(),
        };
        Some(Effects {
            metric: self.metric,
            axes: varied.iter().enumerate().map(axis).collect(),
            interactions_share: shares.as_ref().map(|shares| shares.interactions),
            launches_share: shares.as_ref().map(|shares| shares.launches),
            rest_share: shares.as_ref().map(|shares| shares.rest),
            designs: counted.len(),
            launches,
            notes: Vec::new(),
        })
    }
}
