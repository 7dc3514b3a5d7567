//! A comparison as text, Markdown, CSV or JSON.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Cell, Comparison, Finding, RulesFrom};
use crate::distance::Distance;
use crate::record::Counts;
use crate::sheet::{CLIENT_REMEDY, shared};
use crate::table::{Format, Table, folded, markdown_list, number, percent};
use crate::verdict::{
    ClientState, Decision, Effect, Judgement, MachineState, Metric, Question, Tier,
};

impl Comparison {
    /// The whole comparison, with where its record is kept if there is one file.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format, kept_in: Option<&Path>) -> Result<String> {
        Ok(match format {
            Format::Text => self.text(kept_in),
            Format::Md => self.markdown(kept_in),
            Format::Csv => csv(&self.workloads),
            Format::Json => self.json(kept_in)?,
        })
    }

    fn json(&self, kept_in: Option<&Path>) -> Result<String> {
        let context = "failed to write the comparison as JSON";
        let mut all = serde_json::to_value(self).context(context)?;
        if let Some(path) = kept_in {
            all["record"] = json!(path);
        }
        Ok(serde_json::to_string_pretty(&all).context(context)? + "\n")
    }

    fn text(&self, kept_in: Option<&Path>) -> String {
        let mut out = self.head().join("\n") + "\n";
        for finding in &self.workloads {
            let table = people_table(finding).text();
            let notes: Vec<String> = notes(finding).iter().map(|note| folded(note)).collect();
            out += &format!("\n{}\n{table}\n{}\n", title(finding), notes.join("\n"));
        }
        out + &format!("\n{}\n", self.tail(kept_in))
    }

    fn markdown(&self, kept_in: Option<&Path>) -> String {
        let mut out = markdown_list(&self.head());
        for finding in &self.workloads {
            let table = people_table(finding).markdown();
            let notes = markdown_list(&notes(finding));
            out += &format!("\n### {}\n\n{table}\n{notes}", title(finding));
        }
        out + &format!("\n{}\n", self.tail(kept_in))
    }

    fn head(&self) -> Vec<String> {
        let floors = self
            .floors
            .iter()
            .map(|floor| format!("floor      {floor}"));
        let machine = self.machine.iter();
        [
            format!("baseline   {}", self.baseline.name),
            format!("candidate  {}", self.candidate.name),
        ]
        .into_iter()
        .chain(floors)
        .chain(machine.map(|machine| format!("machine    {machine}")))
        .chain(self.remarks())
        .collect()
    }

    /// What a reader has to know of the whole of it.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let remark =
            "rules      the usual ones: the record is from before it was kept what was asked";
        let is_unknown = self.rules_from == RulesFrom::Default;
        is_unknown.then(|| remark.to_owned()).into_iter().collect()
    }

    fn tail(&self, kept_in: Option<&Path>) -> String {
        let kept_in = kept_in.map_or_else(
            || format!("campaign {}", self.campaign),
            |path| format!("kept in {}", path.display()),
        );
        format!("seed {}, {kept_in}", self.seed)
    }
}

fn title(finding: &Finding) -> String {
    let judgement = &finding.judgement;
    let launches = judgement.look.launches;
    let machine = match judgement.conditions.machine {
        // Of what was not measured nothing is known.
        _ if launches == 0 => "",
        MachineState::Quiet => ", quiet machine",
        MachineState::Noisy => ", noisy machine",
    };
    format!("{}, {launches} launches{machine}", finding.workload.title())
}

fn people_table(finding: &Finding) -> Table {
    let judgement = &finding.judgement;
    let heads = [
        "metric",
        "baseline",
        "× floor",
        "candidate",
        "× floor",
        "change %",
    ];
    let heads = heads.map(str::to_owned);
    let tail = [
        level(judgement),
        "margin %".to_owned(),
        "verdict".to_owned(),
    ];
    let mut table = Table::new(heads.into_iter().chain(tail));
    // What is counted has rows where it was asked for.
    let is_asked =
        |metric: &Metric| finding.counts == Counts::Beside || metric.tier() != Tier::Deterministic;
    for metric in Metric::ALL.into_iter().filter(is_asked) {
        match judgement
            .effects
            .iter()
            .find(|effect| effect.metric == metric)
        {
            Some(effect) => table.row(cells(finding, effect)),
            None => {
                let mut cells = vec!["n/a".to_owned(); 9];
                metric.name().clone_into(&mut cells[0]);
                table.row(cells);
            }
        }
    }
    table
}

