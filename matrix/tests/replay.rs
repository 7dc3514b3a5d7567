//! The decision path over launches of identical servers, replayed with chance roles: how often does it see a difference
//! that cannot be there, and how often one that was planted?
//!
//! Stored traces stand in for the measurement; everything after it is what `compare` and the tables run. Habits of others
//! go through the same test, to prove that it can tell. `--nocapture` prints every share.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "replay/habits.rs"]
mod habits;
#[path = "replay/harness.rs"]
mod harness;
#[path = "replay/not_worse.rs"]
mod not_worse;
#[path = "replay/power.rs"]
mod power;
#[path = "replay/trace.rs"]
mod trace;

use std::sync::LazyLock;

use orthant_matrix::sheet::plain_interval;
use orthant_matrix::verdict::{
    Decision, Effect, Judgement, Look, Metric, Question, Roles, Rules, Verdict, looks,
};

use harness::{FalseAlarms, NOISY, QUIET, Replay, replayed};

/// `--max-launches`, of the 25 that it takes: the first and last of every kind of plan, and some between.
const MOST: [u32; 5] = [8, 12, 16, 24, 32];

/// The launches by CPU and throughput, and what is said of them at the looks without `--max-launches`.
static OF_SLICES: LazyLock<Vec<Replay>> =
    LazyLock::new(|| Replay::all(&trace::of_slices(), &looks(32)));

/// The launches by all metrics, and what is said of them at every look of every plan.
static OF_COMPARE: LazyLock<Vec<Replay>> = LazyLock::new(|| {
    let mut all: Vec<Look> = Vec::new();
    for look in MOST.into_iter().flat_map(looks) {
        if !all.contains(&look) {
            all.push(look);
        }
    }
    Replay::all(&trace::of_compare(), &all)
});

/// Without regard to margins and without stopping early: the strictest sight of a test.
#[test]
fn intervals_leave_out_no_difference_in_at_most_one_of_fifteen_replays() {
    let leaves_out_0 = |replay: &Replay, plan: &[Look], metric| {
        let is_rejected = |look: &Look| replay.effect(*look, metric).p <= look.alpha;
        plan.iter().any(is_rejected)
    };
    let check = |name: &str, replays: &[Replay], metric, most| {
        let plan = looks(most);
        let alarms = FalseAlarms::of(replays, |replay| leaves_out_0(replay, &plan, metric));
        println!("{alarms}  {name}, {metric:?}, at any look of at most {most} launches");
        assert!(alarms.are_few() && alarms.are_some());
    };
    for metric in [Metric::CpuPerRequest, Metric::Throughput] {
        check("launches-aa", &OF_SLICES, metric, 32);
    }
    for metric in Metric::MEASURED {
        for most in MOST {
            check("compare-aa", &OF_COMPARE, metric, most);
        }
    }
}

/// Whether somebody acts on it: NO-GO, GO where something had to improve, or a primary metric that is told to differ.
fn calls_different(judgement: &Judgement) -> bool {
    let primary = judgement.rules.roles.primary;
    let mut effects = judgement.effects.iter();
    let is_acted_on = match judgement.decision {
        Decision::NoGo => true,
        Decision::Go => judgement.rules.question == Question::Better,
        Decision::NoDifference | Decision::Inconclusive => false,
    };
    is_acted_on
        || effects.any(|effect| {
            let differs = matches!(effect.verdict, Verdict::Better | Verdict::Worse);
            effect.metric == primary && judgement.decides(primary) && differs
        })
}

fn every_decision(seen: fn(&Effect, Look) -> Effect) {
    println!("most launches      {MOST:8?}");
    for primary in Metric::MEASURED {
        // CPU guards whether it is named or not, and p99 does not guard itself.
        let guards = [Metric::CpuPerRequest, Metric::LatencyP99].into_iter();
        for guard in
            guards.filter(|guard| (*guard, primary) != (Metric::LatencyP99, Metric::LatencyP99))
        {
            for conditions in [QUIET, NOISY] {
                let roles = Roles::new(primary, &[guard]);
                for question in [Question::Better, Question::NotWorse] {
                    let rules = Rules {
                        question,
                        ..roles.clone().into()
                    };
                    let of_plan = |most| {
                        let plan = looks(most);
                        FalseAlarms::of(&OF_COMPARE, |replay| {
                            calls_different(&replay.judged(&plan, &rules, conditions, seen))
                        })
                    };
                    let alarms = MOST.map(of_plan);
                    let shares = alarms.map(|alarms| alarms.to_string()).join(" ");
                    println!(
                        "{shares}  {question:?}, {primary:?}, guards {:?}, {:?}",
                        rules.roles.guards, conditions.machine
                    );
                    assert!(alarms.iter().all(|alarms| alarms.are_few()));
                }
            }
        }
    }
}

#[test]
fn no_decision_calls_identical_servers_different() {
    every_decision(|effect, _| effect.clone());
}

/// Margins hide most false alarms on these launches. Where noise is a hundred times as large, they hide none, and several
/// metrics have a chance each.
#[test]
fn no_decision_calls_identical_servers_different_where_margins_are_nothing_against_noise() {
    every_decision(|effect, look| {
        let verdict = |interval| {
            Verdict::of(
                effect.metric,
                interval,
                effect.margin / 100.0,
                look.launches,
            )
        };
        Effect {
            verdict: effect.interval.map_or(effect.verdict, verdict),
            ..effect.clone()
        }
    });
}

/// The interval beside `% to first`, and those of the effects of axes.
#[test]
fn intervals_of_tables_leave_out_no_difference_in_at_most_one_of_fifteen_replays() {
    let launches = trace::of_slices();
    for count in [6, 8, 16] {
        let replays: Vec<(u64, Vec<f64>)> = (0..harness::REPLAYS)
            .map(|seed| {
                let pairs = &replayed(&launches, seed)[&Metric::CpuPerRequest];
                (
                    seed,
                    pairs[..count].iter().map(|pair| pair.log_ratio).collect(),
                )
            })
            .collect();
        let alarms = FalseAlarms::of(&replays, |(seed, log_ratios)| {
            let interval = plain_interval(log_ratios, *seed).unwrap();
            interval.low > 0.0 || interval.high < 0.0
        });
        println!("{alarms}  launches-aa, 95 % interval of a table of {count} launches");
        assert!(alarms.are_few() && alarms.are_some());
    }
}
