//! What a comparison says: per metric a verdict from an interval and a margin, over all metrics a decision.
//!
//! A margin is the smallest difference worth acting on; an interval is the differences the launches leave possible. The
//! launches are looked at after 8, 16 and 32, at levels that together stay below one in twenty, and the first look that
//! decides ends the comparison. Wall-clock metrics decide only on a quiet machine and with a client that has time to spare.
//! A metric that is neither primary nor a guard informs. One without a source is `n/a`: it neither helps nor hinders. How a launch becomes one number per metric is [`reduce`](crate::reduce)'s work.

mod conditions;
mod look;
mod metric;
mod roles;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stats::signflip::{Interval, SignFlip};
use crate::stats::{hodges_lehmann, mean, median};

pub use conditions::{ClientState, Conditions, MachineState};
pub use look::{LOOKS, Look, looks};
pub use metric::{Metric, Tier};
pub use roles::{Role, Roles};

/// One metric in one launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The baseline's value.
    pub baseline: f64,
    /// The candidate's value.
    pub candidate: f64,
    /// `ln(candidate / baseline)`, from slices of the same round where the metric has them.
    pub log_ratio: f64,
}

/// What the launches so far say.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// One pair per launch; a metric that any launch lacks is left out.
    pub pairs: BTreeMap<Metric, Vec<Pair>>,
    /// What they were made under.
    pub conditions: Conditions,
}

/// What one metric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Better by more than the margin.
    Better,
    /// Worse by more than the margin.
    Worse,
    /// Neither better nor worse by more than the margin.
    NoDifference,
    /// Perhaps better, not worse by more than the margin.
    NotWorse,
    /// The interval is too wide.
    Inconclusive {
        /// About this many launches more would settle it, at the spread seen so far.
        more_launches: u32,
    },
}

impl Verdict {
    /// The verdict of an interval of goodness against a margin, both on the log scale.
    fn of(goodness: Interval, margin: f64, launches: u32) -> Verdict {
        let Interval { low, high } = goodness;
        if low > margin {
            Verdict::Better
        } else if high < -margin {
            Verdict::Worse
        } else if -margin < low && high < margin {
            Verdict::NoDifference
        } else if -margin < low {
            Verdict::NotWorse
        } else {
            Verdict::Inconclusive {
                more_launches: more_launches(goodness, margin, launches),
            }
        }
    }

    fn is_acceptable(self) -> bool {
        matches!(
            self,
            Verdict::Better | Verdict::NoDifference | Verdict::NotWorse
        )
    }
}

/// The half-width of an interval shrinks with the root of the launches. It has to reach the distance from the centre
/// to −margin, which the interval straddles; closer than a quarter of the margin is not asked for.
fn more_launches(goodness: Interval, margin: f64, launches: u32) -> u32 {
    let centre = f64::midpoint(goodness.low, goodness.high);
    let wanted = (centre + margin).abs().clamp(margin / 4.0, margin);
    let needed = f64::from(launches) * (goodness.half_width() / wanted).powi(2);
    ((needed.ceil() as u32).saturating_sub(launches)).max(1)
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Better => out.write_str("BETTER"),
            Verdict::Worse => out.write_str("WORSE"),
            Verdict::NoDifference => out.write_str("NO-DIFFERENCE"),
            Verdict::NotWorse => out.write_str("NOT-WORSE"),
            Verdict::Inconclusive { more_launches } => {
                write!(out, "INCONCLUSIVE (+{more_launches} launches)")
            }
        }
    }
}

/// One metric at one look. Ratios are candidate over baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The metric.
    pub metric: Metric,
    /// The median over launches.
    pub baseline: f64,
    /// The median over launches.
    pub candidate: f64,
    /// The mean log-ratio over launches.
    pub log_ratio: f64,
    /// The Hodges–Lehmann estimate of the same.
    pub log_ratio_hodges_lehmann: f64,
    /// The log-ratios that the test at this look does not reject; none with too few launches.
    pub interval: Option<Interval>,
    /// The p-value of no difference.
    pub p: f64,
    /// The margin as a share.
    pub margin: f64,
    /// What it says.
    pub verdict: Verdict,
}

impl Effect {
    /// Tests one metric; `None` when there is nothing to test.
    #[must_use]
    pub fn of(metric: Metric, pairs: &[Pair], look: Look, seed: u64) -> Option<Effect> {
        let over = |value: fn(&Pair) -> f64| pairs.iter().map(value).collect::<Vec<f64>>();
        let log_ratios = over(|pair| pair.log_ratio);
        let baseline = median(&over(|pair| pair.baseline))?;
        let margin = metric.margin(baseline);
        let test = SignFlip::new(&log_ratios, seed);
        let interval = test.interval(look.alpha);
        let launches = pairs.len() as u32;
        Some(Effect {
            metric,
            baseline,
            candidate: median(&over(|pair| pair.candidate))?,
            log_ratio: mean(&log_ratios)?,
            log_ratio_hodges_lehmann: hodges_lehmann(&log_ratios)?,
            interval,
            p: test.p(0.0),
            margin,
            verdict: match interval {
                Some(interval) => Verdict::of(metric.goodness(interval), margin.ln_1p(), launches),
                None => Verdict::Inconclusive {
                    more_launches: LOOKS[0].launches.saturating_sub(launches).max(1),
                },
            },
        })
    }