fn cells(finding: &Finding, effect: &Effect) -> Vec<String> {
    let judgement = &finding.judgement;
    let (unit, scale) = shown_in(effect.metric);
    let role = judgement.rules.roles.of(effect.metric);
    let advisory = if judgement.is_trusted(effect.metric) {
        ""
    } else {
        judgement.conditions.signs()
    };
    let [change, interval] = changes(effect);
    let [baseline_to_floor, candidate_to_floor] = finding.to_floor(effect.metric).map(number);
    vec![
        format!("{} {unit} ({role})", effect.metric.name()),
        number(Some(effect.baseline / scale)),
        baseline_to_floor,
        number(Some(effect.candidate / scale)),
        candidate_to_floor,
        change,
        interval,
        number(Some(effect.margin * 100.0)),
        format!("{}{advisory}", effect.verdict),
    ]
}

/// By how many percent the candidate differs, and the interval of that.
pub(crate) fn changes(effect: &Effect) -> [String; 2] {
    // The margins of what is counted are finer than a tenth of a percent.
    let change = |log_ratio: f64| match effect.metric.tier() {
        Tier::Deterministic => format!("{:+.2}", log_ratio.exp_m1() * 100.0),
        Tier::Paired | Tier::WallClock => percent(log_ratio),
    };
    let interval = effect.interval.map_or("n/a".to_owned(), |interval| {
        format!("[{}, {}]", change(interval.low), change(interval.high))
    });
    [change(effect.log_ratio), interval]
}

/// The level of the interval at a look, in words.
fn level(judgement: &Judgement) -> String {
    format!("{} % interval", (1.0 - judgement.look.alpha) * 100.0)
}

impl Finding {
    /// Workload, launches and machine in one line.
    pub(crate) fn title(&self) -> String {
        title(self)
    }

    /// What people read of each metric.
    pub(crate) fn table(&self) -> Table {
        people_table(self)
    }

    /// What a reader has to know, the decision last.
    pub(crate) fn notes(&self) -> Vec<String> {
        notes(self)
    }

    /// The decision, or why there is none, in words.
    #[must_use]
    pub fn decided(&self) -> String {
        match (self.decision, self.broken_off_before) {
            (Some(Decision::Go), _) if self.judgement.rules.question == Question::NotWorse => {
                "GO: not worse by more than the margins".to_owned()
            }
            (Some(decision), _) => decision.to_string(),
            (None, _) if self.is_invalid() => "none: the measurement is invalid".to_owned(),
            (None, before) => format!(
                "none: it was broken off after {} launches; a look is taken after {}",
                self.judgement.look.launches,
                before.unwrap_or_default()
            ),
        }
    }
}

/// The unit people read, and how many of the metric's own make one of it.
fn shown_in(metric: Metric) -> (&'static str, f64) {
    match metric {
        Metric::CpuPerRequest | Metric::LatencyP99 => ("µs", 1e3),
        Metric::Memory => ("MiB", 1024.0 * 1024.0),
        Metric::Throughput => ("/s", 1.0),
        Metric::Instructions | Metric::Syscalls | Metric::Allocations => ("/req", 1.0),
    }
}

fn notes(finding: &Finding) -> Vec<String> {
    let judgement = &finding.judgement;
    let invalid = |cell: &Cell| {
        let reasons = cell.label.invalid.iter();
        reasons
            .map(|reason| format!("! {} is INVALID: {reason}", cell.arm))
            .collect::<Vec<_>>()
    };
    let mut notes: Vec<String> = finding.cells.iter().flat_map(invalid).collect();
    notes.extend(invalid_floors(&finding.cells));
    notes.extend(
        judgement
            .effects
            .iter()
            .filter(|effect| effect.is_skewed())
            .map(|effect| {
                format!(
                    "{}: a few launches carry the mean; repeat with another seed",
                    effect.metric.name()
                )
            }),
    );
    if judgement.conditions.machine == MachineState::Noisy && judgement.look.launches > 0 {
        notes.push(
            "* advisory: the machine was noisy, so the wall clock decides nothing".to_owned(),
        );
    }
    if judgement.conditions.client == ClientState::Limiting {
        notes.push(client_limited(&finding.cells));
    }
    notes.extend(finding.uncounted.iter().cloned());
    let blind = judgement.blind_guards().map(Metric::name);
    notes
        .extend(blind.map(|guard| format!("{guard} should guard and has no source on both sides")));
    notes.extend(finding.cpu_shared.map(shared));
    let primary = judgement.rules.roles.primary;
    if !judgement.is_trusted(primary) && judgement.decision == Decision::Inconclusive {
        notes.push(format!(
            "{} is the primary metric and had no say, so nothing could be decided",
            primary.name()
        ));
    }
    if finding.time_was_over {
        notes.push(format!(
            "the time (--max-minutes) was over after {} launches, before they decided",
            judgement.look.launches
        ));
    }
    notes.push(format!("DECISION  {}", finding.decided()));
    notes
}

