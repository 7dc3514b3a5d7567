//! `cargo matrix list`: every design, and why a combination is excluded.

use anyhow::Result;

use crate::axes::Axes;

/// List every design, and why a combination is excluded
///
/// Example: cargo matrix list
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Print the arguments that make cargo-hack walk exactly these designs of package orthant
    #[arg(long)]
    hack_args: bool,
}

/// Prints the designs, the floors and what is excluded.
pub fn run(args: &Args) -> Result<()> {
    let axes = Axes::read()?;
    if args.hack_args {
        println!("{}", axes.hack_args()?.join(" "));
        return Ok(());
    }
    for design in axes.designs() {
        println!("{design}");
    }
    for floor in axes.floors() {
        println!("{floor}");
    }
    for (design, because) in axes.excluded() {
        println!("{design}: excluded because {because}");
    }
    Ok(())
}