    /// Whether mean and Hodges–Lehmann estimate are further apart than half the interval: a few launches then carry the
    /// mean, and the figure deserves a second run.
    #[must_use]
    pub fn is_skewed(&self) -> bool {
        let apart = (self.log_ratio - self.log_ratio_hodges_lehmann).abs();
        self.interval
            .is_some_and(|interval| apart > interval.half_width())
    }
}

/// What follows from all metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The primary metric is better and no guard is worse.
    Go,
    /// The primary metric or a guard is worse.
    NoGo,
    /// The primary metric shows no difference that matters, and no guard is worse.
    NoDifference,
    /// Not known yet.
    Inconclusive,
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Decision::Go => "GO",
            Decision::NoGo => "NO-GO",
            Decision::NoDifference => "NO-DIFFERENCE",
            Decision::Inconclusive => "INCONCLUSIVE",
        })
    }
}

/// Everything said at one look.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    /// The look.
    pub look: Look,
    /// What the launches were made under.
    #[serde(flatten)]
    pub conditions: Conditions,
    /// Who has a say.
    #[serde(flatten)]
    pub roles: Roles,
    /// One effect per metric that has a source.
    pub effects: Vec<Effect>,
    /// What follows.
    pub decision: Decision,
}

impl Judgement {
    /// Judges what was observed up to `look`.
    #[must_use]
    pub fn of(observed: &Observed, roles: &Roles, look: Look, seed: u64) -> Judgement {
        let effects = observed
            .pairs
            .iter()
            .filter_map(|(metric, pairs)| Effect::of(*metric, pairs, look, seed));
        let mut judgement = Judgement {
            look,
            conditions: observed.conditions,
            roles: roles.clone(),
            effects: effects.collect(),
            decision: Decision::Inconclusive,
        };
        judgement.decision = judgement.decided();
        judgement
    }

    /// Whether a metric has a say in the decision.
    #[must_use]
    pub fn decides(&self, metric: Metric) -> bool {
        self.is_trusted(metric) && self.roles.of(metric) != Role::Shown
    }

    /// Whether the launches were made under conditions in which a metric may decide.
    #[must_use]
    pub fn is_trusted(&self, metric: Metric) -> bool {
        metric.tier() == Tier::Paired || self.conditions.trust_the_wall_clock()
    }

    fn decided(&self) -> Decision {
        let deciding = || {
            self.effects
                .iter()
                .filter(|effect| self.decides(effect.metric))
        };
        if deciding().any(|effect| effect.verdict == Verdict::Worse) {
            return Decision::NoGo;
        }
        let primary = self.roles.primary;
        let verdict = deciding()
            .find(|effect| effect.metric == primary)
            .map(|effect| effect.verdict);
        let guards_hold =
            deciding().all(|effect| effect.metric == primary || effect.verdict.is_acceptable());
        match verdict {
            Some(Verdict::Better) if guards_hold => Decision::Go,
            Some(Verdict::NoDifference) if guards_hold => Decision::NoDifference,
            _ => Decision::Inconclusive,
        }
    }
}