/// One note per floor, as both sides may have the same.
fn invalid_floors(cells: &[Cell]) -> BTreeSet<String> {
    let distances = cells.iter().filter_map(|cell| cell.to_floor.as_ref());
    let notes = |distance: &Distance| {
        let floor = distance.floor.clone();
        let reasons = distance.invalid.clone().into_iter();
        reasons.map(move |reason| {
            format!("{floor} is INVALID, so × floor is n/a and all else stands: {reason}")
        })
    };
    distances.flat_map(notes).collect()
}

fn client_limited(cells: &[Cell]) -> String {
    let shares = cells.iter().filter_map(|cell| cell.label.client_share);
    let percents: Vec<String> = shares
        .map(|share| format!("{:.0}", share * 100.0))
        .collect();
    format!(
        "† client-limited: the client was busy for {} % of its core (85 % is the most), so the wall clock shows its pace as much as \
         the server's and decides nothing. {CLIENT_REMEDY}",
        percents.join(" and ")
    )
}

fn csv(findings: &[Finding]) -> String {
    let mut table = Table::new([
        "workload",
        "metric",
        "role",
        "launches",
        "alpha",
        "baseline",
        "candidate",
        "baseline_ratio_to_floor",
        "candidate_ratio_to_floor",
        "log_ratio",
        "log_ratio_low",
        "log_ratio_high",
        "p",
        "margin",
        "verdict",
        "decides",
        "machine_is_quiet",
        "client_is_limiting",
        "decision",
    ]);
    for finding in findings {
        let judgement = &finding.judgement;
        let conditions = judgement.conditions;
        let decision = match finding.decision {
            Some(decision) => decision.to_string(),
            None if finding.is_invalid() => "INVALID".to_owned(),
            None => "n/a".to_owned(),
        };
        for effect in &judgement.effects {
            let figure =
                |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
            let [baseline_to_floor, candidate_to_floor] = finding.to_floor(effect.metric);
            table.row(vec![
                finding.workload.to_string(),
                effect.metric.name().to_owned(),
                judgement.rules.roles.of(effect.metric).to_string(),
                judgement.look.launches.to_string(),
                judgement.look.alpha.to_string(),
                effect.baseline.to_string(),
                effect.candidate.to_string(),
                figure(baseline_to_floor),
                figure(candidate_to_floor),
                effect.log_ratio.to_string(),
                figure(effect.interval.map(|interval| interval.low)),
                figure(effect.interval.map(|interval| interval.high)),
                effect.p.to_string(),
                effect.margin.to_string(),
                effect.verdict.to_string(),
                judgement.decides(effect.metric).to_string(),
                (conditions.machine == MachineState::Quiet).to_string(),
                (conditions.client == ClientState::Limiting).to_string(),
                decision.clone(),
            ]);
        }
    }
    table.csv()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validity::{Label, Limit, Reason};
    use crate::verdict::{Conditions, LOOKS, Observed, Pair, Roles};
    use crate::workload::Workload;

    fn finding(conditions: Conditions, primary: Metric) -> Finding {
        let pair = Pair {
            baseline: 1e6,
            candidate: 1e6,
            log_ratio: 0.0,
        };
        let pairs = Metric::MEASURED
            .map(|metric| (metric, vec![pair; 8]))
            .into();
        let observed = Observed {
            pairs,
            conditions,
            ..Observed::default()
        };
        let judgement = Judgement::of(&observed, &Roles::new(primary, &[]).into(), LOOKS[0], 1);
        let cell = |arm: &str, share| Cell {
            arm: arm.to_owned(),
            label: Label {
                client_share: Some(share),
                invalid: Vec::new(),
                limits: vec![Limit::ClientBusy { share }],
            },
            to_floor: None,
        };
        Finding {
            workload: Workload::Baseline,
            decision: Some(judgement.decision),
            judgement,
            cells: vec![cell("a", 0.97), cell("b", 0.9)],
            counts: Counts::None,
            uncounted: Vec::new(),
            cpu_shared: None,
            time_was_over: false,
            broken_off_before: None,
        }
    }

    #[test]
    fn what_a_busy_client_says_is_marked_and_explained() {
        let conditions = Conditions {
            machine: MachineState::Quiet,
            client: ClientState::Limiting,
        };
        let finding = finding(conditions, Metric::CpuPerRequest);
        let table = people_table(&finding).text();
        let marks: Vec<bool> = table.lines().map(|line| line.ends_with('†')).collect();
        assert_eq!(marks, [false, false, false, true, true], "{table}");
        assert!(table.contains("throughput /s (guard)") && table.contains("p99 µs (shown)"));
        let notes = notes(&finding);
        assert!(
            notes[0].starts_with("† client-limited: the client was busy for 97 and 90 %"),
            "{notes:?}"
        );
        assert_eq!(notes[1..], ["DECISION  NO-DIFFERENCE"]);
    }

    fn to_floor(cpu_ratio: f64, invalid: Vec<Reason>) -> Option<Distance> {
        Some(Distance {
            floor: "epoll+floor".to_owned(),
            cpu_ratio: Some(cpu_ratio),
            invalid,
        })
    }

    /// The columns of both floors, metric by metric.
    fn floor_columns(finding: &Finding) -> Vec<[String; 2]> {
        let table = people_table(finding).markdown();
        let column = |line: &str, at| line.split(" | ").nth(at).unwrap_or_default().to_owned();
        let rows = table.lines().skip(2);
        rows.map(|line| [column(line, 2), column(line, 4)])
            .collect()
    }

    #[test]
    fn the_distance_to_the_floor_is_a_column_in_every_table() {
        let mut finding = finding(Conditions::default(), Metric::CpuPerRequest);
        let nothing = ["n/a", "n/a"].map(str::to_owned);
        assert_eq!(floor_columns(&finding), vec![nothing.clone(); 4]);

        finding.cells[0].to_floor = to_floor(1.0312, Vec::new());
        finding.cells[1].to_floor = to_floor(2.25, Vec::new());
        let columns = floor_columns(&finding);
        assert_eq!(columns[0], ["1.03", "2.25"]);
        assert_eq!(columns[1..], vec![nothing; 3]);
        let csv = csv(std::slice::from_ref(&finding));
        let rows: Vec<&str> = csv.lines().collect();
        assert!(rows[0].contains("candidate,baseline_ratio_to_floor,candidate_ratio_to_floor,"));
        assert!(rows[1].contains(",1000000,1000000,1.0312,2.25,"), "{csv}");
        assert!(rows[2].contains(",1000000,1000000,n/a,n/a,"), "{csv}");
        let json = serde_json::to_value(&finding).expect("a finding is JSON");
        assert_eq!(json["cells"][0]["to_floor"]["cpu_ratio"], 1.0312);
        assert_eq!(json["cells"][1]["to_floor"]["floor"], "epoll+floor");
    }

    #[test]
    fn an_invalid_floor_costs_its_column_and_one_note() {
        let mut finding = finding(Conditions::default(), Metric::CpuPerRequest);
        let wrong = || {
            vec![Reason::WrongAnswers {
                count: 3,
                first: None,
            }]
        };
        finding.cells[0].to_floor = to_floor(1.03, wrong());
        finding.cells[1].to_floor = to_floor(2.25, wrong());
        assert_eq!(floor_columns(&finding)[0], ["n/a", "n/a"]);
        let notes = notes(&finding);
        assert_eq!(
            notes[0],
            "epoll+floor is INVALID, so × floor is n/a and all else stands: 3 wrong answers"
        );
        let about_floors = notes.iter().filter(|note| note.contains("floor"));
        assert_eq!(about_floors.count(), 1, "{notes:?}");
        assert_eq!(
            notes.last().map(String::as_str),
            Some("DECISION  NO-DIFFERENCE")
        );
    }

    #[test]
    fn what_was_asked_and_what_ended_it_is_said() {
        let mut finding = finding(Conditions::default(), Metric::CpuPerRequest);
        finding.decision = Some(Decision::Go);
        finding.judgement.rules.question = Question::NotWorse;
        finding.time_was_over = true;
        let notes = notes(&finding);
        let [.., over, decision] = notes.as_slice() else {
            panic!("{notes:?}")
        };
        assert!(over.contains("(--max-minutes) was over after 8 launches"));
        assert_eq!(decision, "DECISION  GO: not worse by more than the margins");
    }

    #[test]
    fn a_primary_metric_without_a_say_is_why_nothing_is_decided() {
        let notes = notes(&finding(Conditions::default(), Metric::Throughput));
        assert!(notes[2].starts_with("throughput is the primary metric and had no say"));
        assert_eq!(notes[3], "DECISION  INCONCLUSIVE");
    }
}
