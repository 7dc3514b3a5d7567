//! By how much each metric has to differ to matter, unless somebody asked for other margins.
//!
//! A margin is a share of the baseline's value, an absolute amount, or the larger of both: `1%`, `64KiB`, `2% or 64KiB`. A
//! record keeps the margins of its comparison, so that a later default changes no decision that was made.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{MEMORY_MARGIN_BYTES, Metric};
use crate::quantity::Dimension;

/// The smallest difference of a metric that matters; the larger of its two parts holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// As a share of the baseline's value.
    pub share: f64,
    /// In the metric's own unit.
    pub absolute: f64,
}

impl Margin {
    /// The one that holds where nobody asks for another.
    #[must_use]
    pub fn usual(metric: Metric) -> Margin {
        let (share, absolute) = match metric {
            Metric::CpuPerRequest => (0.01, 0.0),
            Metric::Memory => (0.02, MEMORY_MARGIN_BYTES),
            Metric::Throughput => (0.02, 0.0),
            Metric::LatencyP99 => (0.05, 0.0),
            Metric::Instructions => (0.001, 0.0),
            Metric::Syscalls => (0.01, 0.0),
            Metric::Allocations => (0.0, 0.0),
        };
        Margin { share, absolute }
    }

    /// As a share of the baseline's value.
    #[must_use]
    pub fn of(self, baseline: f64) -> f64 {
        f64::max(self.share, self.absolute / baseline)
    }

    /// Reads the margin of a metric.
    ///
    /// # Errors
    /// When it is neither a percentage nor an amount that the metric has a unit for, or two of a kind.
    pub fn parse(metric: Metric, text: &str) -> Result<Margin, String> {
        let (mut share, mut absolute) = (None, None);
        for part in text.split(" or ") {
            let of_metric = dimension(metric).filter(|_| !part.trim().ends_with('%'));
            let (kind, dimension) = match of_metric {
                Some(dimension) => (&mut absolute, dimension),
                None => (&mut share, Dimension::Share),
            };
            let amount = dimension.parse(part).map_err(|_| refused(metric, text))?;
            if kind.replace(amount).is_some() {
                return Err(refused(metric, text));
            }
        }
        Ok(Margin {
            share: share.unwrap_or(0.0),
            absolute: absolute.unwrap_or(0.0),
        })
    }
}

/// The unit of an absolute margin; without one it is a share.
fn dimension(metric: Metric) -> Option<Dimension> {
    match metric {
        Metric::CpuPerRequest | Metric::LatencyP99 => Some(Dimension::Time),
        Metric::Memory => Some(Dimension::Memory),
        _ => None,
    }
}

fn refused(metric: Metric, text: &str) -> String {
    let amounts = dimension(metric).map_or(String::new(), |dimension| {
        let units = dimension.units_listed();
        format!(", an amount in {units}, or the larger of both as in \"1% or 64KiB\"")
            .replace("64KiB", example(dimension))
    });
    format!(
        "`{text}` is no margin of {}: give a percentage such as \"1%\"{amounts}",
        metric.name()
    )
}

fn example(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Time => "5us",
        _ => "64KiB",
    }
}

/// The margin of every metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Margins(BTreeMap<Metric, Margin>);

impl Default for Margins {
    fn default() -> Margins {
        let all = Metric::ALL.into_iter();
        Margins(all.map(|metric| (metric, Margin::usual(metric))).collect())
    }
}

impl Margins {
    /// Sets that of one metric.
    pub fn set(&mut self, metric: Metric, margin: Margin) {
        self.0.insert(metric, margin);
    }

    /// The margin of a metric as a share of the baseline's value.
    #[must_use]
    pub fn of(&self, metric: Metric, baseline: f64) -> f64 {
        // A record may be older than a metric.
        let margin = self.0.get(&metric).copied();
        margin.unwrap_or_else(|| Margin::usual(metric)).of(baseline)
    }
}

/// A margin that somebody asked for, as `METRIC=MARGIN` on a command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Of which metric.
    pub metric: Metric,
    /// The margin.
    pub margin: Margin,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        let (name, margin) = text
            .split_once('=')
            .ok_or("a margin is METRIC=MARGIN, such as p99=10% or memory=64KiB")?;
        let metric = named(name)?;
        let margin = Margin::parse(metric, margin)?;
        Ok(Asked { metric, margin })
    }
}

/// The metric of a name, as on the command line.
///
/// # Errors
/// When there is none, with those that there are.
pub fn named(name: &str) -> Result<Metric, String> {
    Metric::from_str(name, false).map_err(|_| {
        let known: Vec<String> = Metric::ALL.into_iter().map(key).collect();
        let named: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "unknown metric `{name}`, expected one of {}",
            named.join(", ")
        )
    })
}

/// The name of a metric on the command line.
#[must_use]
pub fn key(metric: Metric) -> String {
    let value = metric.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_may_differ_by_a_few_pages_in_a_small_server() {
        let margins = Margins::default();
        assert_eq!(margins.of(Metric::Memory, 640.0 * 1024.0), 0.1);
        assert_eq!(margins.of(Metric::Memory, 64.0 * 1024.0 * 1024.0), 0.02);
    }

    #[test]
    fn a_metric_that_a_record_does_not_know_has_its_usual_margin() {
        let old: Margins = serde_json::from_str("{}").unwrap();
        for metric in Metric::ALL {
            for baseline in [1e3, 640.0 * 1024.0, 64.0 * 1024.0 * 1024.0] {
                let usual = Margins::default().of(metric, baseline);
                assert_eq!(old.of(metric, baseline), usual, "{metric:?}");
            }
        }
    }

    #[test]
    fn the_larger_of_share_and_amount_holds() {
        let mut margins = Margins::default();
        let Asked { metric, margin } = "memory=1% or 64KiB".parse().unwrap();
        margins.set(metric, margin);
        assert_eq!(margins.of(Metric::Memory, 640.0 * 1024.0), 0.1);
        assert_eq!(margins.of(Metric::Memory, 64.0 * 1024.0 * 1024.0), 0.01);
        let Asked { metric, margin } = "p99=50us".parse().unwrap();
        margins.set(metric, margin);
        assert_eq!(margins.of(Metric::LatencyP99, 1e6), 0.05);
    }

    #[test]
    fn a_margin_that_the_metric_does_not_have_is_refused_with_what_it_has() {
        for (text, hint) in [
            (
                "throughput=64KiB",
                "`64KiB` is no margin of throughput: give a percentage such as \"1%\"",
            ),
            ("memory=5ms", "an amount in B, kB"),
            ("p99=5", "an amount in ns, us"),
            (
                "memory=1% or 2%",
                "`1% or 2%` is no margin of private memory",
            ),
            ("memory=64KiB or 1KiB", "or the larger of both"),
            ("throughput=1% or 2%", "no margin of throughput"),
            ("p99", "METRIC=MARGIN"),
            ("memry=1%", "expected one of `cpu-per-request`, `memory`"),
        ] {
            let error = text.parse::<Asked>().unwrap_err();
            assert!(error.contains(hint), "{error}");
        }
    }
}
