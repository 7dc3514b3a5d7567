//! Unit, integration and documentation tests of every package; and the server's once more for every value of every axis
//! and for each buffer strategy below each kind of loop, since a build of the workspace holds one design only.

use anyhow::Result;

use super::Options;
use crate::checkout::{Checkout, SERVER};
use crate::run::{cargo, run};

/// A loop by readiness and one by completions: who owns bytes under way, and for how long, differs between them.
const LOOPS: [&str; 2] = ["epoll", "uring"];

/// Of what runs over sockets the compiler takes longer than the tests do, where it optimises: 11 s a design, and 3 s so.
const UNOPTIMISED: &str = "profile.dev.package.orthant.opt-level=0";

/// These tests wait for deadlines more than they compute: 17 s with a thread for each of two CPUs, 8 s with so many.
const THREADS: &str = "8";

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    run(&mut cargo(
        checkout,
        ["test", "--locked", "--workspace", "--no-fail-fast"],
    ))?;
    for values in checkout.designs_with_every_strategy(&LOOPS)? {
        let features = format!("command,{values}");
        // What runs over sockets; the tests beside the code are the same in every design.
        let design = [
            "--package",
            SERVER,
            "--test",
            "allocations",
            "--test",
            "executable",
            "--test",
            "library",
            "--no-default-features",
            "--features",
            &features,
            "--",
            "--test-threads",
            THREADS,
        ];
        run(&mut cargo(
            checkout,
            ["test", "--locked", "--config", UNOPTIMISED]
                .iter()
                .chain(&design),
        ))?;
    }
    Ok(None)
}
