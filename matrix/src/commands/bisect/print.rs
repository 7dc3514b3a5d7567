//! What a search found: a row for each commit that was measured or passed over, and a sentence.

use anyhow::Result;
use serde::Serialize;

use super::{Args, History};
use crate::axes::Axes;
use crate::bisect::posterior::standard_error;
use crate::bisect::{Ending, Known, Named};
use crate::revision::Commit;
use crate::stats::mean;
use crate::table::{Format, Table};
use crate::verdict::{ClientState, Conditions, MachineState};
use crate::workload::Workload;

/// A difference below this one may be layout, which moves with any change of the code.
const LAYOUT_MAX: f64 = 0.02;

/// Everything that is printed.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    good: String,
    design: String,
    workload: Workload,
    metric: &'static str,
    /// `found`, `open` or `alike`.
    ending: &'static str,
    /// Why the metric has no say.
    untrusted: Option<&'static str>,
    /// One of these, oldest first.
    culprits: Vec<Row>,
    /// That it is one of them.
    probability: Option<f64>,
    /// Of BAD to GOOD, as a share, and its standard error.
    effect: Option<(f64, f64)>,
    /// Those that were measured or passed over, oldest first.
    commits: Vec<Row>,
    notes: Vec<String>,
}

/// A commit.
#[derive(Clone, Debug, Serialize)]
struct Row {
    commit: String,
    short: String,
    title: String,
    launches: usize,
    /// To GOOD, as a share.
    difference: Option<f64>,
    standard_error: Option<f64>,
    /// That it has the difference.
    probability_bad: f64,
}

impl Told {
    pub(super) fn of(
        axes: &Axes,
        args: &Args,
        history: &History,
        ending: &Ending,
        known: &Known,
    ) -> Result<Told> {
        let untrusted = match ending {
            Ending::Untrusted(under) => Some(without_say(*under)),
            _ => None,
        };
        let row = |commit: usize| row(axes, &history.commits[commit], commit, known);
        let (ending, named) = match ending {
            Ending::Found(named) => ("found", Some(named)),
            Ending::Open(named) => ("open", Some(named)),
            Ending::Untrusted(_) => ("open", None),
            Ending::Alike | Ending::NoEnd => ("alike", None),
        };
        let culprits = named.map(|Named { commits, .. }| commits.clone().map(row).collect());
        let mut shown: Vec<usize> = known.launches.keys().copied().collect();
        shown.extend(&known.skipped);
        shown.sort_unstable();
        Ok(Told {
            good: history.good.to_string(),
            design: history.design.clone(),
            workload: args.workload,
            metric: args.metric.name(),
            ending,
            untrusted,
            culprits: culprits.transpose()?.unwrap_or_default(),
            probability: named.map(|named| named.probability),
            effect: known
                .effect()
                .map(|(effect, error)| (effect.exp_m1(), error)),
            commits: shown.into_iter().map(row).collect::<Result<_>>()?,
            notes: named.map_or_else(Vec::new, |_| notes(history, known)),
        })
    }

    fn sentence(&self) -> String {
        if let Some(why) = self.untrusted {
            return format!(
                "not decided: {} has no say here, as {why}; `cargo matrix doctor` says what to do, and cpu-per-request is \
                 least disturbed",
                self.metric
            );
        }
        let Some((share, error)) = self.effect else {
            return "not decided: there was no time to measure the ends".to_owned();
        };
        let effect = format!(
            "{:+.2} % ± {:.2} of {}",
            share * 100.0,
            error * 100.0,
            self.metric
        );
        if self.ending == "alike" {
            return format!(
                "nothing to find: the ends differ by {effect}, which is less than five standard errors or than the margin"
            );
        }
        let names: Vec<String> = self
            .culprits
            .iter()
            .map(|row| format!("{} {}", row.short, row.title))
            .collect();
        let which = match &names[..] {
            [one] => one.clone(),
            several => format!(
                "one of these, which cannot be told apart: {}",
                several.join("; ")
            ),
        };
        let how = match self.ending {
            "found" => "culprit",
            _ => "not decided, most probable",
        };
        let probability = percent(self.probability.unwrap_or(0.0));
        format!("{how} of {effect}, {probability} probable: {which}")
    }
}

fn without_say(under: Conditions) -> &'static str {
    match (under.machine, under.client) {
        (MachineState::Noisy, ClientState::Limiting) => {
            "the machine was noisy and the client was busy"
        }
        (MachineState::Noisy, ClientState::Ahead) => "the machine was noisy",
        (MachineState::Quiet, _) => "the client was busy",
    }
}

/// No search is certain.
fn percent(probability: f64) -> String {
    match probability {
        0.999.. => "more than 99.9 %".to_owned(),
        _ => format!("{:.1} %", probability * 100.0),
    }
}

