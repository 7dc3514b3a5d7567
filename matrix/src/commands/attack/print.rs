//! What attacks did, in every format: a row for each, and a sentence for whatever may not be.

use std::fmt::Write;

use anyhow::Result;

use super::Findings;
use crate::attack::{Attack, Seen};
use crate::table::{Format, Table, folded, number};

/// Bytes of a MiB.
const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn printed(findings: &Findings, format: Format) -> Result<String> {
    let table = table(findings);
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(findings)? + "\n",
        Format::Csv => table.csv(),
        Format::Text => table.text() + &words(findings, "\n", folded),
        Format::Md => table.markdown() + &words(findings, "\n- ", str::to_owned),
    })
}

fn table(findings: &Findings) -> Table {
    let mut table = Table::new([
        "design",
        "attack",
        "clients",
        "MiB before",
        "peak",
        "after",
        "budget MiB",
        "memory ×",
        "CPU ×",
        "CPU % quiet",
        "attacked",
        "p99 µs quiet",
        "attacked",
        "ratio",
        "wrong",
        "missing",
        "left",
    ]);
    for seen in &findings.attacked {
        let mib = |bytes: Option<u64>| number(bytes.map(|bytes| bytes as f64 / MIB));
        let percent = |share: Option<f64>| number(share.map(|share| share * 100.0));
        let us = |ns: Option<f64>| number(ns.map(|ns| ns / 1e3));
        let noise = if seen.noisy { "~" } else { "" };
        table.row(vec![
            seen.design.clone(),
            seen.attack.to_owned(),
            seen.attackers.open_most.to_string(),
            mib(seen.before.resident_bytes),
            mib(Some(seen.peak.resident_bytes)),
            mib(seen.after.resident_bytes),
            mib(seen.budget_bytes),
            number(seen.memory_amplification),
            number(seen.cpu_amplification),
            percent(seen.quiet.cpu()),
            percent(seen.attacked.cpu()),
            us(seen.quiet.p99_ns()),
            us(seen.attacked.p99_ns()),
            noise.to_owned() + &number(seen.p99_ratio),
            seen.wrong.to_string(),
            seen.unanswered.to_string(),
            left(seen),
        ]);
    }
    table
}

/// Connections afterwards that were not there before.
fn left(seen: &Seen) -> String {
    let (after, before) = (seen.after.connections, seen.before.connections);
    let left = after
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    left.map_or("n/a".to_owned(), |left| left.to_string())
}

/// How attackers ended, what may not be, and what was left out; each sentence behind `lead`.
fn words(findings: &Findings, lead: &str, folded: fn(&str) -> String) -> String {
    let mut words = String::new();
    let mut say = |sentence: String| {
        write!(words, "{lead}{}", folded(&sentence)).expect("a String takes everything");
    };
    if findings.attacked.iter().any(|seen| seen.noisy) {
        say("~ the p99s of quiet windows differ by more than a factor of 2: the machine is too noisy for this ratio".to_owned());
    }
    for seen in &findings.attacked {
        let (design, attack, tally) = (&seen.design, seen.attack, &seen.attackers);
        let about = Attack::all().find(|known| known.name == attack);
        let does = about.map_or("", |attack| attack.does);
        say(format!(
            "{attack} on {design}: {does}; {} connections: {}",
            tally.opened,
            tally.endings()
        ));
    }
    for seen in &findings.attacked {
        for failure in &seen.failures {
            say(format!(
                "HARM by {} on {}: {failure}",
                seen.attack, seen.design
            ));
        }
        if seen.slow {
            let ratio = number(seen.p99_ratio);
            say(format!(
                "HARM by {} on {}: the p99 of honest clients is {ratio} times what it was",
                seen.attack, seen.design
            ));
        }
    }
    for arm in &findings.left_out {
        say(format!("left out {}: {}", arm.name, arm.reason));
    }
    words + "\n"
}
