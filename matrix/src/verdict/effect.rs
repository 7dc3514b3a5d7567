//! What one metric says: its interval, and the verdict of that interval against the margin.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{LOOKS, Look, Margins, Metric};
use crate::stats::signflip::{Interval, SignFlip};
use crate::stats::{hodges_lehmann, mean, median};

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
        /// About this many launches more would settle it, at the spread seen so far; 0 where launches do not help.
        more_launches: u32,
    },
}

impl Verdict {
    /// The verdict of an interval of a metric's log-ratios against a margin, which is a share, after so many launches.
    #[must_use]
    pub fn of(metric: Metric, log_ratios: Interval, margin: f64, launches: u32) -> Verdict {
        Verdict::of_goodness(metric.goodness(log_ratios), margin.ln_1p(), launches)
    }

    /// The same of what is better the higher it is, the margin on the log scale.
    fn of_goodness(goodness: Interval, margin: f64, launches: u32) -> Verdict {
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

    pub(super) fn is_acceptable(self) -> bool {
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
            Verdict::Inconclusive { more_launches: 0 } => out.write_str("INCONCLUSIVE"),
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
    pub fn of(
        metric: Metric,
        pairs: &[Pair],
        margins: &Margins,
        look: Look,
        seed: u64,
    ) -> Option<Effect> {
        let over = |value: fn(&Pair) -> f64| pairs.iter().map(value).collect::<Vec<f64>>();
        let log_ratios = over(|pair| pair.log_ratio);
        let baseline = median(&over(|pair| pair.baseline))?;
        let margin = margins.of(metric, baseline);
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
                Some(interval) => Verdict::of(metric, interval, margin, launches),
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

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: f64 = 0.01;

    fn verdict(low: f64, high: f64) -> Verdict {
        Verdict::of_goodness(Interval { low, high }, MARGIN, 8)
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
}
