//! A figure with two axes: marks in a field whose sides are its units, and labels outside of it.
//!
//! The field is SVG with positions in per cent, so that it takes whatever width there is without a letter or a dot changing
//! its size; lines go through a field of their own that is stretched. Labels are text of the page.

use crate::markup::{Element, element};
use crate::table::number;

/// Of a side: the room around the outermost values.
const ROOM: f64 = 0.04;

/// About so many labels fit on a side.
const LABELS: f64 = 5.0;

/// The side of the stretched field.
const FIELD: f64 = 1000.0;

/// How values lie on a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    Even,
    Logarithmic,
}

/// One side of a figure.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) label: String,
    low: f64,
    high: f64,
    spread: Spread,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A side with room for all values; those of a logarithmic one are positive.
    pub(super) fn over(
        label: impl Into<String>,
        spread: Spread,
        values: impl IntoIterator<Item = f64>,
    ) -> Axis {
        let placed = values.into_iter().map(|value| place(spread, value));
        let (low, high) = placed
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // A side without length would put all values nowhere.
        let half = ((high - low) / 2.0).max(high.abs() * 0.02).max(1e-9);
        let middle = f64::midpoint(low, high);
        let reach = half * (1.0 + 2.0 * ROOM);
        let (low, high) = (middle - reach, middle + reach);
        Axis {
            label: label.into(),
            low,
            high,
            spread,
            ticks: ticks(spread, low, high),
        }
    }

    /// A side from `low` to `high` with these labels.
    pub(super) fn labelled(
        label: impl Into<String>,
        (low, high): (f64, f64),
        ticks: Vec<(f64, String)>,
    ) -> Axis {
        Axis {
            label: label.into(),
            low,
            high,
            spread: Spread::Even,
            ticks,
        }
    }

    /// Where a value lies, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (place(self.spread, value) - self.low) / (self.high - self.low)
    }

    /// The same as a length.
    pub(super) fn at(&self, value: f64) -> String {
        percent(self.share(value))
    }
}

fn place(spread: Spread, value: f64) -> f64 {
    match spread {
        Spread::Even => value,
        Spread::Logarithmic => value.log10(),
    }
}

/// A share as a length in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

fn ticks(spread: Spread, low: f64, high: f64) -> Vec<(f64, String)> {
    let round = match spread {
        Spread::Even => even_ticks(low, high),
        Spread::Logarithmic if high - low < 1.0 => even_ticks(10_f64.powf(low), 10_f64.powf(high)),
        Spread::Logarithmic => decades(low, high),
    };
    let label = |value: f64| (value, short(value));
    round.into_iter().map(label).collect()
}

/// Multiples of 1, 2 or 5 times a power of ten.
pub(super) fn even_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / LABELS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|count| count as f64 * step).collect()
}

/// 1, 2 and 5 times powers of ten, or the powers alone where these are many.
fn decades(low: f64, high: f64) -> Vec<f64> {
    let factors: &[f64] = match high - low {
        few if few < 2.5 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let powers = low.floor() as i32..=high.ceil() as i32;
    powers
        .flat_map(|power| {
            factors
                .iter()
                .map(move |factor| factor * 10_f64.powi(power))
        })
        .filter(|value| (low..=high).contains(&value.log10()))
        .collect()
}

/// A round number without the zeros that [`number`] gives all numbers.
fn short(value: f64) -> String {
    let rounded = number(Some(value));
    match rounded.contains('.') {
        true => rounded
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        false => rounded,
    }
}

/// A figure under way.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    /// What a reader who does not see it is told.
    pub(super) title: String,
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    lines: Vec<Element>,
    marks: Vec<Element>,
}

