//! A triage as text, Markdown, CSV or JSON.

use anyhow::{Context, Result};
use serde_json::json;

use crate::table::{Format, Table, folded, markdown_list, number};
use crate::triage::{Subject, Triage};

pub(super) fn printed(
    found: &Triage,
    arm: &str,
    subject: &Subject,
    format: Format,
) -> Result<String> {
    let head = vec![
        format!("server   {arm}, one worker on one CPU"),
        format!(
            "load     {}, {} connections, all open when memory is read",
            subject.workload, subject.connections
        ),
    ];
    Ok(match format {
        Format::Text => {
            let notes: Vec<String> = notes(found).iter().map(|note| folded(note)).collect();
            [
                head.join("\n") + "\n",
                class_table(found).text(),
                factor_table(found).text(),
                notes.join("\n") + "\n",
            ]
            .join("\n")
        }
        Format::Md => [
            markdown_list(&head),
            class_table(found).markdown(),
            factor_table(found).markdown(),
            markdown_list(&notes(found)),
        ]
        .join("\n"),
        Format::Csv => class_csv(found).csv() + "\r\n" + &factor_csv(found).csv(),
        Format::Json => {
            let all = json!({
                "server": arm,
                "workload": subject.workload,
                "connections": subject.connections,
                "triage": found,
            });
            serde_json::to_string_pretty(&all).context("failed to write the triage as JSON")? + "\n"
        }
    })
}

fn kib(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1024.0)
}

fn class_table(found: &Triage) -> Table {
    let mut table = Table::new(["class", "KiB", "share %", "how it is known"]);
    let share = |bytes: u64| {
        format!(
            "{:.1}",
            bytes as f64 * 100.0 / found.resident_bytes.max(1) as f64
        )
    };
    for class in &found.classes {
        table.row(vec![
            class.name.to_owned(),
            kib(class.bytes),
            share(class.bytes),
            class.known.clone(),
        ]);
    }
    let resident = found.resident_bytes;
    let explained = format!("explained: {:.1} %", found.explained_share * 100.0);
    table.row(vec![
        "resident".to_owned(),
        kib(resident),
        share(resident),
        explained,
    ]);
    table
}

fn factor_table(found: &Triage) -> Table {
    let mut table = Table::new([
        "one factor changed",
        "resident KiB",
        "change KiB",
        "of which",
    ]);
    for factor in &found.factors {
        let change = |bytes: u64| (bytes as f64 - found.resident_bytes as f64) / 1024.0;
        let signed = |kib: f64| format!("{kib:+.0}");
        let changes = factor.changes.iter().take(3);
        let of_which: Vec<String> = changes
            .map(|(name, bytes)| format!("{name} {}", signed(*bytes as f64 / 1024.0)))
            .collect();
        table.row(vec![
            factor.name.clone(),
            factor.resident_bytes.map_or("n/a".to_owned(), kib),
            factor
                .resident_bytes
                .map_or("n/a".to_owned(), |bytes| signed(change(bytes))),
            of_which.join(", "),
        ]);
    }
    table
}

fn notes(found: &Triage) -> Vec<String> {
    let listed = |places: &[crate::triage::Place]| {
        let place = |place: &crate::triage::Place| {
            format!(
                "{} {}",
                place.name,
                number(place.bytes.map(|bytes| bytes as f64 / 1024.0))
            )
        };
        places.iter().map(place).collect::<Vec<_>>().join(", ")
    };
    let mut notes = vec![
        format!("of the allocator's memory, KiB: {}", listed(&found.places)),
        format!(
            "not resident in the process and there for it, KiB: {}",
            listed(&found.beside)
        ),
        "what is handed out need not have been touched: as much as was not is free".to_owned(),
    ];
    let missing = found.factors.iter();
    notes.extend(missing.filter_map(|factor| {
        let why = factor.missing.as_ref()?;
        Some(format!("{}: n/a, {why}", factor.name))
    }));
    notes
}

fn class_csv(found: &Triage) -> Table {
    let mut table = Table::new(["class", "bytes", "known"]);
    for class in &found.classes {
        table.row(vec![
            class.name.to_owned(),
            class.bytes.to_string(),
            class.known.clone(),
        ]);
    }
    table
}

fn factor_csv(found: &Triage) -> Table {
    let mut table = Table::new(["factor", "resident_bytes", "class", "change_bytes"]);
    for factor in &found.factors {
        let resident = factor
            .resident_bytes
            .map_or("n/a".to_owned(), |bytes| bytes.to_string());
        for (class, bytes) in &factor.changes {
            let (name, class) = (factor.name.clone(), (*class).to_owned());
            table.row(vec![name, resident.clone(), class, bytes.to_string()]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Answers;
    use crate::triage::{Class, Factor, Place};
    use crate::workload::Workload;

    fn shown(format: Format) -> String {
        let class = |name, kib: u64| Class {
            name,
            bytes: kib * 1024,
            known: format!("why {name}"),
        };
        let factor = |name: &str, resident_bytes, missing: Option<&str>| Factor {
            name: name.to_owned(),
            resident_bytes,
            changes: vec![("allocator", -2048)],
            missing: missing.map(str::to_owned),
        };
        let found = Triage {
            resident_bytes: 400 * 1024,
            classes: vec![class("text", 390), class("unaccounted", 10)],
            explained_share: 0.975,
            places: vec![Place {
                name: "[heap]",
                bytes: Some(3072),
            }],
            beside: vec![Place {
                name: "page tables",
                bytes: None,
            }],
            factors: vec![
                factor("no connections", Some(398 * 1024), None),
                factor("two workers", None, Some("it has one")),
            ],
        };
        let subject = Subject {
            executable: "/x".into(),
            is_design: false,
            answers: Answers::Arena,
            workload: Workload::Json,
            connections: 64,
            server_cpu: 0,
            siblings: Vec::new(),
            counting: None,
        };
        printed(&found, "x", &subject, format).expect("it can be printed")
    }

    #[test]
    fn every_format_tells_shares_changes_and_what_is_missing() {
        let text = shown(Format::Text);
        for line in [
            "load     json, 64 connections",
            "text         390     97.5           why text\n",
            "resident     400    100.0  explained: 97.5 %\n",
            "no connections               398          -2  allocator -2\n",
            "[heap] 3.00",
            "page tables n/a",
            "two workers: n/a, it has one",
        ] {
            assert!(text.contains(line), "{line:?} in\n{text}");
        }
        let md = shown(Format::Md);
        assert!(
            md.contains("| unaccounted | 10 | 2.5 | why unaccounted |"),
            "{md}"
        );
        let csv = shown(Format::Csv);
        assert!(
            csv.contains("\r\nunaccounted,10240,why unaccounted\r\n\r\nfactor,"),
            "{csv}"
        );
        assert!(
            csv.ends_with("two workers,n/a,allocator,-2048\r\n"),
            "{csv}"
        );
        let json: serde_json::Value = serde_json::from_str(&shown(Format::Json)).expect("JSON");
        assert_eq!(json["triage"]["classes"][1]["bytes"], 10240);
    }
}
