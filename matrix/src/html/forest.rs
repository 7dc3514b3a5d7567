//! Differences with their intervals, a row for each, on a common scale: a forest plot. A row is text of the page beside a
//! field of SVG whose positions are in per cent.

use super::plot::{even_ticks, percent};
use crate::markup::{Element, element};
use crate::stats::signflip::Interval;

/// How a value on the scale is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Logarithms of ratios; called by their percentage.
    Percent,
    /// The same, called by their factor.
    Factor,
    /// Multiples of a row's own margin.
    Margins,
}

/// One difference.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// What stands above it, where a group of rows begins.
    pub(super) group: Option<String>,
    pub(super) name: String,
    pub(super) estimate: f64,
    pub(super) interval: Option<Interval>,
    /// In words: the figures, then what follows from them.
    pub(super) figures: String,
    pub(super) verdict: Option<(String, &'static str)>,
}

/// What a forest says about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) title: &'a str,
    /// The heads of names and figures.
    pub(super) heads: [&'a str; 2],
    pub(super) note: &'a str,
}

/// The outlines of arrows, in pixels from where they begin. Drawn, since not every font has such signs.
const TO_THE_LEFT: &str = "M0-6-9 0 0 6Z";
const TO_THE_RIGHT: &str = "M0-6 9 0 0 6Z";

/// Multiples of a margin beyond this are cut off; a cut interval ends in an arrow.
const MARGINS_MAX: f64 = 5.0;

/// The figure; none without rows.
pub(super) fn figure(words: Words<'_>, scale: Scale, rows: &[Row]) -> Option<Element> {
    let (low, high) = range(scale, rows)?;
    let at = |value: f64| (value - low) / (high - low);
    let head = element("tr").children([
        head(words.heads[0]),
        ends(scale, at, low, high),
        head(words.heads[1]),
    ]);
    let body = rows.iter().flat_map(|row| {
        let group = row.group.as_ref().map(|group| {
            let cell = element("th").with("colspan", 3).with("scope", "rowgroup");
            element("tr")
                .with("class", "group")
                .child(cell.text(group.clone()))
        });
        group.into_iter().chain([drawn(scale, row, at)])
    });
    let table = element("table")
        .with("class", "forest")
        .child(element("caption").text(words.title))
        .child(element("thead").child(head))
        .child(element("tbody").children(body));
    let note =
        (!words.note.is_empty()).then(|| element("p").with("class", "note").text(words.note));
    Some(
        element("div")
            .with("class", "wide")
            .child(table)
            .children(note),
    )
}

fn head(text: &str) -> Element {
    element("th").with("scope", "col").text(text)
}

/// From the lowest to the highest value, with some room.
fn range(scale: Scale, rows: &[Row]) -> Option<(f64, f64)> {
    if scale == Scale::Margins {
        return (!rows.is_empty()).then_some((-MARGINS_MAX - 0.5, MARGINS_MAX + 0.5));
    }
    let ends = |row: &Row| {
        let interval = row.interval.map(|interval| [interval.low, interval.high]);
        interval.into_iter().flatten().chain([row.estimate])
    };
    let values = || rows.iter().flat_map(ends).chain([0.0]);
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let room = ((high - low) * 0.05).max(1e-4);
    (!rows.is_empty()).then_some((low - room, high + room))
}

/// Positions and names of the labels.
fn labels(scale: Scale, low: f64, high: f64) -> Vec<(f64, String)> {
    match scale {
        Scale::Margins => [(-1.0, "−margin"), (1.0, "+margin")]
            .map(|(at, name)| (at, name.to_owned()))
            .into(),
        Scale::Percent => even_ticks(low.exp_m1() * 100.0, high.exp_m1() * 100.0)
            .into_iter()
            .map(|percent| ((percent / 100.0).ln_1p(), signed(percent)))
            .collect(),
        Scale::Factor => even_ticks(low.exp(), high.exp())
            .into_iter()
            .map(|factor| (factor.ln(), format!("×{}", trimmed(factor))))
            .collect(),
    }
}

fn signed(percent: f64) -> String {
    match trimmed(percent) {
        zero if zero == "0" || zero == "-0" => "0 %".to_owned(),
        positive if percent > 0.0 => format!("+{positive} %"),
        negative => format!("−{} %", negative.trim_start_matches('-')),
    }
}

