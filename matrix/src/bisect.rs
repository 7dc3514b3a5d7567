//! Which commit brought a difference: the search, apart from how a commit is measured.
//!
//! The two ends are measured first. Where they do not differ by five standard errors there is nothing to look for. Then
//! every commit may be the culprit with a probability, the commit that halves it is measured next, and what cannot be
//! measured, since it does not build, is passed over: the commits that it leaves alike are named together. One step is assumed; what speaks against
//! that is told.

pub mod posterior;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use serde::Serialize;

use crate::stats::mean;
use crate::verdict::Conditions;
use posterior::{misfit, posterior, standard_error};

/// The ends are looked at after so many launches, until they differ enough.
const ENDS: [u32; 3] = [8, 16, 32];

/// Standard errors by which the ends have to differ.
const ERRORS_MIN: f64 = 5.0;

/// Launches by which a commit is known better.
const STEP: u32 = 4;

/// Beyond these, its executable's own offset is all that is left of the uncertainty about a commit.
const LAUNCHES_MAX: u32 = 16;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The ends have to differ by this log-ratio, too: by less nobody would be helped.
    pub margin: f64,
    /// The search ends when commits that cannot be told apart have this probability.
    pub probability: f64,
}

/// What came of measuring a commit.
#[derive(Clone, Debug)]
pub enum Measured {
    /// `ln(commit / GOOD)`, one per launch, all that were made so far.
    Launches(Vec<f64>),
    /// It could not be built, started or measured.
    Skipped,
    /// The metric has no say under what its launches were made under.
    Untrusted(Conditions),
    /// There is no time left.
    OutOfTime,
}

/// Everything known at one moment. Commits are numbered from 0, the first after GOOD; the last is BAD.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The launches of each commit that was measured.
    pub launches: BTreeMap<usize, Vec<f64>>,
    /// Those that cannot be measured.
    pub skipped: BTreeSet<usize>,
    /// That a commit is the culprit, by commit.
    pub posterior: Vec<f64>,
}

/// Commits of which one is the culprit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// Which; more than one where all but the last cannot be measured.
    pub commits: RangeInclusive<usize>,
    /// That the culprit is among them.
    pub probability: f64,
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With these.
    Found(Named),
    /// Before anybody was probable enough; these are the most probable.
    Open(Named),
    /// Before anybody was named, as the metric had no say.
    Untrusted(Conditions),
    /// The ends differ by too little.
    Alike,
    /// The last commit cannot be measured.
    NoEnd,
}

/// Searches among `count` commits. `measure` makes at least so many launches of a commit; `show` is told what is known
/// after each.
///
/// # Errors
/// Those of `measure`.
pub fn search(
    count: usize,
    rules: Rules,
    mut measure: impl FnMut(usize, u32) -> Result<Measured>,
    mut show: impl FnMut(&Known),
) -> Result<(Ending, Known)> {
    let mut known = Known {
        posterior: vec![1.0 / count as f64; count],
        ..Known::default()
    };
    let bad = count - 1;
    for launches in ENDS {
        match measure(bad, launches)? {
            Measured::Launches(values) => drop(known.launches.insert(bad, values)),
            Measured::Skipped => return Ok((Ending::NoEnd, known)),
            Measured::Untrusted(under) => return Ok((Ending::Untrusted(under), known)),
            Measured::OutOfTime => return Ok((Ending::Open(known.most_probable()), known)),
        }
        show(&known);
        if known.ends_differ(rules) {
            break;
        }
    }
    if !known.ends_differ(rules) {
        return Ok((Ending::Alike, known));
    }
    loop {
        known.posterior = posterior(count, &known.launches);
        let named = known.most_probable();
        show(&known);
        if named.probability >= rules.probability {
            return Ok((Ending::Found(named), known));
        }
        let Some(commit) = known.halving() else {
            return Ok((Ending::Open(named), known));
        };
        let launches = known.made(commit) + STEP;
        match measure(commit, launches)? {
            Measured::Launches(values) => drop(known.launches.insert(commit, values)),
            Measured::Skipped => drop(known.skipped.insert(commit)),
            Measured::Untrusted(under) => return Ok((Ending::Untrusted(under), known)),
            Measured::OutOfTime => return Ok((Ending::Open(named), known)),
        }
    }
}

impl Known {
    /// The log-ratio of the last commit to GOOD, and its standard error; none before it was measured.
    #[must_use]
    pub fn effect(&self) -> Option<(f64, f64)> {
        let (_, values) = self.launches.last_key_value()?;
        Some((mean(values)?, standard_error(values)?))
    }

