//! CPU per request against private memory: who is beaten by nobody in both.

use super::plot::{Axis, Plot, Spread, legend};
use super::series::colour;
use crate::markup::{Element, element};
use crate::record::Launch;
use crate::reduce;
use crate::report::Report;
use crate::sheet::{BYTES_PER_MIB, Block, Place, Row};
use crate::stats::middle_half;
use crate::table::number;
use crate::verdict::Metric;

/// An arm in the figure.
struct Dot<'a> {
    arm: usize,
    row: &'a Row,
    at: (f64, f64),
}

/// The figure; none without two arms that have both figures.
pub(super) fn figure(report: &Report, block: &Block, launches: &[&Launch]) -> Option<Element> {
    let dots: Vec<Dot<'_>> = (block.rows.iter().enumerate())
        .filter_map(|(arm, row)| {
            let at = (row.cpu_us_per_request?, row.private_mib?);
            Some(Dot { arm, row, at })
        })
        .collect();
    if dots.len() < 2 {
        return None;
    }
    let spread = |arm: usize, metric: Metric, scale: f64| quartiles(launches, arm, metric, scale);
    let cpu = |arm| spread(arm, Metric::CpuPerRequest, 1e3);
    let memory = |arm| spread(arm, Metric::Memory, BYTES_PER_MIB);
    let all = |middle: fn(&Dot<'_>) -> f64, ends: &dyn Fn(usize) -> Option<[f64; 2]>| -> Vec<f64> {
        let of_dot = |dot: &Dot<'_>| {
            ends(dot.arm)
                .into_iter()
                .flatten()
                .chain([middle(dot)])
                .collect::<Vec<_>>()
        };
        dots.iter().flat_map(of_dot).collect()
    };
    let x = Axis::over(
        "CPU µs per request",
        Spread::Even,
        all(|dot| dot.at.0, &cpu),
    );
    let memories = all(|dot| dot.at.1, &memory);
    // Logarithms where a few large ones would press all others to the floor.
    let is_wide = memories.iter().copied().fold(0.0, f64::max)
        > 4.0 * memories.iter().copied().fold(f64::INFINITY, f64::min);
    let spread = if is_wide {
        Spread::Logarithmic
    } else {
        Spread::Even
    };
    let y = Axis::over("private MiB", spread, memories);
    let kinds = Kinds::of(report, &dots);
    let best = unbeaten(block, &dots);
    let description = format!("{} arms; lower left is better in both", dots.len());
    let mut plot = Plot::new("CPU against memory", description, x, y);
    for dot in &dots {
        let ((x, y), class) = (dot.at, kinds.class(dot));
        if let Some([low, high]) = cpu(dot.arm) {
            plot.stroke(&class, (low, y), (high, y));
        }
        if let Some([low, high]) = memory(dot.arm) {
            plot.stroke(&class, (x, low), (x, high));
        }
    }
    for dot in &dots {
        let name = format!(
            "{}: {} µs, {} MiB",
            dot.row.design,
            number(Some(dot.at.0)),
            number(Some(dot.at.1))
        );
        plot.dot(&kinds.class(dot), &name, dot.at);
    }
    for (place, dot) in best.iter().enumerate() {
        plot.word((place + 1).to_string(), dot.at);
    }
    let numbered_are = match block.front {
        Some(_) => "no other design has figures as good as those with a number",
        None => "the numbers are those of the list",
    };
    let note = format!(
        "A dot is the median of the launches, a cross the middle half of them; {numbered_are}."
    );
    let keys = element("div")
        .child(legend(kinds.entries()))
        .child(numbered(&best));
    Some(plot.figure(Some(keys), &note))
}

/// The middle half of the launches.
fn quartiles(launches: &[&Launch], arm: usize, metric: Metric, scale: f64) -> Option<[f64; 2]> {
    let value = |launch: &&Launch| reduce::value(&launch.arms[arm], metric);
    let values: Vec<f64> = launches.iter().filter_map(value).collect();
    middle_half(&values).map(|ends| ends.map(|end| end / scale))
}

/// The unbeaten designs in the order of their standing. A sheet knows them of a sweep only; else all arms.
fn unbeaten<'a>(block: &Block, dots: &'a [Dot<'a>]) -> Vec<&'a Dot<'a>> {
    let Some(front) = &block.front else {
        return dots.iter().collect();
    };
    let standings = front.designs.iter();
    let unbeaten = standings.filter(|standing| standing.place == Place::Unbeaten);
    unbeaten
        .filter_map(|standing| dots.iter().find(|dot| dot.row.design == standing.design))
        .collect()
}

fn numbered(best: &[&Dot<'_>]) -> Element {
    let item = |dot: &&Dot<'_>| {
        let (cpu, memory) = (number(Some(dot.at.0)), number(Some(dot.at.1)));
        element("li").text(format!("{}  {cpu} µs, {memory} MiB", dot.row.design))
    };
    element("ol")
        .with("class", "numbered")
        .children(best.iter().map(item))
}

/// What a colour stands for: the value of the first axis, or the arm where the arms are no designs.
struct Kinds {
    names: Vec<String>,
    of_arm: Vec<Option<usize>>,
}

impl Kinds {
    fn of(report: &Report, dots: &[Dot<'_>]) -> Kinds {
        let plan = report.record.plan();
        let mut kinds = Kinds {
            names: Vec::new(),
            of_arm: vec![None; plan.arms.len()],
        };
        let value = |dot: &Dot<'_>| {
            let values = plan.values_of(plan.arms[dot.arm].identity())?;
            values.first().map(|value| (*value).to_owned())
        };
        let is_by_axis = dots
            .iter()
            .filter(|dot| !plan.arms[dot.arm].is_floor)
            .count()
            > 3
            && !plan.axes.is_empty();
        for dot in dots {
            if plan.arms[dot.arm].is_floor {
                continue;
            }
            let by_axis = value(dot).filter(|_| is_by_axis);
            let name = by_axis.unwrap_or_else(|| dot.row.design.clone());
            let place = kinds.names.iter().position(|known| *known == name);
            let place = place.unwrap_or_else(|| {
                kinds.names.push(name);
                kinds.names.len() - 1
            });
            kinds.of_arm[dot.arm] = Some(place);
        }
        kinds
    }

    fn class(&self, dot: &Dot<'_>) -> String {
        let kind = self.of_arm[dot.arm].map_or_else(|| "floor".to_owned(), colour);
        match dot.row.label.is_valid() {
            true => kind,
            false => format!("{kind} invalid"),
        }
    }

    fn entries(&self) -> Vec<(String, String)> {
        let names = self.names.iter().enumerate();
        let mut entries: Vec<(String, String)> = names
            .map(|(place, name)| (colour(place), name.clone()))
            .collect();
        if self.of_arm.iter().any(Option::is_none) {
            entries.push(("floor".to_owned(), "floors".to_owned()));
        }
        entries
    }
}
