//! The tool measures itself: a server beside a copy of it, which must come out equal, and beside one with a handicap,
//! which must not.
//!
//! All three are one executable; the third place differs from the first in nothing, the second by work that the server does
//! for each request because it was told to. The handicap is a share of what a request costs, so a trial launch comes first.
//! What the launches of equal servers scatter by says how small a difference can be found today.

mod detectable;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::campaign::Campaign;
use crate::launch::launch;
use crate::load::Load;
use crate::process;
use crate::record::{Launch, Observation, Plan};
use crate::reduce;
use crate::validity::{Label, Reason};
use crate::verdict::{Effect, Judgement, LOOKS, Look, Metric, Roles, Verdict, until_decided};
use crate::workload::Workload;

/// Where the handicapped server stands, so that the campaign compares it with the first.
const HANDICAPPED: usize = 1;

/// Where the copy stands.
const COPY: usize = 2;

/// A larger handicap proves nothing.
pub const HANDICAP_SHARE_MAX: f64 = 1.0;

/// Rounds of the trial launch.
const TRIAL_ROUNDS: u32 = 16;

/// The metric in which the handicap is planted.
const PLANTED: Metric = Metric::CpuPerRequest;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Selftest {
    /// The load.
    pub workload: Workload,
    /// The copy against the first server.
    pub copy: Judgement,
    /// The handicapped one against the first server.
    pub handicapped: Judgement,
    /// By metric, in the order of the copy's effects.
    pub smallest: Vec<Smallest>,
    /// What a launch of the three servers took, with starting and stopping them: the mean.
    pub launch_s: f64,
    /// What keeps figures from counting.
    pub invalid: Vec<String>,
}

/// The smallest differences of a metric that four comparisons in five would find.
#[derive(Clone, Debug, Serialize)]
pub struct Smallest {
    /// The metric.
    pub metric: Metric,
    /// As log-ratios, one for each of [`LOOKS`]; none with too few launches.
    pub log_ratios: Vec<Option<f64>>,
}

/// What it says about the tool on this machine today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passed {
    /// The handicap was found, and no difference between copies.
    Yes,
    /// The handicap was not found.
    Blind,
    /// Copies were called different.
    FalseAlarm,
    /// A server did not do what was asked.
    Invalid,
}

/// Gives the second arm of a plan a handicap: that share of what a request costs the first arm, in a trial launch.
/// Returns the nanoseconds.
///
/// # Errors
/// When the trial cannot be made, or the executable knows no handicap.
pub fn handicap(plan: &mut Plan, share: f64) -> Result<f64> {
    let cpu_ns = trial(plan)?;
    let ns = (cpu_ns * share * 10.0).round() / 10.0;
    let arm = &mut plan.arms[HANDICAPPED];
    arm.arguments = vec!["--handicap-ns".to_owned(), ns.to_string()];
    arm.name = format!("{} {}", arm.name, arm.arguments.join(" "));
    Ok(ns)
}

/// CPU nanoseconds per request of the first arm, alone.
fn trial(plan: &Plan) -> Result<f64> {
    let mut alone = plan.clone();
    alone.arms.truncate(1);
    alone.settings.rounds = TRIAL_ROUNDS;
    let workload = *plan.workloads.first().context("a workload is needed")?;
    let cpus = process::usable_cpus()?;
    process::catch_interrupts();
    process::open_files_at_least(alone.descriptors())?;
    let made = launch(&alone, workload, 0, &cpus, &mut Load::new()?);
    process::bind_to(&cpus)?;
    let seen = &made?.arms[0];
    if let Some(failure) = &seen.failure {
        bail!("failed to measure what a request costs: {failure}");
    }
    reduce::value(seen, PLANTED).context("failed to measure what a request costs: no answer came")
}