fn row(axes: &Axes, commit: &Commit, at: usize, known: &Known) -> Result<Row> {
    let launches = known.launches.get(&at).map_or(&[][..], Vec::as_slice);
    Ok(Row {
        commit: commit.to_string(),
        short: commit.short().to_owned(),
        title: commit.title(axes.workspace())?,
        launches: launches.len(),
        difference: mean(launches).map(f64::exp_m1),
        standard_error: standard_error(launches),
        probability_bad: known.probability_bad(at),
    })
}

fn notes(history: &History, known: &Known) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((commit, distance)) = known.misfit() {
        notes.push(format!(
            "{} lies {distance:+.1} standard deviations from where one step would put it: there may be several",
            history.commits[commit].short()
        ));
    }
    if known
        .effect()
        .is_some_and(|(effect, _)| effect.abs() < LAYOUT_MAX)
    {
        notes.push(
            "a difference of this size may be the layout of the code, which any commit can move: look at what the culprit \
             changes"
                .to_owned(),
        );
    }
    notes
}

pub(super) fn printed(told: &Told, format: Format) -> Result<String> {
    let notes: String = told
        .notes
        .iter()
        .map(|note| format!("- {note}\n"))
        .collect();
    let table = people_table(&told.commits);
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(told)? + "\n",
        Format::Csv => csv(&told.commits),
        Format::Text => format!("{}\n{}\n{notes}", table.text(), told.sentence()),
        Format::Md => format!("{}\n{}\n{notes}", table.markdown(), told.sentence()),
    })
}

fn people_table(rows: &[Row]) -> Table {
    let mut table = Table::new(["commit", "launches", "% to GOOD", "±", "% has it"]);
    let percent = |share: Option<f64>| match share {
        Some(share) => format!("{:.2}", share * 100.0),
        None => "n/a".to_owned(),
    };
    for row in rows {
        table.row(vec![
            format!("{} {}", row.short, row.title),
            row.launches.to_string(),
            percent(row.difference),
            percent(row.standard_error),
            format!("{:.1}", row.probability_bad * 100.0),
        ]);
    }
    table
}

fn csv(rows: &[Row]) -> String {
    let heads = [
        "commit",
        "title",
        "launches",
        "difference",
        "standard_error",
        "probability_bad",
    ];
    let mut table = Table::new(heads);
    let figure = |figure: Option<f64>| figure.map_or_else(|| "n/a".to_owned(), |f| f.to_string());
    for row in rows {
        table.row(vec![
            row.commit.clone(),
            row.title.clone(),
            row.launches.to_string(),
            figure(row.difference),
            figure(row.standard_error),
            row.probability_bad.to_string(),
        ]);
    }
    table.csv()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ending: &'static str, culprits: usize) -> Told {
        let row = |number: usize| Row {
            commit: format!("{number}000000000"),
            short: format!("{number}000000"),
            title: format!("core: change {number}"),
            launches: 8,
            difference: Some(0.05),
            standard_error: None,
            probability_bad: 0.97,
        };
        Told {
            good: "9000000000".to_owned(),
            design: "epoll+split+system".to_owned(),
            workload: Workload::Baseline,
            metric: "CPU per request",
            ending,
            untrusted: None,
            culprits: (0..culprits).map(row).collect(),
            probability: (culprits > 0).then_some(0.97),
            effect: Some((0.05, 0.002)),
            commits: (0..3).map(row).collect(),
            notes: vec!["a note".to_owned()],
        }
    }

    #[test]
    fn every_ending_is_told_in_a_sentence() {
        let untrusted = Told {
            untrusted: Some(without_say(Conditions::default())),
            ..told("open", 0)
        };
        let no_time = Told {
            effect: None,
            ..told("open", 1)
        };
        for (told, sentence) in [
            (
                told("found", 1),
                "culprit of +5.00 % ± 0.20 of CPU per request, 97.0 % probable: 0000000 core: change 0",
            ),
            (
                told("found", 2),
                "one of these, which cannot be told apart: 0000000 core: change 0; 1000000 core: change 1",
            ),
            (told("open", 1), "not decided, most probable of +5.00 %"),
            (
                told("alike", 0),
                "nothing to find: the ends differ by +5.00 %",
            ),
            (no_time, "not decided: there was no time"),
            (
                untrusted,
                "as the machine was noisy and the client was busy",
            ),
        ] {
            let text = printed(&told, Format::Text).unwrap();
            assert!(text.contains(sentence), "{sentence} in {text}");
            assert!(
                text.contains("2000000 core: change 2") && text.ends_with("- a note\n"),
                "{text}"
            );
        }
    }

    #[test]
    fn json_and_csv_hold_figures_and_what_is_not_known() {
        let json = printed(&told("found", 1), Format::Json).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["ending"], "found");
        assert_eq!(json["culprits"][0]["commit"], "0000000000");
        assert_eq!(json["commits"].as_array().unwrap().len(), 3);
        assert!(json["commits"][0]["standard_error"].is_null());
        let csv = printed(&told("alike", 0), Format::Csv).unwrap();
        assert!(
            csv.contains("0000000000,core: change 0,8,0.05,n/a,0.97"),
            "{csv}"
        );
    }
}
