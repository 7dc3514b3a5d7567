//! The engine in virtual time, with seeded faults and every answer judged: ten million events, the same ones each time. It
//! fails as well when some kind of fault or of answer did not occur, since then it would not be looked at any more.
//!
//! `soak-sim` runs other seeds than these, for as long as wanted, and says where to go on.

use anyhow::{Context, Result, bail, ensure};

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, output, run};

const RUN: [&str; 6] = [
    "run",
    "--quiet",
    "--locked",
    "--package",
    "orthant-sim",
    "--",
];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let events = ["--events", "10000000", "--cover"];
    let output = output(&mut cargo(checkout, RUN.iter().chain(&events)))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        // What happened before the failure, a line for each thing.
        print!("{said}");
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{}", complaint.trim().trim_start_matches("error: "));
    }
    Ok(said.lines().last().map(str::to_owned))
}

pub(super) fn soak(checkout: &Checkout, options: Options) -> Result<Option<String>> {
    let seeds = options
        .seeds
        .context("failed to soak: say how long by --seeds N")?;
    ensure!(seeds > 0, "failed to soak for no seeds: say more than 0");
    let first_seed = options.first_seed.unwrap_or(1);
    let [seeds, first_seed] = [seeds, first_seed].map(|number| number.to_string());
    let many = ["--seeds", &seeds, "--first-seed", &first_seed, "--progress"];
    run(&mut cargo(checkout, RUN.iter().chain(&many)))?;
    Ok(None)
}
