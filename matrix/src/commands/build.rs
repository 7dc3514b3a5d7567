//! `cargo matrix build`: every design as its own executable.

use anyhow::{Result, ensure};

use crate::arm::Arm;
use crate::axes::{Axes, Coverage};
use crate::build::{Built, Rebuild, build, told};
use crate::commands::measure;
use crate::commands::peers::Peers;
use crate::design::Design;
use crate::table::{Format, Table};

/// Build every design as its own executable in target/designs
///
/// `REVISION:NAME` is a design or a floor as that revision of the repository has it, `peer:NAME` a server below
/// matrix/peers.
///
/// Example: cargo matrix build --only backend=epoll --floors
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Designs such as uring+split+mimalloc, floors such as uring+floor; every design if none is named
    pub(crate) names: Vec<String>,
    /// Only designs with this value on this axis, such as backend=epoll; repeat it to narrow further
    #[arg(long, value_name = "AXIS=VALUE", conflicts_with = "names")]
    pub(crate) only: Vec<String>,
    /// How many designs
    #[arg(long, value_enum, default_value_t, conflicts_with = "names")]
    pub(crate) design: Coverage,
    /// The floors too
    #[arg(long, conflicts_with = "names")]
    pub(crate) floors: bool,
    /// Build again what is fresh
    #[arg(long)]
    force: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Builds, and prints a row per arm: name, built or fresh, seconds, size.
pub fn run(args: &Args) -> Result<()> {
    let axes = Axes::read()?;
    let arms = chosen(&axes, args, &Peers::default())?;
    let rebuild = if args.force {
        Rebuild::Always
    } else {
        Rebuild::Stale
    };
    let built = build(&axes, &arms, rebuild, &mut told)?;
    measure::show(&printed(&built, args.format)?)
}

fn printed(built: &[Built], format: Format) -> Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(built)? + "\n",
        Format::Text => people_table(built).text(),
        Format::Md => people_table(built).markdown(),
        Format::Csv => csv(built),
    })
}

fn people_table(built: &[Built]) -> Table {
    let mut table = Table::new(["name", "state", "seconds", "MiB"]);
    for built in built {
        table.row(vec![
            built.arm.name(),
            state(built).to_owned(),
            format!("{:.1}", built.build_s),
            format!("{:.2}", built.size_bytes as f64 / f64::from(1 << 20)),
        ]);
    }
    table
}

fn csv(built: &[Built]) -> String {
    let mut table = Table::new(["name", "state", "build_s", "size_bytes", "sha256", "path"]);
    for built in built {
        table.row(vec![
            built.arm.name(),
            state(built).to_owned(),
            built.build_s.to_string(),
            built.size_bytes.to_string(),
            built.sha256.clone(),
            built.path.display().to_string(),
        ]);
    }
    table.csv()
}

fn state(built: &Built) -> &'static str {
    if built.fresh { "fresh" } else { "built" }
}

/// The arms that are named, or every design that fits, and the peers beside it.
pub(crate) fn chosen(axes: &Axes, args: &Args, peers: &Peers) -> Result<Vec<Arm>> {
    if !args.names.is_empty() {
        return peers.arms(axes, &args.names);
    }
    let only = args
        .only
        .iter()
        .map(|text| axes.condition(text))
        .collect::<Result<Vec<_>>>()?;
    let fits = |design: &Design| {
        only.iter()
            .all(|(axis, value)| design.value(axis) == Some(value))
    };
    let designs = args
        .design
        .of(axes.designs().into_iter().filter(fits).collect());
    ensure!(
        !designs.is_empty(),
        "failed to find a design with {}; `cargo matrix list` shows all",
        args.only.join(" and ")
    );
    let backends: Vec<_> = designs
        .iter()
        .flat_map(Design::values)
        .map(str::to_owned)
        .collect();
    let floors = axes.floors().into_iter().filter(|floor| {
        args.floors && matches!(floor, Arm::Floor(backend) if backends.contains(backend))
    });
    let floors: Vec<_> = floors.collect();
    let arms = designs.into_iter().map(Arm::Design).chain(floors);
    Ok(arms.chain(peers.all()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(args: Args) -> Result<Vec<String>> {
        let axes = Axes::read()?;
        Ok(chosen(&axes, &args, &Peers::default())?
            .iter()
            .map(Arm::name)
            .collect())
    }

    fn only(conditions: &[&str]) -> Args {
        Args {
            only: conditions.iter().map(|&text| text.to_owned()).collect(),
            ..Args::default()
        }
    }

    #[test]
    fn everything_is_every_design() {
        assert_eq!(
            names(Args::default()).unwrap().len(),
            Axes::read().unwrap().designs().len()
        );
    }

    #[test]
    fn only_narrows_axis_by_axis() {
        let mut of_both = names(Args::default()).unwrap();
        of_both.retain(|name| name.starts_with("epoll+split+"));
        assert!(of_both.contains(&"epoll+split+mimalloc".to_owned()));
        let narrowed = names(only(&["backend=epoll", "buffers=split"])).unwrap();
        assert_eq!(narrowed, of_both);
        for (text, says) in [
            ("epoll", "write it as AXIS=VALUE"),
            (
                "backed=epoll",
                "there is backend, buffers, allocator, policy",
            ),
            ("backend=kqueue", "there is epoll, uring"),
        ] {
            let error = names(only(&[text])).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let both = names(only(&["backend=epoll", "backend=uring"]))
            .unwrap_err()
            .to_string();
        assert!(both.contains("backend=epoll and backend=uring;"), "{both}");
    }

    #[test]
    fn pairs_of_values_are_met_with_fewer_designs() {
        let pairwise = |only| Args {
            design: Coverage::Pairwise,
            ..only
        };
        let everything = names(Args::default()).unwrap();
        let chosen = names(pairwise(Args::default())).unwrap();
        assert!(chosen.len() < everything.len());
        assert!(chosen.iter().all(|name| everything.contains(name)));
        // Where two axes are left, every design is the pair of its values.
        let of_two = ["backend=epoll", "policy=balanced"];
        assert_eq!(
            names(pairwise(only(&of_two))).unwrap(),
            names(only(&of_two)).unwrap()
        );
    }

    #[test]
    fn named_arms_come_in_the_order_given() {
        let args = Args {
            names: vec!["uring+flat+system".into(), "epoll+flat+system".into()],
            ..Args::default()
        };
        assert_eq!(
            names(args).unwrap(),
            ["uring+flat+system", "epoll+flat+system"]
        );
    }

    #[test]
    fn a_row_says_name_state_time_and_size_in_every_format() {
        let built = [Built {
            arm: Arm::Floor("epoll".to_owned()),
            path: "/x".into(),
            sha256: "ab".to_owned(),
            size_bytes: 3 << 19,
            fresh: false,
            build_s: 12.34,
        }];
        let printed = |format| printed(&built, format).unwrap();
        assert_eq!(
            printed(Format::Text),
            "name         state  seconds   MiB\nepoll+floor  built     12.3  1.50\n"
        );
        assert!(printed(Format::Md).ends_with("| epoll+floor | built | 12.3 | 1.50 |\n"));
        assert!(printed(Format::Csv).ends_with("epoll+floor,built,12.34,1572864,ab,/x\r\n"));
        let json: serde_json::Value = serde_json::from_str(&printed(Format::Json)).unwrap();
        assert_eq!(json[0]["arm"], "epoll+floor");
    }
}
