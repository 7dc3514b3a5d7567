//! Values over time, or over whatever else goes on: a line for each name.

use super::plot::{Axis, Plot, Spread, legend};
use crate::markup::Element;

/// A name and its points, in the order of the first coordinate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// What a figure of series says about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) title: &'a str,
    pub(super) along: &'a str,
    pub(super) up: &'a str,
    pub(super) note: &'a str,
}

/// Names beyond these share the last colour.
pub(super) const COLOURS: usize = 8;

/// The class of the n-th name.
pub(super) fn colour(place: usize) -> String {
    format!("c{}", place.min(COLOURS - 1))
}

/// The figure; none without two points on a line.
pub(super) fn figure(words: Words<'_>, series: &[Series]) -> Option<Element> {
    let points = || series.iter().flat_map(|series| &series.points);
    if series.iter().all(|series| series.points.len() < 2) {
        return None;
    }
    let x = Axis::over(words.along, Spread::Even, points().map(|point| point.0));
    let y = Axis::over(words.up, Spread::Even, points().map(|point| point.1));
    let description = format!("{} over {}, {} lines", words.up, words.along, series.len());
    let mut plot = Plot::new(words.title, description, x, y);
    for (place, series) in series.iter().enumerate() {
        plot.line(&colour(place), &series.name, &series.points);
    }
    let names = series.iter().map(|series| series.name.clone());
    let entries = names.enumerate().map(|(place, name)| (colour(place), name));
    Some(plot.figure(Some(legend(entries)), words.note))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_name_and_none_without_points() {
        let words = Words {
            title: "a < b",
            along: "s",
            up: "MiB",
            note: "",
        };
        let series = |name: &str, points: &[(f64, f64)]| Series {
            name: name.to_owned(),
            points: points.to_vec(),
        };
        let two = [
            series("one", &[(0.0, 1.0), (10.0, 3.0)]),
            series("two", &[(0.0, 2.0), (10.0, 2.0)]),
        ];
        let drawn = figure(words, &two).unwrap().to_string();
        assert_eq!(drawn.matches("<polyline").count(), 2);
        assert!(
            drawn.contains("points=\"37.0,963.0 963.0,37.0\""),
            "{drawn}"
        );
        assert!(drawn.contains("a &lt; b") && !drawn.contains("a < b"));
        assert_eq!(figure(words, &[series("one", &[(0.0, 1.0)])]), None);
    }
}
