//! What a check found, in every format: a row per design, and each case that did not pass.

use std::fmt::Write;

use anyhow::Result;
use orthant_conformance::Verdict;

use super::{Checked, Findings, Judged};
use crate::table::{Format, Table, markdown_list};

impl Checked {
    fn count(&self, verdict: Verdict) -> usize {
        self.cases
            .iter()
            .filter(|judged| judged.verdict == verdict)
            .count()
    }

    /// The cases of which a run passed only at the second try.
    fn second_tries(&self) -> impl Iterator<Item = &Judged> {
        self.cases
            .iter()
            .filter(|judged| !judged.second_tries.is_empty())
    }

    /// Whether something failed.
    pub(super) fn is_wrong(&self) -> bool {
        !self.ended.is_empty()
            || self
                .cases
                .iter()
                .any(|judged| judged.verdict > Verdict::Warned)
    }

    /// The cases that did not pass, the worst first.
    fn wanting(&self) -> Vec<&Judged> {
        let mut wanting: Vec<_> = self
            .cases
            .iter()
            .filter(|judged| judged.verdict != Verdict::Passed)
            .collect();
        wanting.sort_by_key(|judged| std::cmp::Reverse(judged.verdict));
        wanting
    }
}

pub(super) fn printed(findings: &Findings, format: Format) -> Result<String> {
    let table = table(findings);
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(&json(findings)?)? + "\n",
        Format::Csv => table.csv(),
        Format::Text => table.text() + &details(findings, text),
        Format::Md => table.markdown() + &details(findings, markdown),
    })
}

fn table(findings: &Findings) -> Table {
    let mut table = Table::new([
        "design",
        "passed",
        "warned",
        "failed",
        "critical",
        "second try",
        "runs",
        "seconds",
    ]);
    for checked in &findings.checked {
        let runs: usize = checked.cases.iter().map(|judged| judged.runs).sum();
        let count = |verdict| checked.count(verdict).to_string();
        table.row(vec![
            checked.design.clone(),
            count(Verdict::Passed),
            count(Verdict::Warned),
            count(Verdict::Failed),
            count(Verdict::Critical),
            checked.second_tries().count().to_string(),
            runs.to_string(),
            format!("{:.1}", checked.seconds),
        ]);
    }
    table
}

