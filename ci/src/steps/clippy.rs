//! Lints, without warnings: each package alone, because together their features unify; and the server once per value.
//! Those of the peers do not, and they are checked together.

use anyhow::Result;

use super::Options;
use crate::checkout::{Checkout, SERVER};
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    for package in checkout.packages() {
        clippy(checkout, &["--package", package.name.as_str()])?;
    }
    let target = checkout.target().join("peers").display().to_string();
    clippy(
        checkout,
        &[
            "--manifest-path",
            "matrix/peers/Cargo.toml",
            "--target-dir",
            &target,
            "--workspace",
        ],
    )?;
    let designs = checkout.covering_designs()?;
    for values in &designs {
        clippy_server(checkout, &format!("command,{values}"))?;
    }
    clippy_server(checkout, "command,epoll,split,slab,balanced,hardened")?;
    // As users of the library take it: without the command line.
    clippy_server(checkout, &designs[0])?;
    Ok(None)
}

fn clippy_server(checkout: &Checkout, features: &str) -> Result<()> {
    let package = ["--package", SERVER, "--no-default-features", "--features"];
    clippy(checkout, &[&package[..], &[features]].concat())
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
