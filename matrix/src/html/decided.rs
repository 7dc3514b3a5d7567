//! What a comparison decided: a decision for each workload, and what each metric says, drawn in multiples of its margin.

use super::forest::{self, Row, Scale, Words};
use super::{Columns, notes, scrolled, section};
use crate::comparison::{Comparison, Finding, changes};
use crate::markup::{Element, element};
use crate::report::Report;
use crate::stats::signflip::Interval;
use crate::verdict::{Decision, Effect, Verdict};

/// One per comparison; more than one where campaigns were merged.
pub(super) fn sections(report: &Report) -> Vec<Element> {
    report.comparisons.iter().map(of_comparison).collect()
}

fn of_comparison(comparison: &Comparison) -> Element {
    let title = match comparison.workloads.len() {
        1 => "Decision",
        _ => "Decisions",
    };
    let cards = comparison.workloads.iter().map(card);
    section(title)
        .child(element("div").with("class", "cards").children(cards))
        .children(notes(&comparison.remarks()))
        .children(comparison.workloads.iter().map(of_finding))
}

fn card(finding: &Finding) -> Element {
    let (word, class) = match finding.decision {
        Some(decision) => (decision.to_string(), class_of_decision(decision)),
        None if finding.is_invalid() => ("INVALID".to_owned(), "worse"),
        None => ("UNDECIDED".to_owned(), "unknown"),
    };
    let launches = finding.judgement.look.launches;
    element("div")
        .with("class", format!("card {class}"))
        .child(element("p").text(finding.workload.name()))
        .child(element("strong").text(word))
        .child(element("p").text(format!("{launches} launches")))
}

fn class_of_decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Go => "better",
        Decision::NoGo => "worse",
        Decision::NoDifference => "same",
        Decision::Inconclusive => "unknown",
    }
}

fn class_of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::NoDifference | Verdict::NotWorse => "same",
        Verdict::Inconclusive { .. } => "unknown",
    }
}

fn of_finding(finding: &Finding) -> Element {
    let rows: Vec<Row> = finding
        .judgement
        .effects
        .iter()
        .map(|effect| row(finding, effect))
        .collect();
    let words = Words {
        title: "Each metric against its margin",
        heads: ["metric", "change [interval] and verdict"],
        note: "Right is better. The band is the margin of each metric, the smallest difference worth acting on; \
               an interval that leaves the scale ends in an arrow.",
    };
    element("div")
        .with("class", "finding")
        .child(element("h3").text(finding.title()))
        .children(forest::figure(words, Scale::Margins, &rows))
        .child(scrolled(
            "Baseline and candidate",
            Columns::Figures,
            &finding.table(),
        ))
        .children(notes(&finding.notes()))
}

fn row(finding: &Finding, effect: &Effect) -> Row {
    let judgement = &finding.judgement;
    let margins = |value: f64| in_margins(value, effect.margin);
    let goodness = effect.metric.goodness(Interval {
        low: effect.log_ratio,
        high: effect.log_ratio,
    });
    let interval = effect.interval.map(|interval| {
        let goodness = effect.metric.goodness(interval);
        Interval {
            low: margins(goodness.low),
            high: margins(goodness.high),
        }
    });
    let [change, shown] = changes(effect);
    let class = match judgement.decides(effect.metric) {
        true => class_of_verdict(effect.verdict),
        false => "advisory",
    };
    Row {
        group: None,
        name: format!(
            "{} ({})",
            effect.metric.name(),
            judgement.rules.roles.of(effect.metric)
        ),
        estimate: margins(goodness.low),
        interval,
        figures: format!("{change} % {shown}"),
        verdict: Some((effect.verdict.to_string(), class)),
    }
}

/// A logarithm of a ratio in multiples of a margin. Of no margin at all every difference is infinitely many, and none is 0.
fn in_margins(log_ratio: f64, margin: f64) -> f64 {
    match log_ratio {
        0.0 => 0.0,
        log_ratio => log_ratio / margin.ln_1p(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_without_a_margin_lies_at_an_end_of_the_scale() {
        assert_eq!(in_margins(0.0, 0.0), 0.0);
        assert_eq!(in_margins(1e-9, 0.0), f64::INFINITY);
        assert_eq!(in_margins(f64::NEG_INFINITY, 0.0), f64::NEG_INFINITY);
        let below = in_margins(-(1.01_f64.ln()), 0.01);
        assert!((below + 1.0).abs() < 1e-12, "{below}");
    }
}