impl Plot {
    pub(super) fn new(
        title: impl Into<String>,
        description: impl Into<String>,
        x: Axis,
        y: Axis,
    ) -> Plot {
        Plot {
            title: title.into(),
            description: description.into(),
            x,
            y,
            lines: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// A line through points, with the name that a pointer shows.
    pub(super) fn line(&mut self, class: &str, name: &str, points: &[(f64, f64)]) {
        let point = |&(x, y): &(f64, f64)| {
            let (x, y) = (self.x.share(x) * FIELD, (1.0 - self.y.share(y)) * FIELD);
            format!("{x:.1},{y:.1}")
        };
        let points: Vec<String> = points.iter().map(point).collect();
        let line = element("polyline")
            .with("class", format!("line {class}"))
            .with("points", points.join(" "));
        self.lines.push(line.child(named(name)));
    }

    /// A dot with the name that a pointer shows.
    pub(super) fn dot(&mut self, class: &str, name: &str, (x, y): (f64, f64)) {
        let dot = element("circle")
            .with("class", format!("dot {class}"))
            .with("cx", self.x.at(x))
            .with("cy", percent(1.0 - self.y.share(y)))
            .with("r", 5);
        self.marks.push(dot.child(named(name)));
    }

    /// A straight line between two points.
    pub(super) fn stroke(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let stroke = element("line")
            .with("class", format!("stroke {class}"))
            .with("x1", self.x.at(from.0))
            .with("y1", percent(1.0 - self.y.share(from.1)))
            .with("x2", self.x.at(to.0))
            .with("y2", percent(1.0 - self.y.share(to.1)));
        self.marks.push(stroke);
    }

    /// A word beside a point.
    pub(super) fn word(&mut self, word: impl Into<String>, (x, y): (f64, f64)) {
        let word = element("text")
            .with("x", self.x.at(x))
            .with("y", percent(1.0 - self.y.share(y)))
            .with("dx", 8)
            .with("dy", -6)
            .text(word);
        self.marks.push(word);
    }

    /// The figure, with a caption above and a legend below.
    pub(super) fn figure(self, legend: Option<Element>, note: &str) -> Element {
        let field = element("svg")
            .with("role", "img")
            .with("class", "field")
            .child(named(&self.title))
            .child(element("desc").text(self.description.clone()))
            .children(self.grid())
            .child(
                element("svg")
                    .with("viewBox", format!("0 0 {FIELD} {FIELD}"))
                    .with("preserveAspectRatio", "none")
                    .with("width", "100%")
                    .with("height", "100%")
                    .children(self.lines.clone()),
            )
            .children(self.marks.clone());
        let plot = element("div")
            .with("class", "plot")
            .child(self.labels("y", &self.y, |share| format!("bottom:{}", percent(share))))
            .child(field)
            .child(self.labels("x", &self.x, |share| format!("left:{}", percent(share))));
        let side = |class: &str, axis: &Axis| {
            element("p")
                .with("class", format!("side {class}"))
                .text(axis.label.clone())
        };
        let mut figure = element("figure")
            .child(element("figcaption").text(self.title.clone()))
            .child(side("up", &self.y))
            .child(plot)
            .child(side("along", &self.x))
            .children(legend);
        if !note.is_empty() {
            figure = figure.child(element("p").with("class", "note").text(note));
        }
        figure
    }

    fn grid(&self) -> Vec<Element> {
        let rule = || element("line").with("class", "grid");
        let upright = self.x.ticks.iter().map(|(value, _)| {
            let at = self.x.at(*value);
            rule()
                .with("x1", &at)
                .with("x2", &at)
                .with("y1", 0)
                .with("y2", "100%")
        });
        let level = self.y.ticks.iter().map(|(value, _)| {
            let at = percent(1.0 - self.y.share(*value));
            rule()
                .with("x1", 0)
                .with("x2", "100%")
                .with("y1", &at)
                .with("y2", &at)
        });
        upright.chain(level).collect()
    }

    fn labels(&self, class: &str, axis: &Axis, style: impl Fn(f64) -> String) -> Element {
        let label = |(value, text): &(f64, String)| {
            element("span")
                .with("style", style(axis.share(*value)))
                .text(text.clone())
        };
        element("div")
            .with("class", format!("ticks {class}"))
            .with("aria-hidden", "true")
            .children(axis.ticks.iter().map(label))
    }
}

/// The name that a pointer and a screen reader find.
fn named(name: &str) -> Element {
    element("title").text(name)
}

/// Classes and names, in one line.
pub(super) fn legend(entries: impl IntoIterator<Item = (String, String)>) -> Element {
    let entry = |(class, name): (String, String)| {
        let key = element("span").with("class", format!("key {class}"));
        element("li").child(key).text(name)
    };
    element("ul")
        .with("class", "legend")
        .children(entries.into_iter().map(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_within_their_side_and_in_their_order() {
        for (spread, values) in [
            (Spread::Even, vec![-3.0, 0.0, 12.5]),
            (Spread::Logarithmic, vec![0.02, 1.0, 4e6]),
            (Spread::Even, vec![7.0]),
            (Spread::Even, Vec::new()),
        ] {
            let axis = Axis::over("x", spread, values.clone());
            let shares: Vec<f64> = values.iter().map(|value| axis.share(*value)).collect();
            assert!(shares.is_sorted(), "{shares:?}");
            assert!(
                shares.iter().all(|share| (0.0..=1.0).contains(share)),
                "{shares:?}"
            );
            assert!(
                (2..=11).contains(&axis.ticks.len()) || values.len() < 2,
                "{:?}",
                axis.ticks
            );
        }
    }

    #[test]
    fn labels_are_round() {
        let labels = |spread, values: [f64; 2]| -> Vec<String> {
            let axis = Axis::over("x", spread, values);
            axis.ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(Spread::Even, [5.3, 6.8]), ["5.5", "6", "6.5"]);
        assert_eq!(
            labels(Spread::Logarithmic, [300.0, 30_000.0]),
            ["500", "1000", "2000", "5000", "10000", "20000"]
        );
    }
}
