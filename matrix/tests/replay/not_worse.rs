//! `--non-inferiority`: how often is a candidate let through that is worse by just the margin, and one that is not worse?

use orthant_matrix::verdict::{
    Conditions, Decision, Effect, LOOKS, Metric, Question, Roles, Rules, Tier,
};

use super::OF_COMPARE;
use super::harness::{NOISY, QUIET, share};
use super::power::moved;

/// What comes of a candidate that is worse in one metric, as shares of the replays.
struct Shares {
    go: f64,
    no_go: f64,
    launches_mean: f64,
}

/// `worse` is the log-ratio by which that metric is worse.
fn shares(metric: Metric, conditions: Conditions, worse: impl Fn(&Effect) -> f64) -> Shares {
    let rules = Rules {
        question: Question::NotWorse,
        ..Roles::new(Metric::CpuPerRequest, &[metric]).into()
    };
    let sign = if metric == Metric::Throughput {
        -1.0
    } else {
        1.0
    };
    let planted = |effect: &Effect, look| match effect.metric {
        of if of == metric => moved(effect, look, sign * worse(effect)),
        _ => effect.clone(),
    };
    let judged: Vec<_> = OF_COMPARE
        .iter()
        .map(|replay| replay.judged(&LOOKS, &rules, conditions, planted))
        .collect();
    let launches = judged.iter().map(|judged| f64::from(judged.look.launches));
    let shares = Shares {
        go: share(&judged, |judged| judged.decision == Decision::Go),
        no_go: share(&judged, |judged| judged.decision == Decision::NoGo),
        launches_mean: launches.sum::<f64>() / judged.len() as f64,
    };
    println!(
        "{metric:?}: GO {:.2} %, NO-GO {:.2} %, {:.1} launches",
        shares.go * 100.0,
        shares.no_go * 100.0,
        shares.launches_mean
    );
    shares
}

#[test]
fn a_candidate_worse_by_the_margin_is_let_through_in_at_most_one_of_twenty_replays() {
    for metric in Metric::MEASURED {
        print!("worse by the margin in ");
        // Where the wall clock has no say, fewer guards can hold it up.
        let conditions = match metric.tier() {
            Tier::WallClock => QUIET,
            _ => NOISY,
        };
        let shares = shares(metric, conditions, |effect| effect.margin.ln_1p());
        assert!(shares.go <= 0.05, "{metric:?}: {}", shares.go);
    }
}

#[test]
fn equal_servers_are_let_through_and_dearer_ones_are_not() {
    print!("no worse in ");
    let equal = shares(Metric::CpuPerRequest, NOISY, |_| 0.0);
    print!("5 % worse in ");
    let dearer = shares(Metric::CpuPerRequest, NOISY, |_| 1.05_f64.ln());
    assert!(equal.no_go < 0.01 && equal.go > 0.9, "{}", equal.go);
    assert!(dearer.go == 0.0 && dearer.no_go > 0.99, "{}", dearer.no_go);
    // What is decided takes no more launches.
    assert!(dearer.launches_mean < 16.0);
}
