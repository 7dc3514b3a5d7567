//! What a metric says that is counted and not measured: it has no noise, so there is nothing to test.
//!
//! Its interval spans what single readings of both sides leave possible, a point where they repeat. Where they do not, it may
//! reach beyond the margin on either side, and then it decides nothing. A zero has no ratio: more than nothing is worse by an
//! infinite one.

use super::{Effect, Margins, Metric, Verdict};
use crate::stats::signflip::Interval;

/// What was counted of one side, per request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    /// Over all readings.
    pub mean: f64,
    /// The least of a reading.
    pub least: f64,
    /// The most of a reading.
    pub most: f64,
}

impl Effect {
    /// Compares what was counted of both sides.
    #[must_use]
    pub fn exact(
        metric: Metric,
        baseline: Counted,
        candidate: Counted,
        margins: &Margins,
    ) -> Effect {
        let interval = Interval {
            low: log_ratio(baseline.most, candidate.least),
            high: log_ratio(baseline.least, candidate.most),
        };
        let margin = margins.of(metric, baseline.mean);
        let log_ratio = log_ratio(baseline.mean, candidate.mean);
        Effect {
            metric,
            baseline: baseline.mean,
            candidate: candidate.mean,
            log_ratio,
            log_ratio_hodges_lehmann: log_ratio,
            interval: Some(interval),
            p: if interval.low <= 0.0 && 0.0 <= interval.high {
                1.0
            } else {
                0.0
            },
            margin,
            verdict: verdict(metric.goodness(interval), margin.ln_1p()),
        }
    }
}

fn log_ratio(baseline: f64, candidate: f64) -> f64 {
    if baseline == candidate {
        0.0
    } else {
        (candidate / baseline).ln()
    }
}

/// Unlike an interval of the test, this one may end at the margin, which may be 0.
fn verdict(goodness: Interval, margin: f64) -> Verdict {
    if goodness.low > margin {
        Verdict::Better
    } else if goodness.high < -margin {
        Verdict::Worse
    } else if goodness.low < -margin {
        // Launches do not change what is counted.
        Verdict::Inconclusive { more_launches: 0 }
    } else if goodness.high > margin {
        Verdict::NotWorse
    } else {
        Verdict::NoDifference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_of(metric: Metric, baseline: [f64; 2], candidate: [f64; 2]) -> Verdict {
        let counted = |[least, most]: [f64; 2]| Counted {
            mean: f64::midpoint(least, most),
            least,
            most,
        };
        Effect::exact(
            metric,
            counted(baseline),
            counted(candidate),
            &Margins::default(),
        )
        .verdict
    }

    #[test]
    fn margins_are_those_of_the_metric_and_none_for_allocations() {
        use Metric::{Allocations, Instructions, Syscalls};
        let verdict =
            |metric, baseline, candidate| verdict_of(metric, [baseline; 2], [candidate; 2]);
        assert_eq!(verdict(Instructions, 2000.0, 2001.9), Verdict::NoDifference);
        assert_eq!(verdict(Instructions, 2000.0, 2002.1), Verdict::Worse);
        assert_eq!(verdict(Instructions, 2000.0, 1997.9), Verdict::Better);
        assert_eq!(verdict(Syscalls, 2.0, 2.019), Verdict::NoDifference);
        assert_eq!(verdict(Syscalls, 2.0, 2.021), Verdict::Worse);
        assert_eq!(verdict(Allocations, 0.0, 0.0), Verdict::NoDifference);
        assert_eq!(verdict(Allocations, 0.0, 0.01), Verdict::Worse);
        assert_eq!(verdict(Allocations, 4.0, 3.99), Verdict::Better);
    }

    #[test]
    fn what_does_not_repeat_says_no_more_than_its_readings() {
        let spread = |baseline, candidate| verdict_of(Metric::Allocations, baseline, candidate);
        let open = Verdict::Inconclusive { more_launches: 0 };
        assert_eq!(spread([4.0, 4.1], [4.05, 4.2]), open);
        assert_eq!(spread([4.0, 4.1], [3.9, 4.0]), Verdict::NotWorse);
        let apart = verdict_of(Metric::Allocations, [4.0, 4.1], [4.2, 4.3]);
        assert_eq!(apart, Verdict::Worse);
    }
}
