//! What a comparison says: per metric a verdict from an interval and a margin, over all metrics a decision.
//!
//! A margin is the smallest difference worth acting on; an interval is the differences the launches leave possible. The
//! launches are looked at after 8, 16 and 32, at levels that together stay below one in twenty, and the first look that
//! decides ends the comparison. Wall-clock metrics decide only on a quiet machine and with a client that has time to spare.
//! A metric that is neither primary nor a guard informs. One without a source is `n/a`: it neither helps nor hinders, unless
//! somebody asked to guard by what is counted, for then nothing is known of the guard. How a launch becomes one number per
//! metric is [`reduce`](crate::reduce)'s work.

mod conditions;
mod effect;
mod exact;
mod look;
mod margins;
mod metric;
mod roles;
mod rules;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use conditions::{ClientState, Conditions, MachineState};
pub use effect::{Effect, Pair, Verdict};
pub use exact::Counted;
pub use look::{LOOKS, Look, looks};
pub use margins::{Asked as AskedMargin, Margin, Margins, key, named};
pub use metric::{MEMORY_MARGIN_BYTES, Metric, Tier};
pub use roles::{Role, Roles};
pub use rules::{Question, Rules};

/// What the launches so far say.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// One pair per launch; a metric that any launch lacks is left out.
    pub pairs: BTreeMap<Metric, Vec<Pair>>,
    /// What was counted of baseline and candidate, apart from the launches.
    pub counted: BTreeMap<Metric, [Counted; 2]>,
    /// What they were made under.
    pub conditions: Conditions,
}

/// What follows from all metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The primary metric is better and no guard is worse; where nothing has to improve, none of them is worse.
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
    /// What they were judged by.
    #[serde(flatten)]
    pub rules: Rules,
    /// One effect per metric that has a source.
    pub effects: Vec<Effect>,
    /// What follows.
    pub decision: Decision,
}

impl Judgement {
    /// Judges what was observed up to `look`.
    #[must_use]
    pub fn of(observed: &Observed, rules: &Rules, look: Look, seed: u64) -> Judgement {
        let effects = observed
            .pairs
            .iter()
            .filter_map(|(metric, pairs)| Effect::of(*metric, pairs, &rules.margins, look, seed));
        let counted = observed.counted.iter();
        let exact = counted.map(|(metric, [baseline, candidate])| {
            Effect::exact(*metric, *baseline, *candidate, &rules.margins)
        });
        let effects = effects.chain(exact).collect();
        Judgement::over(effects, observed.conditions, rules, look)
    }

    /// Judges by what every metric said at `look`.
    #[must_use]
    pub fn over(
        effects: Vec<Effect>,
        conditions: Conditions,
        rules: &Rules,
        look: Look,
    ) -> Judgement {
        let mut judgement = Judgement {
            look,
            conditions,
            rules: rules.clone(),
            effects,
            decision: Decision::Inconclusive,
        };
        judgement.decision = judgement.decided();
        judgement
    }

    /// Whether a metric has a say in the decision.
    #[must_use]
    pub fn decides(&self, metric: Metric) -> bool {
        self.is_trusted(metric) && self.rules.roles.of(metric) != Role::Shown
    }

    /// Whether the launches were made under conditions in which a metric may decide.
    #[must_use]
    pub fn is_trusted(&self, metric: Metric) -> bool {
        self.conditions.trust(metric)
    }

    /// Guards that somebody asked for, by what is counted, and of which nothing is known.
    pub fn blind_guards(&self) -> impl Iterator<Item = Metric> + '_ {
        let is_known = |guard: &Metric| self.effects.iter().any(|effect| effect.metric == *guard);
        let guards = self.rules.roles.guards.iter().copied();
        guards.filter(move |guard| guard.tier() == Tier::Deterministic && !is_known(guard))
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
        let primary = self.rules.roles.primary;
        let verdict = deciding()
            .find(|effect| effect.metric == primary)
            .map(|effect| effect.verdict);
        let guards_hold = self.blind_guards().next().is_none()
            && deciding().all(|effect| effect.metric == primary || effect.verdict.is_acceptable());
        match (self.rules.question, verdict) {
            // What is counted alone says nothing of time.
            (question, Some(verdict))
                if primary.tier() == Tier::Deterministic
                    && (question, verdict) != (Question::Better, Verdict::NoDifference) =>
            {
                Decision::Inconclusive
            }
            (_, Some(Verdict::Better)) if guards_hold => Decision::Go,
            (Question::NotWorse, Some(verdict)) if guards_hold && verdict.is_acceptable() => {
                Decision::Go
            }
            (Question::Better, Some(Verdict::NoDifference)) if guards_hold => {
                Decision::NoDifference
            }
            _ => Decision::Inconclusive,
        }
    }
}

