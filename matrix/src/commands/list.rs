//! `cargo matrix list`: every design, floor and peer, and why a combination is excluded.

use anyhow::Result;
use serde::Serialize;

use crate::arm::Arm;
use crate::axes::{Axes, BACKEND, Coverage};
use crate::commands::measure;
use crate::design::{Choice, Design};
use crate::table::{Format, Table};

/// List every design, floor and peer, and why a combination is excluded
///
/// Example: cargo matrix list
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Print the arguments that make cargo-hack walk exactly these designs of package orthant
    #[arg(long, conflicts_with = "format")]
    hack_args: bool,
    /// Only designs with this value on this axis, such as policy=lean; repeat it to narrow further
    #[arg(long, value_name = "AXIS=VALUE")]
    only: Vec<String>,
    /// How many designs
    #[arg(long, value_enum, default_value_t, conflicts_with = "hack_args")]
    design: Coverage,
    /// How the list is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the list says about a name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Design,
    Harness,
    Floor,
    Peer,
    Excluded,
}

/// A line of the list.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    state: State,
    choices: Vec<Choice>,
    /// Why it is excluded.
    because: Option<String>,
}

/// Prints the designs, the floors, the peers and what is excluded.
pub fn run(args: &Args) -> Result<()> {
    let axes = Axes::read()?.only(&args.only)?;
    if args.hack_args {
        return measure::show(&(axes.hack_args()?.join(" ") + "\n"));
    }
    measure::show(&printed(&axes, args.design, args.format)?)
}

fn printed(axes: &Axes, coverage: Coverage, format: Format) -> Result<String> {
    let entries = entries(axes, coverage)?;
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(&entries)? + "\n",
        Format::Text => table(axes, &entries).text(),
        Format::Csv => table(axes, &entries).csv(),
        Format::Md => table(axes, &entries).markdown(),
    })
}

fn entries(axes: &Axes, coverage: Coverage) -> Result<Vec<Entry>> {
    let designs = coverage
        .of(axes.designs())
        .into_iter()
        .map(|design| of_design(&design, State::Design, None));
    let harnesses = axes.harnesses();
    let harnesses = harnesses
        .iter()
        .map(|design| of_design(design, State::Harness, None));
    let floors = axes.floors().into_iter().filter_map(|floor| match &floor {
        Arm::Floor(backend) => Some(of_floor(backend, floor.name())),
        _ => None,
    });
    let peers = axes.peers()?.into_iter().map(|peer| Entry {
        name: peer.name(),
        state: State::Peer,
        choices: Vec::new(),
        because: None,
    });
    let excluded = axes
        .excluded()
        .into_iter()
        .map(|(design, because)| of_design(&design, State::Excluded, Some(because)));
    Ok(designs
        .chain(harnesses)
        .chain(floors)
        .chain(peers)
        .chain(excluded)
        .collect())
}

fn of_design(design: &Design, state: State, because: Option<&str>) -> Entry {
    Entry {
        name: design.name(),
        state,
        choices: design.choices().to_vec(),
        because: because.map(str::to_owned),
    }
}

fn of_floor(backend: &str, name: String) -> Entry {
    let choice = Choice {
        axis: BACKEND.to_owned(),
        value: backend.to_owned(),
        is_unnamed: false,
    };
    Entry {
        name,
        state: State::Floor,
        choices: vec![choice],
        because: None,
    }
}

fn table(axes: &Axes, entries: &[Entry]) -> Table {
    let values = axes.axes().iter().map(|axis| axis.name.as_str());
    let mut table = Table::new(std::iter::once("name").chain(values).chain(["note"]));
    for entry in entries {
        let note = match (&entry.state, &entry.because) {
            (State::Harness, _) => "workloads of allocators, behind HTTP".to_owned(),
            (State::Floor, _) => "what is no design's own cost".to_owned(),
            (State::Peer, _) => "a server of others, in matrix/peers".to_owned(),
            (_, Some(because)) => format!("excluded because {because}"),
            (_, None) => String::new(),
        };
        let value = |axis: &str| {
            let choice = entry.choices.iter().find(|choice| choice.axis == axis);
            choice.map_or_else(|| "-".to_owned(), |choice| choice.value.clone())
        };
        let values = axes.axes().iter().map(|axis| value(&axis.name));
        table.row(
            std::iter::once(entry.name.clone())
                .chain(values)
                .chain([note])
                .collect(),
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_names_every_design_and_floor() {
        let axes = Axes::read().unwrap();
        let names: Vec<_> = axes
            .designs()
            .iter()
            .map(Design::name)
            .chain(axes.floors().iter().map(Arm::name))
            .collect();
        for format in [Format::Text, Format::Json, Format::Csv, Format::Md] {
            let text = printed(&axes, Coverage::Full, format).unwrap();
            for name in &names {
                assert!(text.contains(name), "{name} in {format:?}");
            }
        }
    }

    #[test]
    fn a_pairwise_list_has_fewer_designs_and_every_floor() {
        let axes = Axes::read().unwrap();
        let count = |coverage, state: &str| {
            let listed = printed(&axes, coverage, Format::Json).unwrap();
            listed.matches(&format!("\"state\": \"{state}\"")).count()
        };
        let (full, pairwise) = (Coverage::Full, Coverage::Pairwise);
        assert!(count(pairwise, "design") < count(full, "design"));
        assert_eq!(count(pairwise, "floor"), axes.floors().len());
    }

    #[test]
    fn an_excluded_design_carries_its_reason() {
        let axes = Axes::read().unwrap();
        let design = axes.design("uring+split+mimalloc").unwrap();
        let entry = of_design(&design, State::Excluded, Some("it bites"));
        let text = table(&axes, &[entry]).csv();
        assert_eq!(
            text.lines().nth(1).unwrap(),
            "uring+split+mimalloc,uring,split,mimalloc,balanced,excluded because it bites"
        );
    }
}
