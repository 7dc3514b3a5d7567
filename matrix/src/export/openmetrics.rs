//! OpenMetrics text (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): gauges for the figures, a histogram for the
//! response times, a state set for what was decided.

use std::fmt::{self, Write};

use anyhow::Result;

use super::cells::{Cell, Measure};
use crate::comparison::Comparison;
use crate::record::{Latency, Launch};
use crate::report::Report;
use crate::sheet::SoakSheet;
use crate::verdict::Decision;

/// Upper bounds of the buckets in microseconds: 1, 2 and 5 times powers of ten.
const BOUNDS_US: [u64; 18] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
    500_000, 1_000_000, 2_000_000, 5_000_000,
];

const DECISIONS: [Decision; 4] = [
    Decision::Go,
    Decision::NoGo,
    Decision::NoDifference,
    Decision::Inconclusive,
];

/// A family under way.
struct Family {
    name: String,
    text: String,
}

/// The name and the value of a label.
type Named<'a> = (&'a str, &'a str);

impl Family {
    fn new(name: &str, kind: &str, unit: Option<&str>, help: &str) -> Family {
        let unit = unit.map_or(String::new(), |unit| format!("# UNIT {name} {unit}\n"));
        Family {
            name: name.to_owned(),
            text: format!("# TYPE {name} {kind}\n{unit}# HELP {name} {help}\n"),
        }
    }

