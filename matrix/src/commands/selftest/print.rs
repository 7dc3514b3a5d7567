//! A selftest as text, Markdown, CSV or JSON.

use anyhow::{Context, Result};
use serde_json::json;

use crate::campaign::Campaign;
use crate::selftest::{Passed, Selftest};
use crate::table::{Format, Table, folded, markdown_list, number, percent};
use crate::verdict::{ClientState, Effect, Judgement, LOOKS, Look, MachineState, Metric};

pub(super) fn printed(selftest: &Selftest, campaign: &Campaign, format: Format) -> Result<String> {
    let (head, notes) = (head(selftest, campaign), notes(selftest));
    Ok(match format {
        Format::Text => {
            let folded = |lines: &[String]| -> String {
                lines.iter().map(|line| folded(line) + "\n").collect()
            };
            let table = table(selftest).text();
            format!("{}\n{table}\n{}", folded(&head), folded(&notes))
        }
        Format::Md => {
            let table = table(selftest).markdown();
            let (head, notes) = (markdown_list(&head), markdown_list(&notes));
            format!("{head}\n{table}\n{notes}")
        }
        Format::Csv => csv(selftest).csv(),
        Format::Json => {
            let all = json!({
                "arms": campaign.plan().arms,
                "record": campaign.path(),
                "passed": selftest.passed(),
                "selftest": selftest,
            });
            serde_json::to_string_pretty(&all).context("failed to write the selftest as JSON")?
                + "\n"
        }
    })
}

fn head(selftest: &Selftest, campaign: &Campaign) -> Vec<String> {
    let plan = campaign.plan();
    let machines = campaign.record().machines.values();
    let launches = selftest.handicapped.look.launches;
    let settings = &plan.settings;
    let mut lines = vec![
        format!("server     {}", plan.arms[0].name),
        format!("handicap   {}", plan.arms[1].arguments.join(" ")),
    ];
    lines.extend(machines.map(|machine| format!("machine    {}", machine.line())));
    lines.push(format!(
        "load       {}, {launches} launches, {} connections, {} rounds of {} ms",
        selftest.workload, settings.connections, settings.rounds, settings.slice_ms
    ));
    lines.push(format!(
        "seed {}, kept in {}",
        plan.seed,
        campaign.path().display()
    ));
    lines
}

fn table(selftest: &Selftest) -> Table {
    let interval = format!("{} %", (1.0 - selftest.copy.look.alpha) * 100.0);
    let mut heads = vec![
        "metric".to_owned(),
        format!("copy, change % [{interval}]"),
        "verdict".to_owned(),
        format!("handicap, change % [{interval}]"),
        "verdict".to_owned(),
    ];
    heads.extend(LOOKS.map(|look| format!("found in {}, %", look.launches)));
    let columns = heads.len();
    let mut table = Table::new(heads);
    for metric in Metric::MEASURED {
        let effect = |judgement: &Judgement| effect_of(judgement, metric);
        let Some((copy, handicapped)) = effect(&selftest.copy).zip(effect(&selftest.handicapped))
        else {
            let mut cells = vec!["n/a".to_owned(); columns];
            metric.name().clone_into(&mut cells[0]);
            table.row(cells);
            continue;
        };
        let mut cells = vec![metric.name().to_owned()];
        for (judgement, effect) in [(&selftest.copy, copy), (&selftest.handicapped, handicapped)] {
            cells.push(changed(&effect));
            cells.push(format!("{}{}", effect.verdict, sign(judgement, metric)));
        }
        let smallest = selftest.smallest.iter().find(|it| it.metric == metric);
        let smallest = smallest.map_or(&[][..], |it| &it.log_ratios);
        cells.extend(
            smallest
                .iter()
                .map(|it| number(it.map(|it| it.exp_m1() * 100.0))),
        );
        cells.resize(columns, "n/a".to_owned());
        table.row(cells);
    }
    table
}

fn effect_of(judgement: &Judgement, metric: Metric) -> Option<Effect> {
    let mut effects = judgement.effects.iter();
    effects.find(|effect| effect.metric == metric).cloned()
}

fn changed(effect: &Effect) -> String {
    let interval = effect.interval.map_or("n/a".to_owned(), |interval| {
        format!("{}, {}", percent(interval.low), percent(interval.high))
    });
    format!("{} [{interval}]", percent(effect.log_ratio))
}

fn sign(judgement: &Judgement, metric: Metric) -> &'static str {
    match judgement.is_trusted(metric) {
        true => "",
        false => judgement.conditions.signs(),
    }
}

fn notes(selftest: &Selftest) -> Vec<String> {
    let mut notes: Vec<String> = selftest
        .invalid
        .iter()
        .map(|reason| format!("INVALID {reason}"))
        .collect();
    let conditions = selftest.copy.conditions;
    if conditions.machine == MachineState::Noisy {
        notes.push("* the machine was noisy, so the wall clock decides nothing".to_owned());
    }
    if conditions.client == ClientState::Limiting {
        notes.push("† the client was busy, so the wall clock shows its pace as much as the servers' and decides nothing".to_owned());
    }
    let took = |look: Look| format!("{:.0} s", f64::from(look.launches) * selftest.launch_s);
    let launches = LOOKS.map(|look| look.launches.to_string());
    let times = LOOKS.map(took);
    notes.push(format!(
        "`found in N` is the smallest difference that four comparisons in five find in N launches; a launch of three servers, as \
         a comparison has with one floor, took {:.1} s: {} launches take {}",
        selftest.launch_s,
        launches.join(", "),
        times.join(", ")
    ));
    notes.push(said(selftest));
    notes
}

fn said(selftest: &Selftest) -> String {
    let launches = selftest.handicapped.look.launches;
    match selftest.passed() {
        Passed::Yes => {
            format!("PASSED  the handicap was found in {launches} launches, no difference between copies")
        }
        Passed::Blind => format!(
            "NOT FOUND  the handicap was not found in {launches} launches: with this noise smaller differences stay hidden too; \
             `cargo matrix doctor` says what disturbs"
        ),
        Passed::FalseAlarm => "FALSE ALARM  copies of one server were called different, which happens to fewer than one selftest in \
             fifteen; run it again, and believe no comparison if it comes back"
            .to_owned(),
        Passed::Invalid => "INVALID  nothing can be said".to_owned(),
    }
}

fn csv(selftest: &Selftest) -> Table {
    let mut heads: Vec<String> = [
        "metric",
        "pair",
        "launches",
        "log_ratio",
        "log_ratio_low",
        "log_ratio_high",
        "verdict",
        "decides",
    ]
    .map(str::to_owned)
    .to_vec();
    heads.extend(LOOKS.map(|look| format!("smallest_log_ratio_{}", look.launches)));
    let mut table = Table::new(heads);
    for (pair, judgement) in [
        ("copy", &selftest.copy),
        ("handicap", &selftest.handicapped),
    ] {
        for effect in &judgement.effects {
            let figure =
                |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
            let smallest = selftest
                .smallest
                .iter()
                .find(|it| it.metric == effect.metric);
            let of_look = |look| figure(smallest.and_then(|it| *it.log_ratios.get(look)?));
            let mut cells = vec![
                effect.metric.name().to_owned(),
                pair.to_owned(),
                judgement.look.launches.to_string(),
                effect.log_ratio.to_string(),
                figure(effect.interval.map(|interval| interval.low)),
                figure(effect.interval.map(|interval| interval.high)),
                effect.verdict.to_string(),
                judgement.decides(effect.metric).to_string(),
            ];
            cells.extend((0..LOOKS.len()).map(of_look));
            table.row(cells);
        }
    }
    table
}