/// Goes from look to look until one decides. `observe` is asked for the first n launches and makes those that are
/// missing. One judgement per look; the last is the one that counts.
///
/// # Errors
/// Those of `observe`.
pub fn until_decided<E>(
    looks: &[Look],
    roles: &Roles,
    seed: u64,
    mut observe: impl FnMut(u32) -> Result<Observed, E>,
) -> Result<Vec<Judgement>, E> {
    let mut judgements = Vec::new();
    for look in looks {
        let judgement = Judgement::of(&observe(look.launches)?, roles, *look, seed);
        let decided = judgement.decision != Decision::Inconclusive;
        judgements.push(judgement);
        if decided {
            break;
        }
    }
    Ok(judgements)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: f64 = 0.01;

    fn verdict(low: f64, high: f64) -> Verdict {
        Verdict::of(Interval { low, high }, MARGIN, 8)
    }

    #[test]
    fn a_verdict_follows_from_interval_and_margin() {
        assert_eq!(verdict(0.011, 0.03), Verdict::Better);
        assert_eq!(verdict(-0.03, -0.011), Verdict::Worse);
        assert_eq!(verdict(-0.009, 0.009), Verdict::NoDifference);
        assert_eq!(verdict(-0.009, 0.02), Verdict::NotWorse);
        assert!(matches!(verdict(-0.02, 0.02), Verdict::Inconclusive { .. }));
    }

    #[test]
    fn twice_the_width_asks_for_four_times_the_launches() {
        assert_eq!(
            verdict(-0.02, 0.02),
            Verdict::Inconclusive { more_launches: 24 }
        );
        assert_eq!(
            verdict(-0.0101, 0.0101),
            Verdict::Inconclusive { more_launches: 1 }
        );
    }

    fn pairs(log_ratio: f64) -> Vec<Pair> {
        let jitter = [-3e-4, 2e-4, 1e-4, -1e-4, 3e-4, -2e-4, 0.0, 1e-4];
        let pair = |jitter| Pair {
            baseline: 3e6,
            candidate: 3e6 * log_ratio.exp(),
            log_ratio: log_ratio + jitter,
        };
        jitter.map(pair).to_vec()
    }

    const SOUND: Conditions = Conditions {
        machine: MachineState::Quiet,
        client: ClientState::Ahead,
    };

    fn cpu() -> Roles {
        Roles::new(Metric::CpuPerRequest, &[])
    }

    /// The decision over these log-ratios of CPU, memory, throughput and p99.
    fn decision(conditions: Conditions, roles: &Roles, log_ratios: [f64; 4]) -> Decision {
        let pairs = Metric::ALL.into_iter().zip(log_ratios.map(pairs)).collect();
        let observed = Observed { pairs, conditions };
        Judgement::of(&observed, roles, LOOKS[0], 1).decision
    }

    #[test]
    fn the_primary_metric_and_every_guard_decide() {
        let decision = |cpu_per_request, memory, throughput| {
            decision(SOUND, &cpu(), [cpu_per_request, memory, throughput, 0.0])
        };
        assert_eq!(decision(-0.05, 0.0, 0.0), Decision::Go);
        assert_eq!(decision(-0.05, 0.1, 0.0), Decision::NoGo);
        assert_eq!(decision(-0.05, 0.0, -0.1), Decision::NoGo);
        assert_eq!(decision(0.05, -0.1, 0.2), Decision::NoGo);
        assert_eq!(decision(0.0, 0.0, 0.0), Decision::NoDifference);
        assert_eq!(decision(0.0, -0.1, 0.0), Decision::NoDifference);
        assert_eq!(decision(-0.01, 0.0, 0.0), Decision::Inconclusive);
    }

    #[test]
    fn p99_decides_only_as_a_guard_or_as_the_primary_metric() {
        let slow_tail = |roles: Roles| decision(SOUND, &roles, [-0.05, 0.0, 0.0, 0.3]);
        assert_eq!(slow_tail(cpu()), Decision::Go);
        assert_eq!(
            slow_tail(Roles::new(Metric::CpuPerRequest, &[Metric::LatencyP99])),
            Decision::NoGo
        );
        assert_eq!(
            slow_tail(Roles::new(Metric::LatencyP99, &[])),
            Decision::NoGo
        );
    }

    #[test]
    fn the_wall_clock_decides_only_on_a_quiet_machine_and_ahead_of_the_server() {
        let noisy = Conditions {
            machine: MachineState::Noisy,
            ..SOUND
        };
        let limited = Conditions {
            client: ClientState::Limiting,
            ..SOUND
        };
        for (conditions, expected) in [
            (SOUND, Decision::NoGo),
            (noisy, Decision::Go),
            (limited, Decision::Go),
            (Conditions::default(), Decision::Go),
        ] {
            assert_eq!(
                decision(conditions, &cpu(), [-0.05, 0.0, -0.3, 0.0]),
                expected,
                "{conditions:?}"
            );
        }
        let throughput = Roles::new(Metric::Throughput, &[]);
        assert_eq!(
            decision(limited, &throughput, [0.0, 0.0, 0.3, 0.0]),
            Decision::Inconclusive
        );
    }

    #[test]
    fn without_its_primary_metric_nothing_is_decided() {
        let observed = Observed {
            conditions: SOUND,
            ..Observed::default()
        };
        let judgement = Judgement::of(&observed, &cpu(), LOOKS[0], 1);
        assert_eq!(
            (judgement.decision, judgement.effects.len()),
            (Decision::Inconclusive, 0)
        );
    }

    #[test]
    fn a_comparison_stops_at_the_look_that_decides() {
        let observe = |log_ratio| {
            move |_| {
                let pairs = [(Metric::CpuPerRequest, pairs(log_ratio))].into();
                Ok::<_, std::convert::Infallible>(Observed {
                    pairs,
                    ..Observed::default()
                })
            }
        };
        let judged = |log_ratio| {
            until_decided(&LOOKS, &cpu(), 1, observe(log_ratio))
                .expect("infallible")
                .len()
        };
        assert_eq!((judged(0.05), judged(0.01)), (1, 3));
    }
}
