//! Lints, without warnings: each package alone, because together their features unify; and the server once per value.

use anyhow::Result;

use super::Options;
use crate::checkout::{Axis, Checkout, SERVER};
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    for package in checkout.packages() {
        clippy(checkout, &["--package", package.name.as_str()])?;
    }
    let axes = checkout.axes()?;
    let sets = covering(&axes);
    for values in &sets {
        let features = format!("command,{}", values.join(","));
        clippy(
            checkout,
            &[
                "--package",
                SERVER,
                "--no-default-features",
                "--features",
                &features,
            ],
        )?;
    }
    // As users of the library take it: without the command line.
    clippy(
        checkout,
        &[
            "--package",
            SERVER,
            "--no-default-features",
            "--features",
            &sets[0].join(","),
        ],
    )?;
    Ok(None)
}

fn clippy(checkout: &Checkout, choice: &[&str]) -> Result<()> {
    let arguments = ["clippy", "--quiet", "--locked", "--all-targets"]
        .iter()
        .chain(choice);
    run(&mut cargo(
        checkout,
        arguments.chain(&["--", "-D", "warnings"]),
    ))
}

/// As few designs as possible such that every value of every axis is in one.
fn covering(axes: &[Axis]) -> Vec<Vec<&str>> {
    let longest = axes.iter().map(|axis| axis.values.len()).max().unwrap_or(0);
    let value = |axis: &'_ Axis, at: usize| at % axis.values.len();
    (0..longest)
        .map(|at| {
            axes.iter()
                .map(|axis| axis.values[value(axis, at)].as_str())
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_covered() {
        let axis = |values: &[&str]| Axis {
            name: String::new(),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        };
        assert_eq!(
            covering(&[axis(&["a", "b"]), axis(&["c", "d", "e"])]),
            [["a", "c"], ["b", "d"], ["a", "e"]]
        );
    }
}
