//! `cargo matrix doctor`: what this machine can measure, and what keeps it from more.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::commands::measure;
use crate::machine::doctor::{Finding, findings};
use crate::machine::{Gate, Machine};
use crate::table::{Format, Table};
use crate::workspace::Workspace;

/// Look at this machine: what it can measure, and what each missing thing costs
///
/// For a moment it does nothing, and sees what other programs do meanwhile. Nothing is changed or installed; what stands
/// behind `!` says how to have it otherwise. The exit code is 0 whatever was found.
///
/// Example: cargo matrix doctor --seconds 10
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How long to look at what other programs do
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Looks, and prints what was found.
///
/// # Errors
/// When the workspace, the usable CPUs or `/proc/stat` cannot be read.
pub fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::read()?;
    let machine = Machine::describe("doctor", &measure::now(), workspace.root())?;
    eprintln!("looking for {} s at what other programs do …", args.seconds);
    let gate = Gate::open()?;
    thread::sleep(Duration::from_secs(args.seconds));
    let quiet = gate.close(0)?;
    let findings = findings(&machine, &quiet, workspace.root());
    measure::show(&printed(&machine, &findings, args.format)?)
}

fn printed(machine: &Machine, findings: &[Finding], format: Format) -> Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(findings)? + "\n",
        Format::Text => text(machine, findings),
        Format::Csv => table(findings).csv(),
        Format::Md => table(findings).markdown(),
    })
}

/// A line for each, and what it costs below it.
fn text(machine: &Machine, findings: &[Finding]) -> String {
    let wide = findings.iter().map(|it| it.what.len()).max().unwrap_or(0);
    let mut text = format!("{}\n\n", machine.line());
    for Finding { what, seen, costs } in findings {
        let mark = if costs.is_some() { '!' } else { ' ' };
        let seen = seen.as_deref().unwrap_or("n/a");
        text += &format!("{mark} {what:<wide$}  {seen}\n");
        if let Some(costs) = costs {
            text += &format!("  {:<wide$}  → {costs}\n", "");
        }
    }
    let marked = findings.iter().filter(|it| it.costs.is_some()).count();
    text + &format!("\n{marked} of {} cost something\n", findings.len())
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(["what", "seen", "costs"]);
    for Finding { what, seen, costs } in findings {
        let seen = seen.clone().unwrap_or_else(|| "n/a".to_owned());
        table.row(vec![
            (*what).to_owned(),
            seen,
            costs.clone().unwrap_or_default(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_finding_is_printed_with_what_it_costs() {
        let machine = Machine::describe("c", "now", Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let finding = |what, seen: Option<&str>, costs: Option<&str>| Finding {
            what,
            seen: seen.map(str::to_owned),
            costs: costs.map(str::to_owned),
        };
        let findings = [
            finding("perf", None, Some("no profiles")),
            finding("kernel", Some("6.18"), None),
        ];
        let of = |format| printed(&machine, &findings, format).unwrap();
        let text = of(Format::Text);
        assert!(
            text.contains("! perf    n/a\n          → no profiles\n  kernel  6.18\n"),
            "{text}"
        );
        assert!(text.ends_with("\n1 of 2 cost something\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&of(Format::Json)).unwrap();
        assert_eq!(
            (json[0]["seen"].is_null(), &json[1]["seen"]),
            (true, &"6.18".into())
        );
        assert!(of(Format::Csv).contains("perf,n/a,no profiles"));
        assert!(of(Format::Md).contains("| perf | n/a | no profiles |"));
    }
}