/// Goes from look to look until one decides. `judge` is asked at each look; where launches are missing, it makes them. When
/// the time is over it moves the look to the launches that there are, at the level of the look; one that sees nothing new
/// is left out. One judgement per look; the last is the one that counts.
///
/// # Errors
/// Those of `judge`.
pub fn until_decided<E>(
    looks: &[Look],
    mut judge: impl FnMut(Look) -> Result<Judgement, E>,
) -> Result<Vec<Judgement>, E> {
    let mut judgements: Vec<Judgement> = Vec::new();
    for look in looks {
        let judgement = judge(*look)?;
        let launches = judgement.look.launches;
        let is_new = |last: &Judgement| last.look.launches < launches;
        let is_decided = judgement.decision != Decision::Inconclusive;
        if judgements.last().is_none_or(is_new) {
            judgements.push(judgement);
        }
        if is_decided {
            break;
        }
    }
    Ok(judgements)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn cpu() -> Rules {
        Roles::new(Metric::CpuPerRequest, &[]).into()
    }

    /// The decision over these log-ratios of CPU, memory, throughput and p99.
    fn decision(conditions: Conditions, rules: &Rules, log_ratios: [f64; 4]) -> Decision {
        let pairs = Metric::ALL.into_iter().zip(log_ratios.map(pairs)).collect();
        let observed = Observed {
            pairs,
            conditions,
            ..Observed::default()
        };
        Judgement::of(&observed, rules, LOOKS[0], 1).decision
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
    fn where_nothing_has_to_improve_whatever_is_not_worse_is_a_go() {
        let rules = Rules {
            question: Question::NotWorse,
            ..cpu()
        };
        let decision =
            |cpu_per_request, memory| decision(SOUND, &rules, [cpu_per_request, memory, 0.0, 0.0]);
        assert_eq!(decision(0.0, 0.0), Decision::Go);
        assert_eq!(decision(-0.05, 0.0), Decision::Go);
        // Between no difference and better.
        assert_eq!(decision(-0.01, 0.0), Decision::Go);
        assert_eq!(decision(0.01, 0.0), Decision::Inconclusive);
        assert_eq!(decision(0.0, 0.0216), Decision::Inconclusive);
        assert_eq!(decision(0.05, -0.2), Decision::NoGo);
        assert_eq!(decision(-0.05, 0.1), Decision::NoGo);
    }

    #[test]
    fn a_guard_that_was_not_counted_lets_nothing_through() {
        let rules = Rules::from(Roles::new(Metric::CpuPerRequest, &[Metric::Instructions]));
        let judged = |counts: &[f64]| {
            let counted = |count: &f64| {
                let (mean, least, most) = (*count, *count, *count);
                Counted { mean, least, most }
            };
            let sides: Option<[Counted; 2]> = counts
                .iter()
                .map(counted)
                .collect::<Vec<_>>()
                .try_into()
                .ok();
            let observed = Observed {
                pairs: [(Metric::CpuPerRequest, pairs(-0.05))].into(),
                counted: sides
                    .map(|sides| (Metric::Instructions, sides))
                    .into_iter()
                    .collect(),
                conditions: SOUND,
            };
            Judgement::of(&observed, &rules, LOOKS[0], 1)
        };
        assert_eq!(judged(&[2e3, 2e3]).decision, Decision::Go);
        assert_eq!(judged(&[2e3, 3e3]).decision, Decision::NoGo);
        let blind = judged(&[]);
        assert_eq!(blind.decision, Decision::Inconclusive);
        assert!(blind.blind_guards().eq([Metric::Instructions]));
    }

    #[test]
    fn other_margins_decide_otherwise() {
        let mut rules = cpu();
        let AskedMargin { metric, margin } = "cpu-per-request=10%".parse().expect("a margin");
        rules.margins.set(metric, margin);
        assert_eq!(
            decision(SOUND, &rules, [-0.05, 0.0, 0.0, 0.0]),
            Decision::NoDifference
        );
    }

    #[test]
    fn p99_decides_only_as_a_guard_or_as_the_primary_metric() {
        let slow_tail = |roles: Roles| decision(SOUND, &roles.into(), [-0.05, 0.0, 0.0, 0.3]);
        assert_eq!(slow_tail(cpu().roles), Decision::Go);
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
        let throughput = Roles::new(Metric::Throughput, &[]).into();
        assert_eq!(
            decision(limited, &throughput, [0.0, 0.0, 0.3, 0.0]),
            Decision::Inconclusive
        );
    }

    #[test]
    fn what_is_counted_guards_and_never_decides_go() {
        let counted = |instructions: f64| Counted {
            mean: instructions,
            least: instructions,
            most: instructions,
        };
        let decision = |roles: Roles, cpu_log_ratio, instructions| {
            let observed = Observed {
                pairs: [(Metric::CpuPerRequest, pairs(cpu_log_ratio))].into(),
                counted: [(
                    Metric::Instructions,
                    [counted(1000.0), counted(instructions)],
                )]
                .into(),
                conditions: SOUND,
            };
            Judgement::of(&observed, &roles.into(), LOOKS[0], 1).decision
        };
        let guarded = || Roles::new(Metric::CpuPerRequest, &[Metric::Instructions]);
        let unguarded = Roles::new(Metric::CpuPerRequest, &[]);
        assert_eq!(decision(unguarded, -0.05, 1100.0), Decision::Go);
        assert_eq!(decision(guarded(), -0.05, 1100.0), Decision::NoGo);
        assert_eq!(decision(guarded(), -0.05, 1000.0), Decision::Go);
        let primary = || Roles::new(Metric::Instructions, &[]);
        assert_eq!(decision(primary(), -0.05, 900.0), Decision::Inconclusive);
        assert_eq!(decision(primary(), 0.0, 1100.0), Decision::NoGo);
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
        let judged = |log_ratio| {
            let judge = |look| {
                let observed = Observed {
                    pairs: [(Metric::CpuPerRequest, pairs(log_ratio))].into(),
                    ..Observed::default()
                };
                Ok::<_, std::convert::Infallible>(Judgement::of(&observed, &cpu(), look, 1))
            };
            until_decided(&LOOKS, judge).expect("infallible").len()
        };
        assert_eq!((judged(0.05), judged(0.01)), (1, 3));
    }

    #[test]
    fn a_look_that_the_clock_moves_keeps_its_level_and_is_the_last() {
        let looked_at = |made: u32| -> Vec<(u32, f64)> {
            let judge = |look: Look| {
                let launches = look.launches.min(made);
                let (observed, moved) = (Observed::default(), Look { launches, ..look });
                Ok::<_, std::convert::Infallible>(Judgement::of(&observed, &cpu(), moved, 1))
            };
            let judgements = until_decided(&LOOKS, judge).expect("infallible");
            let looks = judgements.iter().map(|judgement| judgement.look);
            looks.map(|look| (look.launches, look.alpha)).collect()
        };
        assert_eq!(looked_at(3), [(3, 0.015)]);
        assert_eq!(looked_at(8), [(8, 0.015)]);
        assert_eq!(looked_at(11), [(8, 0.015), (11, 0.015)]);
        assert_eq!(looked_at(31), [(8, 0.015), (16, 0.015), (31, 0.02)]);
        assert_eq!(looked_at(99), [(8, 0.015), (16, 0.015), (32, 0.02)]);
        // A record of so many launches is judged as they were.
        for made in 1..=32 {
            let again = looks(made);
            let again = again.iter().map(|look| (look.launches, look.alpha));
            assert_eq!(looked_at(made), again.collect::<Vec<_>>());
        }
    }
}
