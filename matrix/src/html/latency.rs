//! Response times by percentile, from histograms that are added over launches: each step to the right is a tenth of the
//! requests that were left.

use super::plot::{Axis, Plot, Spread, legend};
use super::series::{COLOURS, colour};
use crate::markup::Element;
use crate::record::{Latency, Launch};
use crate::report::Report;

/// The first point, as tenths of tenths: half of the requests. Below it every server looks alike, down to the luckiest request.
const FIRST: f64 = std::f64::consts::LOG10_2;

/// Points per factor of ten.
const POINTS: u32 = 8;

/// Nobody measures beyond 1 − 10⁻⁷.
const TENTHS_MAX: u32 = 7;

/// The figure; none where no arm has enough values.
pub(super) fn figure(report: &Report, notable: &[usize], launches: &[&Launch]) -> Option<Element> {
    let lines: Vec<(String, Vec<(f64, f64)>)> = notable
        .iter()
        .take(COLOURS)
        .filter_map(|arm| Some((report.record.plan().label(*arm), points(launches, *arm)?)))
        .filter(|(_, points)| points.len() > 1)
        .collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let last = all().map(|point| point.0).fold(0.0, f64::max);
    if lines.is_empty() || last <= FIRST {
        return None;
    }
    let x = Axis::labelled("percentile", (FIRST, last), labels(last));
    let y = Axis::over("µs", Spread::Logarithmic, all().map(|point| point.1));
    let description = format!(
        "{} arms, up to the percentile that ten requests lie beyond",
        lines.len()
    );
    let mut plot = Plot::new("Response time by percentile", description, x, y);
    for (place, (name, points)) in lines.iter().enumerate() {
        plot.line(&colour(place), name, points);
    }
    let entries = lines
        .iter()
        .enumerate()
        .map(|(place, (name, _))| (colour(place), name.clone()));
    let legend = legend(entries);
    let note = match report.record.plan().settings.requests_per_s {
        Some(_) => "Open loop: from the intended time of sending.",
        None => {
            "Closed loop: clients wait, so requests that a stall kept from being sent are not in it."
        }
    };
    Some(plot.figure(Some(legend), note))
}

/// What is left of the requests in tenths of tenths, and the response time there; ten requests lie beyond each point.
fn points(launches: &[&Launch], arm: usize) -> Option<Vec<(f64, f64)>> {
    let mut all = Latency::empty();
    for launch in launches {
        all.add(&launch.arms[arm].latency.0).ok()?;
    }
    let point = |step: u32| {
        let tenths = (f64::from(step) / f64::from(POINTS)).max(FIRST);
        let value_ns = all.quantile_ns(1.0 - 10_f64.powf(-tenths))?;
        (value_ns > 0.0).then_some((tenths, value_ns / 1e3))
    };
    let first = (FIRST * f64::from(POINTS)) as u32;
    Some((first..=TENTHS_MAX * POINTS).map_while(point).collect())
}

fn labels(last: f64) -> Vec<(f64, String)> {
    let label = |tenths: u32| match tenths {
        1 => "90".to_owned(),
        more => format!("99.{}", "9".repeat(more as usize - 2))
            .trim_end_matches('.')
            .to_owned(),
    };
    let round = (1..=last as u32).map(|tenths| (f64::from(tenths), label(tenths)));
    [(FIRST, "50".to_owned())]
        .into_iter()
        .chain(round)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_labelled_by_what_is_left() {
        let labels: Vec<String> = labels(3.5).into_iter().map(|label| label.1).collect();
        assert_eq!(labels, ["50", "90", "99", "99.9"]);
    }
}