/// The findings, with the sums of the table.
fn json(findings: &Findings) -> Result<serde_json::Value> {
    let mut json = serde_json::to_value(findings)?;
    for (object, checked) in json["checked"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .zip(&findings.checked)
    {
        for verdict in [
            Verdict::Passed,
            Verdict::Warned,
            Verdict::Failed,
            Verdict::Critical,
        ] {
            object[verdict.name()] = checked.count(verdict).into();
        }
        object["second_try"] = checked.second_tries().count().into();
    }
    Ok(json)
}

fn details(findings: &Findings, one: fn(&str, &Judged) -> String) -> String {
    let mut details = String::new();
    for checked in &findings.checked {
        for ended in &checked.ended {
            writeln!(details, "\n{}: {ended}", checked.design).expect("a String takes everything");
        }
        for judged in checked.wanting() {
            details += &one(&checked.design, judged);
        }
        details += &second_tries(checked);
    }
    for arm in &findings.left_out {
        writeln!(details, "\nleft out {}: {}", arm.name, arm.reason)
            .expect("a String takes everything");
    }
    details
}

/// The cases of a design of which a run passed only at the second try, each with what came at the first.
fn second_tries(checked: &Checked) -> String {
    let named: Vec<String> = checked.second_tries().map(at_second_try).collect();
    match named.len() {
        0 => String::new(),
        cases => format!(
            "\n{}: passed at the second try: {cases}\n\n{}",
            checked.design,
            markdown_list(&named)
        ),
    }
}

fn at_second_try(judged: &Judged) -> String {
    let first = &judged.second_tries[0];
    format!(
        "{} ({}) in {} of {} runs{}: at first came {}; allowed {}",
        judged.id,
        judged.section,
        judged.second_tries.len(),
        judged.runs,
        cut(first.cut_at),
        first.came,
        judged.allowed
    )
}

fn cut(at: Option<usize>) -> String {
    at.map_or(String::new(), |at| format!(", cut at byte {at}"))
}

fn title(design: &str, judged: &Judged) -> String {
    let Judged {
        id,
        name,
        section,
        level,
        ..
    } = judged;
    format!(
        "{} {id} on {design}: {name} ({section}, {level}){}",
        judged.verdict.name(),
        cut(judged.cut_at)
    )
}

fn text(design: &str, judged: &Judged) -> String {
    let title = title(design, judged);
    let Judged {
        sent,
        came,
        allowed,
        ..
    } = judged;
    format!("\n{title}\n  sent     {sent}\n  came     {came}\n  allowed  {allowed}\n")
}

fn markdown(design: &str, judged: &Judged) -> String {
    let Judged {
        sent,
        came,
        allowed,
        ..
    } = judged;
    let lines = [
        format!("sent `{sent}`"),
        format!("came {came}"),
        format!("allowed {allowed}"),
    ];
    format!("\n{}\n\n{}", title(design, judged), markdown_list(&lines))
}

#[cfg(test)]
mod tests {
    use super::super::play::FirstTry;
    use super::*;
    use crate::record::LeftOut;

    fn judged(id: &str, verdict: Verdict) -> Judged {
        Judged {
            id: id.into(),
            name: "a|b".into(),
            group: "g".into(),
            section: "RFC 9112 §6".into(),
            level: "MUST",
            verdict,
            runs: 2,
            cut_at: Some(7),
            sent: "GET".into(),
            came: "200, open".into(),
            allowed: "400, closed".into(),
            second_tries: Vec::new(),
        }
    }

    fn findings(verdicts: &[Verdict]) -> Findings {
        let cases = verdicts.iter().enumerate();
        let cases = cases.map(|(at, verdict)| judged(&format!("c{at}"), *verdict));
        Findings {
            seed: 1,
            checked: vec![Checked {
                design: "a+b+c".into(),
                seconds: 1.23,
                ended: Vec::new(),
                cases: cases.collect(),
            }],
            left_out: vec![LeftOut {
                name: "d+e+f".into(),
                reason: "io_uring is denied".into(),
            }],
        }
    }

    #[test]
    fn a_row_counts_the_verdicts_and_each_that_did_not_pass_is_shown() {
        let all = [
            Verdict::Passed,
            Verdict::Warned,
            Verdict::Critical,
            Verdict::Failed,
        ];
        let findings = findings(&all);
        assert_eq!(
            printed(&findings, Format::Text).unwrap(),
            "design  passed  warned  failed  critical  second try  runs  seconds\n\
             a+b+c        1       1       1         1           0     8      1.2\n\
             \ncritical c2 on a+b+c: a|b (RFC 9112 §6, MUST), cut at byte 7\n  \
             sent     GET\n  came     200, open\n  allowed  400, closed\n\
             \nfailed c3 on a+b+c: a|b (RFC 9112 §6, MUST), cut at byte 7\n  \
             sent     GET\n  came     200, open\n  allowed  400, closed\n\
             \nwarned c1 on a+b+c: a|b (RFC 9112 §6, MUST), cut at byte 7\n  \
             sent     GET\n  came     200, open\n  allowed  400, closed\n\
             \nleft out d+e+f: io_uring is denied\n"
        );
        assert!(
            printed(&findings, Format::Csv)
                .unwrap()
                .ends_with("\r\na+b+c,1,1,1,1,0,8,1.2\r\n")
        );
        assert!(
            printed(&findings, Format::Md)
                .unwrap()
                .contains("- allowed 400, closed\n")
        );
        let json: serde_json::Value =
            serde_json::from_str(&printed(&findings, Format::Json).unwrap()).unwrap();
        assert_eq!(json["checked"][0]["critical"], 1);
        assert_eq!(json["checked"][0]["cases"][2]["verdict"], "critical");
        assert_eq!(json["checked"][0]["cases"][2]["ref"], "RFC 9112 §6");
        assert_eq!(json["left_out"][0]["name"], "d+e+f");
    }

    #[test]
    fn what_passed_at_the_second_try_is_counted_and_named() {
        let first_try = |cut_at| FirstTry {
            cut_at,
            came: "no answer, open".into(),
        };
        let mut findings = findings(&[Verdict::Passed, Verdict::Passed]);
        findings.left_out.clear();
        findings.checked[0].cases[1].second_tries = vec![first_try(Some(7)), first_try(None)];
        let details = "\na+b+c: passed at the second try: 1\n\n\
             - c1 (RFC 9112 §6) in 2 of 2 runs, cut at byte 7: at first came no answer, open; allowed 400, closed\n";
        for format in [Format::Text, Format::Md] {
            let printed = printed(&findings, format).unwrap();
            assert!(printed.ends_with(details), "{printed}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&printed(&findings, Format::Json).unwrap()).unwrap();
        assert_eq!(json["checked"][0]["second_try"], 1);
        assert_eq!(
            json["checked"][0]["cases"][1]["second_tries"][0]["cut_at"],
            7
        );
        assert!(!findings.checked[0].is_wrong());
    }

    #[test]
    fn warnings_are_not_wrong_and_failures_and_deaths_are() {
        let is_wrong = |findings: &Findings| findings.checked[0].is_wrong();
        assert!(!is_wrong(&findings(&[Verdict::Passed, Verdict::Warned])));
        assert!(is_wrong(&findings(&[Verdict::Failed])));
        assert!(is_wrong(&findings(&[Verdict::Critical])));
        let mut died = findings(&[Verdict::Passed]);
        died.checked[0].ended.push("--app probe: it ended".into());
        assert!(is_wrong(&died));
    }
}
