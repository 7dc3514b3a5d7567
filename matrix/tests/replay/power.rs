//! The other half of a test's worth: how often is a difference found that was planted, and after how many launches?
//!
//! What is planted moves every log-ratio by the same amount, and with them each interval, so that nothing has to be
//! tossed again; a test holds that.

use orthant_matrix::stats::signflip::Interval;
use orthant_matrix::verdict::{
    Conditions, Decision, Effect, Judgement, LOOKS, Look, Metric, Pair, Roles, Verdict,
};

use super::harness::{NOISY, QUIET, Replay, replayed, said, share};
use super::{OF_COMPARE, OF_SLICES, trace};

/// In per cent.
const PLANTED: [f64; 4] = [1.0, 2.0, 3.0, 5.0];

/// The effect of a candidate whose value of this metric is `exp(by)` times as large.
pub(super) fn moved(effect: &Effect, look: Look, by: f64) -> Effect {
    let interval = effect.interval.map(|interval| Interval {
        low: interval.low + by,
        high: interval.high + by,
    });
    let verdict = |interval| Verdict::of(effect.metric, interval, effect.margin, look.launches);
    Effect {
        candidate: effect.candidate * by.exp(),
        log_ratio: effect.log_ratio + by,
        log_ratio_hodges_lehmann: effect.log_ratio_hodges_lehmann + by,
        verdict: interval.map_or(effect.verdict, verdict),
        interval,
        ..effect.clone()
    }
}

/// What was found of one planted difference, as shares of the replays, after each look.
struct Power {
    /// The interval leaves out that there is no difference, on the right side.
    seen: [f64; 3],
    /// The decision is the right one.
    decided: [f64; 3],
    /// How many launches it took, decided or not.
    launches_mean: f64,
}

fn power(
    replays: &[Replay],
    metric: Metric,
    conditions: Conditions,
    by: f64,
    right: Decision,
) -> Power {
    let rules = Roles::new(metric, &[]).into();
    let planted = |effect: &Effect, look| match effect.metric {
        of if of == metric => moved(effect, look, by),
        _ => effect.clone(),
    };
    let last = |replay: &Replay| replay.judged(&LOOKS, &rules, conditions, planted);
    let judged: Vec<Judgement> = replays.iter().map(last).collect();
    let is_seen = |replay: &Replay, look: &Look| {
        let interval = moved(replay.effect(*look, metric), *look, by)
            .interval
            .unwrap();
        if by > 0.0 {
            interval.low > 0.0
        } else {
            interval.high < 0.0
        }
    };
    let looks = [0, 1, 2];
    Power {
        seen: looks.map(|last| {
            share(replays, |replay| {
                LOOKS[..=last].iter().any(|look| is_seen(replay, look))
            })
        }),
        decided: looks.map(|last| {
            share(&judged, |judged| {
                judged.decision == right && judged.look.launches <= LOOKS[last].launches
            })
        }),
        launches_mean: judged
            .iter()
            .map(|judged| f64::from(judged.look.launches))
            .sum::<f64>()
            / judged.len() as f64,
    }
}

impl Power {
    fn print(&self, name: &str) {
        let percent = |shares: [f64; 3]| {
            shares
                .map(|share| format!("{:5.1}", share * 100.0))
                .join(" ")
        };
        let (seen, decided) = (percent(self.seen), percent(self.decided));
        println!(
            "{name:45} {seen}   {decided}     {:4.1}",
            self.launches_mean
        );
    }
}

/// Worse and better, by each of the planted differences.
fn all(replays: &[Replay], metric: Metric, conditions: Conditions, name: &str) -> [Vec<Power>; 2] {
    let sign = if metric == Metric::Throughput {
        -1.0
    } else {
        1.0
    };
    [
        (1.0, "worse", Decision::NoGo),
        (-1.0, "better", Decision::Go),
    ]
    .map(|(way, word, right)| {
        let of = |percent: f64| {
            let by = way * sign * (percent / 100.0).ln_1p();
            let power = power(replays, metric, conditions, by, right);
            power.print(&format!("{name}, {percent} % {word}"));
            power
        };
        let powers: Vec<Power> = PLANTED.map(of).into();
        assert!(powers.is_sorted_by(|less, more| less.seen[2] <= more.seen[2]));
        assert!(powers.is_sorted_by(|less, more| less.decided[2] <= more.decided[2]));
        powers
    })
}

#[test]
fn planted_differences_are_found() {
    println!(
        "{:45} seen by 8, 16, 32  decided by 8, 16, 32  launches",
        "% of the replays"
    );
    let cpu = Metric::CpuPerRequest;
    for power in all(&OF_SLICES, cpu, NOISY, "launches-aa, CPU") {
        let [one, two, three, five] = &power[..] else {
            panic!("four were planted")
        };
        // What is as large as the margin is seen, and no reason to act.
        assert!(one.seen[2] > 0.95 && one.decided[2] < 0.05);
        assert!(two.decided[2] > 0.95 && three.decided[1] > 0.98 && five.decided[0] > 0.85);
        assert!(three.launches_mean < 13.0 && five.launches_mean < 10.0);
    }
    let [_, cheaper] = all(&OF_SLICES, cpu, QUIET, "launches-aa, CPU, guard throughput");
    assert!(cheaper[3].decided[2] > 0.75);
    let throughput = Metric::Throughput;
    for power in all(
        &OF_SLICES,
        throughput,
        QUIET,
        "launches-aa, throughput, guard CPU",
    ) {
        assert!(power[1].seen[2] > 0.75 && power[2].seen[2] > 0.97 && power[3].decided[2] > 0.95);
    }
    for power in all(&OF_COMPARE, cpu, NOISY, "compare-aa, CPU, guard memory") {
        assert!(
            power[0].seen[2] > 0.97 && power[1].decided[2] > 0.97 && power[3].decided[1] > 0.98
        );
    }
}

#[test]
fn what_is_planted_in_every_launch_moves_what_is_said() {
    let launches = trace::of_slices();
    for seed in 0..20 {
        let pairs = replayed(&launches, seed);
        let by = 0.03_f64.ln_1p();
        let planted = |pair: &Pair| Pair {
            candidate: pair.candidate * by.exp(),
            log_ratio: pair.log_ratio + by,
            ..*pair
        };
        let dearer = pairs
            .iter()
            .map(|(metric, pairs)| (*metric, pairs.iter().map(planted).collect()))
            .collect();
        for look in LOOKS {
            let (before, after) = (said(&pairs, look, seed), said(&dearer, look, seed));
            for (before, after) in before.iter().zip(after) {
                let moved = moved(before, look, by);
                let off = moved.interval.unwrap().low - after.interval.unwrap().low;
                assert!(off.abs() < 1e-12, "{moved:?} {after:?}");
                assert_eq!(moved.verdict, after.verdict);
            }
        }
    }
}