    /// That a commit has the difference.
    #[must_use]
    pub fn probability_bad(&self, commit: usize) -> f64 {
        self.posterior[..=commit].iter().sum()
    }

    /// The commit whose launches fit one step worst, and by how many standard deviations, where that is far.
    #[must_use]
    pub fn misfit(&self) -> Option<(usize, f64)> {
        misfit(&self.posterior, &self.launches)
    }

    fn ends_differ(&self, rules: Rules) -> bool {
        self.effect().is_some_and(|(effect, error)| {
            effect.abs() >= ERRORS_MIN * error && effect.abs() >= rules.margin
        })
    }

    fn made(&self, commit: usize) -> u32 {
        self.launches
            .get(&commit)
            .map_or(0, |made| made.len() as u32)
    }

    /// Of those whose measuring tells something, the commit that is bad with a probability nearest to a half.
    fn halving(&self) -> Option<usize> {
        let bad = self.posterior.len() - 1;
        let to_half = |commit: &usize| (self.probability_bad(*commit) - 0.5).abs();
        (0..bad)
            .filter(|commit| !self.skipped.contains(commit))
            .filter(|commit| self.made(*commit) < LAUNCHES_MAX)
            .min_by(|a, b| to_half(a).total_cmp(&to_half(b)))
    }

    /// A culprit that cannot be measured is told from the next commit by nothing.
    fn most_probable(&self) -> Named {
        let mut groups: Vec<Named> = Vec::new();
        let mut first = 0;
        for last in 0..self.posterior.len() {
            if !self.skipped.contains(&last) {
                let commits = first..=last;
                let probability = self.posterior[commits.clone()].iter().sum();
                groups.push(Named {
                    commits,
                    probability,
                });
                first = last + 1;
            }
        }
        let most = groups
            .into_iter()
            .max_by(|a, b| a.probability.total_cmp(&b.probability));
        most.expect("the last commit was measured, so that there is a group")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_measured_is_named_together_with_the_next() {
        let known = Known {
            skipped: [1, 2].into(),
            posterior: vec![0.1, 0.2, 0.3, 0.3, 0.1],
            ..Known::default()
        };
        let named = known.most_probable();
        assert_eq!(named.commits, 1..=3);
        assert!((named.probability - 0.8).abs() < 1e-12);
        // 1 and 2 are nearer to a half, and cannot be asked.
        assert_eq!(known.halving(), Some(0));
    }

    #[test]
    fn a_last_commit_that_cannot_be_measured_ends_the_search() {
        let measure = |_, _| Ok(Measured::Skipped);
        let rules = Rules {
            margin: 0.01,
            probability: 0.95,
        };
        let (ending, _) = search(3, rules, measure, |_| {}).unwrap();
        assert_eq!(ending, Ending::NoEnd);
    }

    #[test]
    fn a_metric_without_a_say_names_nobody() {
        let rules = Rules {
            margin: 0.01,
            probability: 0.95,
        };
        let under = Conditions::default();
        let (ending, _) = search(5, rules, |_, _| Ok(Measured::Untrusted(under)), |_| {}).unwrap();
        assert_eq!(ending, Ending::Untrusted(under));
        // The ends had one.
        let measure = |commit, _| match commit {
            4 => Ok(Measured::Launches(vec![0.1, 0.11, 0.09, 0.1])),
            _ => Ok(Measured::Untrusted(under)),
        };
        let (ending, known) = search(5, rules, measure, |_| {}).unwrap();
        assert_eq!(ending, Ending::Untrusted(under));
        assert!(known.effect().is_some());
    }

    #[test]
    fn a_search_without_time_names_the_most_probable() {
        let rules = Rules {
            margin: 0.01,
            probability: 0.95,
        };
        let (ending, known) = search(5, rules, |_, _| Ok(Measured::OutOfTime), |_| {}).unwrap();
        assert!(matches!(ending, Ending::Open(_)) && known.effect().is_none());
        let measure = |commit, _| match commit {
            4 => Ok(Measured::Launches(vec![0.1, 0.11, 0.09, 0.1])),
            _ => Ok(Measured::OutOfTime),
        };
        let (ending, known) = search(5, rules, measure, |_| {}).unwrap();
        assert!(matches!(ending, Ending::Open(named) if named.probability < 0.3));
        assert_eq!(known.launches.len(), 1);
    }
}
