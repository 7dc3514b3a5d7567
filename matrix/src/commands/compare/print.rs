//! A comparison as text, Markdown, CSV or JSON.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Finding, level};
use crate::campaign::Campaign;
use crate::table::{Format, Table, number, percent};
use crate::verdict::{Effect, MachineState, Metric};

pub(super) fn printed(findings: &[Finding], campaign: &Campaign, format: Format) -> Result<String> {
    Ok(match format {
        Format::Text => pages(findings, campaign, "\n", Table::text),
        Format::Md => pages(findings, campaign, "\n### ", Table::markdown),
        Format::Csv => csv(findings),
        Format::Json => json(findings, campaign)?,
    })
}

fn json(findings: &[Finding], campaign: &Campaign) -> Result<String> {
    let plan = campaign.plan();
    let all = json!({
        "baseline": plan.arms[0],
        "candidate": plan.arms[1],
        "seed": plan.seed,
        "settings": plan.settings,
        "record": campaign.path(),
        "workloads": findings,
    });
    Ok(
        serde_json::to_string_pretty(&all).context("failed to write the comparison as JSON")?
            + "\n",
    )
}

fn pages(
    findings: &[Finding],
    campaign: &Campaign,
    title: &str,
    table: fn(&Table) -> String,
) -> String {
    let plan = campaign.plan();
    let mut out = format!(
        "baseline   {}\ncandidate  {}\n",
        plan.arms[0].name, plan.arms[1].name
    );
    for machine in campaign.record().machines.values() {
        let _ = writeln!(out, "machine    {}", machine.line());
    }
    for finding in findings {
        let judgement = &finding.judgement;
        let machine = match judgement.machine {
            MachineState::Quiet => "quiet machine",
            MachineState::Noisy => "noisy machine",
        };
        let launches = judgement.look.launches;
        let _ = writeln!(
            out,
            "{title}{}, {launches} launches, {machine}",
            finding.workload
        );
        if title.ends_with(' ') {
            out.push('\n');
        }
        out += &table(&people_table(finding));
        out.push('\n');
        notes(finding)
            .into_iter()
            .for_each(|note| out += &(note + "\n"));
    }
    let _ = writeln!(
        out,
        "\nseed {}, kept in {}",
        plan.seed,
        campaign.path().display()
    );
    out
}

fn people_table(finding: &Finding) -> Table {
    let judgement = &finding.judgement;
    let heads = ["metric", "baseline", "candidate", "change %"].map(str::to_owned);
    let tail = [
        level(judgement),
        "margin %".to_owned(),
        "verdict".to_owned(),
    ];
    let mut table = Table::new(heads.into_iter().chain(tail));
    for metric in Metric::ALL {
        match judgement
            .effects
            .iter()
            .find(|effect| effect.metric == metric)
        {
            Some(effect) => table.row(cells(finding, effect)),
            None => {
                let mut cells = vec!["n/a".to_owned(); 7];
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
    let primary = if effect.metric == judgement.primary {
        " (primary)"
    } else {
        ""
    };
    let advisory = if judgement.decides(effect.metric) {
        ""
    } else {
        "*"
    };
    let interval = effect.interval.map_or("n/a".to_owned(), |interval| {
        format!("[{}, {}]", percent(interval.low), percent(interval.high))
    });
    vec![
        format!("{} {unit}{primary}", effect.metric.name()),
        number(Some(effect.baseline / scale)),
        number(Some(effect.candidate / scale)),
        percent(effect.log_ratio),
        interval,
        number(Some(effect.margin * 100.0)),
        format!("{}{advisory}", effect.verdict),
    ]
}

/// The unit people read, and how many of the metric's own make one of it.
fn shown_in(metric: Metric) -> (&'static str, f64) {
    match metric {
        Metric::CpuPerRequest | Metric::LatencyP99 => ("µs", 1e3),
        Metric::Memory => ("MiB", 1024.0 * 1024.0),
        Metric::Throughput => ("/s", 1.0),
    }
}

fn notes(finding: &Finding) -> Vec<String> {
    let judgement = &finding.judgement;
    let mut notes: Vec<String> = finding
        .invalid
        .iter()
        .map(|(arm, reason)| format!("! {arm} is INVALID: {reason}"))
        .collect();
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
    if judgement.machine == MachineState::Noisy {
        notes.push(
            "* advisory: the machine was noisy, so the wall clock decides nothing".to_owned(),
        );
    }
    notes.push(match finding.decision {
        Some(decision) => format!("DECISION  {decision}"),
        None => "DECISION  none: the measurement is invalid".to_owned(),
    });
    notes
}

fn csv(findings: &[Finding]) -> String {
    let mut table = Table::new([
        "workload",
        "metric",
        "launches",
        "alpha",
        "baseline",
        "candidate",
        "log_ratio",
        "log_ratio_low",
        "log_ratio_high",
        "p",
        "margin",
        "verdict",
        "decides",
        "decision",
    ]);
    for finding in findings {
        let judgement = &finding.judgement;
        let decision = finding
            .decision
            .map_or("INVALID".to_owned(), |decision| decision.to_string());
        for effect in &judgement.effects {
            let end = |end: Option<f64>| end.map_or("n/a".to_owned(), |end| end.to_string());
            table.row(vec![
                finding.workload.to_string(),
                effect.metric.name().to_owned(),
                judgement.look.launches.to_string(),
                judgement.look.alpha.to_string(),
                effect.baseline.to_string(),
                effect.candidate.to_string(),
                effect.log_ratio.to_string(),
                end(effect.interval.map(|interval| interval.low)),
                end(effect.interval.map(|interval| interval.high)),
                effect.p.to_string(),
                effect.margin.to_string(),
                effect.verdict.to_string(),
                judgement.decides(effect.metric).to_string(),
                decision.clone(),
            ]);
        }
    }
    table.csv()
}