fn trimmed(value: f64) -> String {
    format!("{value:.3}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// The head of the drawn column: what its places mean.
fn ends(scale: Scale, at: impl Fn(f64) -> f64, low: f64, high: f64) -> Element {
    let label = |(value, name): (f64, String)| {
        element("span")
            .with("style", format!("left:{}", percent(at(value))))
            .text(name)
    };
    let mut ticks = element("div").with("class", "ticks x");
    if scale == Scale::Margins {
        let end = |class: &str, text: &str| element("span").with("class", class).text(text);
        ticks = ticks.children([end("worse", "worse"), end("better", "better")]);
    }
    let ticks = ticks.children(labels(scale, low, high).into_iter().map(label));
    element("th").with("scope", "col").child(ticks)
}

fn drawn(scale: Scale, row: &Row, at: impl Fn(f64) -> f64) -> Element {
    let limit = |value: f64| match scale {
        Scale::Margins => value.clamp(-MARGINS_MAX, MARGINS_MAX),
        Scale::Percent | Scale::Factor => value,
    };
    let place = |value: f64| percent(at(limit(value)));
    let mut field = element("svg")
        .with("class", "bar")
        .with("role", "img")
        .child(element("title").text(format!("{}: {}", row.name, row.figures)));
    if scale == Scale::Margins {
        let band = element("rect")
            .with("class", "band")
            .with("x", percent(at(-1.0)))
            .with("width", percent(at(1.0) - at(-1.0)))
            .with("y", 0)
            .with("height", "100%");
        field = field.child(band);
    }
    let rule = element("line")
        .with("class", "zero")
        .with("x1", percent(at(0.0)))
        .with("x2", percent(at(0.0)))
        .with("y1", 0)
        .with("y2", "100%");
    field = field.child(rule);
    let class = row.verdict.as_ref().map_or("plain", |(_, class)| class);
    if let Some(interval) = row.interval {
        let reach = element("line")
            .with("class", format!("reach {class}"))
            .with("x1", place(interval.low))
            .with("x2", place(interval.high))
            .with("y1", "50%")
            .with("y2", "50%");
        let arrow = |is_cut: bool, end: f64, outline: &str| {
            is_cut.then(|| {
                element("svg")
                    .with("class", format!("arrow {class}"))
                    .with("x", percent(at(end)))
                    .with("y", "50%")
                    .child(element("path").with("d", outline))
            })
        };
        let low = limit(interval.low) > interval.low;
        let high = limit(interval.high) < interval.high;
        field = field
            .child(reach)
            .children(arrow(low, -MARGINS_MAX, TO_THE_LEFT))
            .children(arrow(high, MARGINS_MAX, TO_THE_RIGHT));
    }
    if limit(row.estimate) == row.estimate {
        let dot = element("circle")
            .with("class", format!("dot {class}"))
            .with("cx", place(row.estimate))
            .with("cy", "50%")
            .with("r", 4.5);
        field = field.child(dot);
    }
    let mut figures = element("td")
        .with("class", "figures")
        .text(row.figures.clone());
    if let Some((verdict, class)) = &row.verdict {
        let verdict = element("span")
            .with("class", format!("verdict {class}"))
            .text(verdict.clone());
        figures = figures.text(" ").child(verdict);
    }
    element("tr").children([
        element("th").with("scope", "row").text(row.name.clone()),
        element("td").with("class", "drawn").child(field),
        figures,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(estimate: f64, low: f64, high: f64) -> Row {
        Row {
            group: None,
            name: "n<".to_owned(),
            estimate,
            interval: Some(Interval { low, high }),
            figures: "f".to_owned(),
            verdict: None,
        }
    }

    const WORDS: Words<'static> = Words {
        title: "t",
        heads: ["a", "b"],
        note: "",
    };

    #[test]
    fn an_interval_lies_where_its_ends_are() {
        let rows = [row(0.0, -0.1, 0.1), row(0.1, 0.1, 0.1)];
        let drawn = figure(WORDS, Scale::Percent, &rows).unwrap().to_string();
        // Room of a twentieth at both ends of 0.2: 0.01 of 0.22.
        assert!(
            drawn.contains("x1=\"4.55%\" x2=\"95.45%\" y1=\"50%\""),
            "{drawn}"
        );
        assert!(drawn.contains("cx=\"50.00%\"") && drawn.contains("cx=\"95.45%\""));
        assert!(drawn.contains("n&lt;") && !drawn.contains("n<"));
        assert_eq!(figure(WORDS, Scale::Percent, &[]), None);
    }

    #[test]
    fn what_is_beyond_the_scale_of_margins_is_cut_off_with_an_arrow() {
        let drawn = |row: Row| figure(WORDS, Scale::Margins, &[row]).unwrap().to_string();
        let inside = drawn(row(0.5, -0.5, 1.5));
        assert!(
            !inside.contains(TO_THE_LEFT)
                && !inside.contains(TO_THE_RIGHT)
                && inside.contains("<circle")
        );
        let beyond = drawn(row(-9.0, -20.0, 1.5));
        assert!(
            beyond.contains(TO_THE_LEFT)
                && !beyond.contains(TO_THE_RIGHT)
                && !beyond.contains("<circle")
        );
        let wholly = drawn(row(-9.0, -20.0, -8.0));
        assert!(
            wholly.contains(TO_THE_LEFT) && !wholly.contains(TO_THE_RIGHT),
            "{wholly}"
        );
    }
}
