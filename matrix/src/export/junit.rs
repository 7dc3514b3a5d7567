//! JUnit XML, so that any CI shows what was found: a suite for each workload of a comparison with a case for each metric and
//! one for the decision, or else a suite for each workload with a case for each cell.
//!
//! A metric without a say cannot fail: where it is worse all the same its case is skipped, with the reason.

use super::cells::Cell;
use crate::comparison::{Comparison, Finding, changes};
use crate::markup::{Element, element};
use crate::report::Report;
use crate::sheet::{MemoryDrift, Per, SoakSheet};
use crate::stats::signflip::Interval;
use crate::verdict::{Decision, Effect, Role, Verdict};

/// How a case ended.
enum End {
    Passed,
    Failed { kind: String, message: String },
    Skipped { message: String },
    Error { message: String },
}

/// A case of a suite.
struct Case {
    name: String,
    end: End,
}

pub(super) fn text(report: &Report, cells: &[Cell]) -> String {
    let suites: Vec<Element> = match (&report.soak, report.comparisons.is_empty()) {
        (Some(soak), _) => vec![of_soak(soak)],
        (None, true) => of_cells(report, cells),
        (None, false) => report.comparisons.iter().flat_map(of_comparison).collect(),
    };
    let suites = element("testsuites")
        .with("name", "orthant")
        .children(suites);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{suites}\n")
}

fn of_comparison(comparison: &Comparison) -> Vec<Element> {
    let suite = |finding: &Finding| {
        let effects = finding.judgement.effects.iter();
        let mut cases: Vec<Case> = effects.map(|effect| of_effect(finding, effect)).collect();
        cases.push(of_decision(finding));
        suite(&comparison.campaign, finding.workload.name(), &cases)
    };
    comparison.workloads.iter().map(suite).collect()
}

/// A case for each budget: memory that drifts beyond it fails.
fn of_soak(sheet: &SoakSheet) -> Element {
    let case = |memory: &MemoryDrift| {
        let per = match memory.per {
            Per::Request => "request",
            Per::Hour => "hour",
        };
        let drift = memory.drift.map_or("n/a".to_owned(), |drift| {
            let Interval { low, high } = drift.interval;
            format!("{:.3} [{low:.3}, {high:.3}]", drift.slope)
        });
        let message = format!("{drift} bytes per {per}, budget {:.3}", memory.budget);
        let end = match memory.decision {
            _ if !sheet.invalid.is_empty() => End::Error {
                message: sheet.invalid.join("; "),
            },
            Decision::NoGo => End::Failed {
                kind: "NO-GO".to_owned(),
                message,
            },
            Decision::Inconclusive => End::Skipped {
                message: format!("INCONCLUSIVE: {message}"),
            },
            Decision::Go | Decision::NoDifference => End::Passed,
        };
        Case {
            name: format!("memory drift per {per}"),
            end,
        }
    };
    let cases: Vec<Case> = sheet.drifts.iter().map(case).collect();
    suite(&sheet.campaign, "soak", &cases)
}

fn of_effect(finding: &Finding, effect: &Effect) -> Case {
    let judgement = &finding.judgement;
    let role = judgement.rules.roles.of(effect.metric);
    let [change, interval] = changes(effect);
    let message = format!(
        "{}: {change} % {interval}, margin {:.2} %",
        effect.verdict,
        effect.margin * 100.0
    );
    let end = if finding.is_invalid() {
        End::Error {
            message: trouble(finding),
        }
    } else {
        match effect.verdict {
            Verdict::Worse if judgement.decides(effect.metric) => End::Failed {
                kind: "WORSE".to_owned(),
                message,
            },
            Verdict::Worse => End::Skipped {
                message: format!("{message}; it has no say: {}", why_no_say(finding, role)),
            },
            Verdict::Inconclusive { .. } => End::Skipped { message },
            Verdict::Better | Verdict::NoDifference | Verdict::NotWorse => End::Passed,
        }
    };
    Case {
        name: format!("{} ({role})", effect.metric.name()),
        end,
    }
}

fn why_no_say(finding: &Finding, role: Role) -> &'static str {
    match (role, finding.judgement.conditions.trust_the_wall_clock()) {
        (Role::Shown, _) => "it is neither primary nor a guard",
        (_, false) => "the machine was noisy or the client busy",
        (_, true) => "nothing was decided",
    }
}

fn of_decision(finding: &Finding) -> Case {
    let message = finding.decided();
    let end = match finding.decision {
        Some(Decision::NoGo) => End::Failed {
            kind: "NO-GO".to_owned(),
            message,
        },
        Some(Decision::Go | Decision::NoDifference) => End::Passed,
        None if finding.is_invalid() => End::Error {
            message: trouble(finding),
        },
        Some(Decision::Inconclusive) | None => End::Skipped { message },
    };
    Case {
        name: "decision".to_owned(),
        end,
    }
}

fn trouble(finding: &Finding) -> String {
    let of_cell = |cell: &crate::comparison::Cell| {
        let reasons = cell.label.invalid.iter();
        reasons
            .map(|reason| format!("{}: {reason}", cell.arm))
            .collect::<Vec<_>>()
    };
    finding
        .cells
        .iter()
        .flat_map(of_cell)
        .collect::<Vec<_>>()
        .join("; ")
}

fn of_cells(report: &Report, cells: &[Cell]) -> Vec<Element> {
    let mut workloads: Vec<&str> = cells.iter().map(|cell| cell.workload.as_str()).collect();
    workloads.dedup();
    let left_out = report.record.plan().left_out.iter();
    let left_out: Vec<(String, String)> = left_out
        .map(|arm| (arm.name.clone(), arm.reason.clone()))
        .collect();
    let of_workload = |workload: &str| {
        let case = |cell: &Cell| Case {
            name: cell.arm.clone(),
            end: match cell.is_valid() {
                true => End::Passed,
                false => End::Error {
                    message: cell.invalid.join("; "),
                },
            },
        };
        let measured = cells
            .iter()
            .filter(|cell| cell.workload == workload)
            .map(case);
        let skipped = left_out.iter().map(|(name, reason)| Case {
            name: name.clone(),
            end: End::Skipped {
                message: reason.clone(),
            },
        });
        let cases: Vec<Case> = measured.chain(skipped).collect();
        suite(&report.record.plan().campaign, workload, &cases)
    };
    workloads.into_iter().map(of_workload).collect()
}

fn suite(campaign: &str, workload: &str, cases: &[Case]) -> Element {
    let count = |is_it: fn(&End) -> bool| cases.iter().filter(|case| is_it(&case.end)).count();
    let written = |case: &Case| {
        let element = element("testcase")
            .with("classname", format!("orthant.{workload}"))
            .with("name", &case.name)
            .with("time", 0);
        element.children(result(&case.end))
    };
    element("testsuite")
        .with("name", format!("{campaign} {workload}"))
        .with("tests", cases.len())
        .with("failures", count(|end| matches!(end, End::Failed { .. })))
        .with("errors", count(|end| matches!(end, End::Error { .. })))
        .with("skipped", count(|end| matches!(end, End::Skipped { .. })))
        .with("time", 0)
        .children(cases.iter().map(written))
}

fn result(end: &End) -> Option<Element> {
    let told = |name, kind: &str, message: &str| {
        element(name)
            .with("message", message)
            .with("type", kind)
            .text(message)
    };
    match end {
        End::Passed => None,
        End::Failed { kind, message } => Some(told("failure", kind, message)),
        End::Error { message } => Some(told("error", "INVALID", message)),
        End::Skipped { message } => Some(element("skipped").with("message", message)),
    }
}
