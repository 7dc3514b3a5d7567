//! Every value compiles with all that it meets; none or two values on an axis do not, and the compiler says what to choose.
//!
//! Allocators and their policies are types that meet neither backends nor buffers. So every backend is compiled with every
//! strategy and the first allocator, and every allocator with every policy and the first of the rest.

use std::process::Command;

use anyhow::{Result, ensure};

use super::Options;
use crate::checkout::{Axis, Checkout, SERVER};
use crate::run::{cargo, output, printed, run, shown};
use crate::tools::CARGO_HACK;

/// The package that has the workloads of allocators.
const HARNESS: &str = "orthant-harness";

/// The axes whose values meet each other alone.
const APART: [&str; 2] = ["allocator", "policy"];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    CARGO_HACK.install(checkout)?;
    // Whether cargo-hack walks the designs that the matrix builds is a test of the matrix that needs cargo-hack.
    run(&mut cargo(
        checkout,
        [
            "test",
            "--quiet",
            "--locked",
            "--package",
            "orthant-matrix",
            "--test",
            "hack_args",
            "--",
            "--ignored",
        ],
    ))?;
    let axes = checkout.axes()?;
    let apart = axes.iter().filter(|axis| APART.contains(&&axis.name[..]));
    let only = apart.flat_map(|axis| {
        [
            "--only".to_owned(),
            format!("{}={}", axis.name, axis.values[0]),
        ]
    });
    let mut list = cargo(checkout, ["matrix", "list", "--hack-args"]);
    let arguments = printed(list.args(only))?;
    // Without arguments cargo-hack checks the default features and is content.
    ensure!(
        arguments.contains("--feature-powerset"),
        "failed to understand `cargo matrix list --hack-args`: {arguments}"
    );
    let check = ["hack", "check", "--quiet", "--locked", "--package", SERVER];
    run(cargo(checkout, check).args(arguments.split_whitespace()))?;
    for values in checkout.designs_with_every_pair(APART)? {
        run(&mut check_of(checkout, &values))?;
    }
    run(&mut check_of(
        checkout,
        "epoll,split,slab,balanced,hardened",
    ))?;
    let allocators = axes.iter().filter(|axis| axis.name == "allocator");
    let allocators = allocators.flat_map(|axis| &axis.values);
    for allocator in allocators.map(String::as_str).chain(["slab,hardened"]) {
        let features = format!("harness,{allocator},balanced");
        let mut command = cargo(checkout, ["check", "--quiet", "--locked", "--package"]);
        command.args([HARNESS, "--no-default-features", "--features", &features]);
        run(&mut command)?;
    }
    let mut wrong = wrong(&axes);
    wrong.push(Wrong {
        values: vec!["epoll", "split", "system", "balanced", "hardened"],
        named: vec!["slab", "hardened"],
    });
    for choice in &wrong {
        must_fail(checkout, choice)?;
    }
    Ok(Some(format!("{} wrong choices refused", wrong.len())))
}

/// Values of which no design is made.
#[derive(Debug, PartialEq, Eq)]
struct Wrong<'a> {
    values: Vec<&'a str>,
    /// What the compiler must name when it says what to choose.
    named: Vec<&'a str>,
}

/// For each axis: a choice with no value on it, and one with two; all other axes have their first.
fn wrong(axes: &[Axis]) -> Vec<Wrong<'_>> {
    let mut wrong = Vec::new();
    for axis in axes {
        let others = axes
            .iter()
            .filter(|other| other.name != axis.name)
            .map(|other| other.values[0].as_str());
        let others: Vec<_> = others.collect();
        let named: Vec<_> = axis.values.iter().map(String::as_str).collect();
        let two = named.get(..2).map(<[_]>::to_vec);
        wrong.push(Wrong {
            values: others.clone(),
            named,
        });
        wrong.extend(two.map(|named| Wrong {
            values: [others, named.clone()].concat(),
            named,
        }));
    }
    wrong
}

/// `cargo check` of the server with these values.
fn check_of(checkout: &Checkout, values: &str) -> Command {
    let features = format!("command,{values}");
    cargo(
        checkout,
        [
            "check",
            "--quiet",
            "--locked",
            "--package",
            SERVER,
            "--no-default-features",
            "--features",
            &features,
        ],
    )
}

fn must_fail(checkout: &Checkout, choice: &Wrong<'_>) -> Result<()> {
    let mut command = check_of(checkout, &choice.values.join(","));
    let output = output(&mut command)?;
    ensure!(
        !output.status.success(),
        "failed to refuse `{}`: add the sentence to server/src/design.rs",
        shown(&command)
    );
    let says = String::from_utf8_lossy(&output.stderr);
    ensure!(
        says.lines().any(|line| chooses(line, &choice.named)),
        "failed to say what to choose: `{}` must end with an error that begins with `choose` and names {}, but says\n{says}",
        shown(&command),
        choice.named.join(", ")
    );
    Ok(())
}

/// Whether a line of the compiler's output is the sentence that says what to choose.
fn chooses(line: &str, named: &[&str]) -> bool {
    line.starts_with("error: choose ") && named.iter().all(|value| line.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_axis_is_tried_with_none_and_with_two() {
        let axis = |name: &str, values: &[&str]| Axis {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            unnamed: None,
        };
        let axes = [
            axis("x", &["a", "b"]),
            axis("y", &["c", "d", "e"]),
            axis("z", &["f"]),
        ];
        let tried: Vec<_> = wrong(&axes)
            .iter()
            .map(|wrong| (wrong.values.join(","), wrong.named.join(",")))
            .collect();
        let expected = [
            ("c,f", "a,b"),
            ("c,f,a,b", "a,b"),
            ("a,f", "c,d,e"),
            ("a,f,c,d", "c,d"),
            ("a,c", "f"),
        ];
        assert_eq!(
            tried,
            expected.map(|(values, named)| (values.to_owned(), named.to_owned()))
        );
    }

    #[test]
    fn the_sentence_says_choose_and_names_the_values() {
        assert!(chooses(
            "error: choose a backend by one of the features: epoll uring",
            &["epoll", "uring"]
        ));
        assert!(!chooses(
            "error: choose a backend by one of the features: epoll",
            &["epoll", "uring"]
        ));
        assert!(!chooses(
            "error[E0432]: unresolved import `backend::{epoll, uring}`",
            &["epoll", "uring"]
        ));
    }
}
