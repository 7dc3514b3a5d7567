//! Every design compiles; none or two values on an axis do not, and the compiler says what to choose.

use anyhow::{Result, ensure};

use super::Options;
use crate::checkout::{Axis, Checkout, SERVER};
use crate::run::{cargo, output, printed, run, shown};
use crate::tools::CARGO_HACK;

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
    let arguments = printed(&mut cargo(checkout, ["matrix", "list", "--hack-args"]))?;
    // Without arguments cargo-hack checks the default features and is content.
    ensure!(
        arguments.contains("--feature-powerset"),
        "failed to understand `cargo matrix list --hack-args`: {arguments}"
    );
    let check = ["hack", "check", "--quiet", "--locked", "--package", SERVER];
    run(cargo(checkout, check).args(arguments.split_whitespace()))?;
    let axes = checkout.axes()?;
    let refused = refused(&axes);
    for (axis, values) in &refused {
        must_fail(checkout, axis, values)?;
    }
    Ok(Some(format!("{} wrong choices refused", refused.len())))
}

/// For each axis: a choice with no value on it, and one with two; all other axes have their first.
fn refused(axes: &[Axis]) -> Vec<(&Axis, Vec<&str>)> {
    let mut refused = Vec::new();
    for axis in axes {
        let others = axes
            .iter()
            .filter(|other| other.name != axis.name)
            .map(|other| other.values[0].as_str());
        let others: Vec<_> = others.collect();
        refused.push((axis, others.clone()));
        if let [first, second, ..] = &axis.values[..] {
            refused.push((
                axis,
                others
                    .into_iter()
                    .chain([first.as_str(), second.as_str()])
                    .collect(),
            ));
        }
    }
    refused
}

fn must_fail(checkout: &Checkout, axis: &Axis, values: &[&str]) -> Result<()> {
    let features = format!("command,{}", values.join(","));
    let check = [
        "check",
        "--quiet",
        "--locked",
        "--package",
        SERVER,
        "--no-default-features",
        "--features",
        &features,
    ];
    let mut command = cargo(checkout, check);
    let output = output(&mut command)?;
    ensure!(
        !output.status.success(),
        "failed to refuse `{}`: add the sentence to server/src/design.rs",
        shown(&command)
    );
    let says = String::from_utf8_lossy(&output.stderr);
    ensure!(
        says.lines().any(|line| chooses(line, axis)),
        "failed to say what to choose: `{}` must end with an error that names {} and its values {}, but says\n{says}",
        shown(&command),
        axis.name,
        axis.values.join(", ")
    );
    Ok(())
}

/// Whether a line of the compiler's output is the sentence for this axis.
fn chooses(line: &str, axis: &Axis) -> bool {
    line.starts_with("error: ")
        && line.contains(&axis.name)
        && axis.values.iter().all(|value| line.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, values: &[&str]) -> Axis {
        Axis {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    #[test]
    fn each_axis_is_tried_with_none_and_with_two() {
        let axes = [axis("x", &["a", "b"]), axis("y", &["c", "d", "e"])];
        let tried: Vec<_> = refused(&axes)
            .into_iter()
            .map(|(axis, values)| (axis.name.as_str(), values.join(",")))
            .collect();
        let expected = [("x", "c"), ("x", "c,a,b"), ("y", "a"), ("y", "a,c,d")];
        assert_eq!(
            tried,
            expected.map(|(axis, values)| (axis, values.to_owned()))
        );
    }

    #[test]
    fn the_sentence_names_the_axis_and_every_value() {
        let axis = axis("backend", &["epoll", "uring"]);
        assert!(chooses("error: choose one backend: epoll or uring", &axis));
        assert!(!chooses("error: choose one backend: epoll", &axis));
        assert!(!chooses(
            "error[E0432]: unresolved import `backend::{epoll, uring}`",
            &axis
        ));
    }
}