    fn sample(&mut self, suffix: &str, labels: &[Named<'_>], value: impl fmt::Display) {
        let label = |(name, value): &Named<'_>| format!("{name}=\"{}\"", escaped(value));
        let labels: Vec<String> = labels.iter().map(label).collect();
        writeln!(
            self.text,
            "{}{suffix}{{{}}} {value}",
            self.name,
            labels.join(",")
        )
        .expect("a String takes everything");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

pub(super) fn text(report: &Report, cells: &[Cell]) -> Result<String> {
    let mut families = vec![validity(cells)];
    families.extend(gauges(cells));
    if report.sheet.is_some() {
        families.push(response_times(report)?);
    }
    if let Some(soak) = &report.soak {
        families.push(of_soak(soak));
    }
    if !report.comparisons.is_empty() {
        families.push(decisions(&report.comparisons));
        families.push(changes(&report.comparisons));
    }
    let texts = families.into_iter().map(|family| family.text);
    Ok(texts.collect::<String>() + "# EOF\n")
}

fn labels(cell: &Cell) -> [Named<'_>; 3] {
    [
        ("campaign", &cell.campaign),
        ("workload", &cell.workload),
        ("arm", &cell.arm),
    ]
}

fn validity(cells: &[Cell]) -> Family {
    let help = "Whether the figures of a cell count; those that do not have no other sample.";
    let mut family = Family::new("orthant_cell_valid", "gauge", None, help);
    for cell in cells {
        family.sample("", &labels(cell), u8::from(cell.is_valid()));
    }
    family
}

/// A family for each measure that any cell has, in base units.
fn gauges(cells: &[Cell]) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.is_valid()) {
        for measure in &cell.measures {
            let (name, unit, value) = in_base_unit(measure);
            let place = families.iter().position(|family| family.name == name);
            let place = place.unwrap_or_else(|| {
                let help = format!("{}.", measure.help);
                families.push(Family::new(&name, "gauge", unit, &help));
                families.len() - 1
            });
            families[place].sample("", &labels(cell), value);
        }
    }
    families
}

fn in_base_unit(measure: &Measure) -> (String, Option<&'static str>, f64) {
    let name = format!("orthant_{}", measure.name.replace('-', "_"));
    match measure.unit {
        "ns" => (
            format!("{name}_seconds"),
            Some("seconds"),
            measure.value / 1e9,
        ),
        "bytes" => (format!("{name}_bytes"), Some("bytes"), measure.value),
        _ => (name, None, measure.value),
    }
}

fn response_times(report: &Report) -> Result<Family> {
    let help = "Response times of all launches of a cell together.";
    let mut family = Family::new(
        "orthant_response_seconds",
        "histogram",
        Some("seconds"),
        help,
    );
    let campaign = report.campaigns();
    for block in report.sheet.iter().flat_map(|sheet| &sheet.blocks) {
        let launches = report.record.launches_of(block.workload);
        for (arm, row) in block.rows.iter().enumerate() {
            if row.label.is_valid() && !launches.is_empty() {
                let labels = [
                    ("campaign", campaign.as_str()),
                    ("workload", block.workload.name()),
                    ("arm", row.design.as_str()),
                ];
                histogram(&mut family, &labels, &launches, arm)?;
            }
        }
    }
    Ok(family)
}

fn histogram(
    family: &mut Family,
    labels: &[Named<'_>; 3],
    launches: &[&Launch],
    arm: usize,
) -> Result<()> {
    let mut all = Latency::empty();
    launches
        .iter()
        .try_for_each(|launch| all.add(&launch.arms[arm].latency.0))?;
    let mut bucket = |bound: &str, count: u64| {
        let [campaign, workload, arm] = *labels;
        family.sample("_bucket", &[campaign, workload, arm, ("le", bound)], count);
    };
    for bound_us in BOUNDS_US {
        let count = all.0.count_between(0, bound_us * 1_000);
        bucket(&format!("{:?}", bound_us as f64 / 1e6), count);
    }
    bucket("+Inf", all.0.len());
    family.sample("_count", labels, all.0.len());
    family.sample("_sum", labels, all.0.mean() * all.0.len() as f64 / 1e9);
    Ok(())
}

const DECISION: &str = "orthant_decision";

fn decisions(comparisons: &[Comparison]) -> Family {
    let help = "What a comparison decided; all 0 where it is invalid or was broken off.";
    let mut family = Family::new(DECISION, "stateset", None, help);
    for comparison in comparisons {
        for finding in &comparison.workloads {
            let of = [
                ("campaign", comparison.campaign.as_str()),
                ("workload", finding.workload.name()),
            ];
            decided(&mut family, of, finding.decision);
        }
    }
    family
}

fn of_soak(sheet: &SoakSheet) -> Family {
    let help = "Whether the drift of memory is within its budget; all 0 where the soak is invalid.";
    let mut family = Family::new(DECISION, "stateset", None, help);
    let of = [
        ("campaign", sheet.campaign.as_str()),
        ("workload", sheet.workload.as_deref().unwrap_or_default()),
    ];
    decided(&mut family, of, sheet.decision);
    family
}

/// A sample for each state.
fn decided(family: &mut Family, [campaign, workload]: [Named<'_>; 2], found: Option<Decision>) {
    for decision in DECISIONS {
        let state = decision.to_string();
        let labels = [campaign, workload, (DECISION, &state)];
        family.sample("", &labels, u8::from(found == Some(decision)));
    }
}

fn changes(comparisons: &[Comparison]) -> Family {
    let help = "Candidate over baseline, and the ends of the interval of the look that decided.";
    let mut family = Family::new("orthant_change_ratio", "gauge", Some("ratio"), help);
    for comparison in comparisons {
        for finding in comparison
            .workloads
            .iter()
            .filter(|finding| !finding.is_invalid())
        {
            for effect in &finding.judgement.effects {
                let mut sample = |bound: &str, log_ratio: f64| {
                    let verdict = effect.verdict.to_string();
                    let labels = [
                        ("campaign", comparison.campaign.as_str()),
                        ("workload", finding.workload.name()),
                        ("metric", effect.metric.name()),
                        ("verdict", &verdict),
                        ("bound", bound),
                    ];
                    // More than nothing is infinitely more, which has a spelling of its own.
                    let ratio = log_ratio.exp();
                    match ratio.is_finite() {
                        true => family.sample("", &labels, ratio),
                        false => family.sample("", &labels, "+Inf"),
                    }
                };
                sample("estimate", effect.log_ratio);
                if let Some(interval) = effect.interval {
                    sample("low", interval.low);
                    sample("high", interval.high);
                }
            }
        }
    }
    family
}