impl Selftest {
    /// Makes launches until the handicap is found or there are no looks left, and judges both pairs.
    ///
    /// # Errors
    /// When a launch cannot be made.
    pub fn made(campaign: &mut Campaign, workload: Workload, looks: &[Look]) -> Result<Selftest> {
        let seed = campaign.plan().seed;
        let rules = Roles::new(PLANTED, &[]).into();
        let mut judgements = until_decided(looks, |look| {
            let observed = campaign.observe(workload, look.launches)?;
            anyhow::Ok(Judgement::of(&observed, &rules, look, seed))
        })?;
        let handicapped = judgements
            .pop()
            .context("there is no look at the launches")?;
        let launches = campaign.record().launches_of(workload);
        let observed = reduce::observed(&launches, 0, COPY, handicapped.conditions);
        let smallest = |(metric, pairs): (&Metric, &Vec<_>)| Smallest {
            metric: *metric,
            log_ratios: detectable::smallest(*metric, pairs, &LOOKS, seed),
        };
        Ok(Selftest {
            workload,
            copy: Judgement::of(&observed, &rules, handicapped.look, seed),
            smallest: observed.pairs.iter().map(smallest).collect(),
            launch_s: campaign.launch_s().context("no launch was made")?,
            invalid: invalid(campaign.plan(), &launches),
            handicapped,
        })
    }

    /// Whether the tool can be believed.
    #[must_use]
    pub fn passed(&self) -> Passed {
        let is_different = |effect: &Effect| {
            self.copy.decides(effect.metric)
                && matches!(effect.verdict, Verdict::Better | Verdict::Worse)
        };
        let is_found =
            |effect: &Effect| effect.metric == PLANTED && effect.verdict == Verdict::Worse;
        if !self.invalid.is_empty() {
            Passed::Invalid
        } else if self.copy.effects.iter().any(is_different) {
            Passed::FalseAlarm
        } else if self.handicapped.effects.iter().any(is_found) {
            Passed::Yes
        } else {
            Passed::Blind
        }
    }
}

fn invalid(plan: &Plan, launches: &[&Launch]) -> Vec<String> {
    let of_arm = |arm: usize| {
        let seen: Vec<&Observation> = launches.iter().map(|launch| &launch.arms[arm]).collect();
        let reasons = Label::of(&seen, &plan.settings).invalid;
        let shown = |reason: &Reason| format!("{}: {reason}", plan.label(arm));
        reasons.iter().map(shown).collect::<Vec<_>>()
    };
    (0..plan.arms.len()).flat_map(of_arm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Conditions, Observed, Pair};

    /// Eight launches in which the second server needs so much more or less CPU.
    fn judgement(log_ratio: f64) -> Judgement {
        let pair = |launch: i32| Pair {
            baseline: 5e3,
            candidate: 5e3 * log_ratio.exp(),
            log_ratio: log_ratio + f64::from(launch % 3) * 1e-4,
        };
        let pairs = [(PLANTED, (0..8).map(pair).collect())].into();
        let conditions = Conditions::default();
        Judgement::of(
            &Observed {
                pairs,
                conditions,
                ..Observed::default()
            },
            &Roles::new(PLANTED, &[]).into(),
            LOOKS[0],
            1,
        )
    }

    fn passed(copy: f64, handicapped: f64, invalid: &[&str]) -> Passed {
        let selftest = Selftest {
            workload: Workload::Baseline,
            copy: judgement(copy),
            handicapped: judgement(handicapped),
            smallest: Vec::new(),
            launch_s: 4.0,
            invalid: invalid.iter().map(|reason| (*reason).to_owned()).collect(),
        };
        selftest.passed()
    }

    #[test]
    fn it_passes_when_only_the_handicap_is_found() {
        assert_eq!(passed(0.0, 0.03, &[]), Passed::Yes);
        assert_eq!(passed(0.0, 0.0, &[]), Passed::Blind);
        assert_eq!(passed(0.0, -0.03, &[]), Passed::Blind);
        assert_eq!(passed(0.03, 0.03, &[]), Passed::FalseAlarm);
        assert_eq!(passed(-0.03, 0.03, &[]), Passed::FalseAlarm);
        assert_eq!(passed(0.0, 0.03, &["3 wrong answers"]), Passed::Invalid);
    }
}
