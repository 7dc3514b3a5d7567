//! The unsafe code of our allocator under what watches memory and threads: AddressSanitizer and ThreadSanitizer, which only a
//! nightly compiler links. Where there is none, the summary says that nothing was run.
//!
//! The standard library comes without them. What it orders is unknown to ThreadSanitizer then, so that one runs a test
//! that uses nothing of it but the beginning and the end of threads. AddressSanitizer knows nothing of blocks of an allocator
//! that it does not replace: it sees what goes beyond mappings, and the hardened build, which is among the tests, some of the rest.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Options;
use crate::checkout::Checkout;
use crate::run::{printed, run};

const PACKAGE: &str = "orthant-slab";

/// A sanitizer, and the tests that it watches.
const SANITIZERS: [(&str, &[&str]); 2] = [
    ("address", &["handing", "blocks", "arbitrary", "hardened"]),
    ("thread", &["handing"]),
];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let ask = nightly(checkout, "rustc")
        .arg("-vV")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !ask.is_ok_and(|status| status.success()) {
        return Ok(Some(
            "NOT run: no nightly compiler (rustup toolchain install nightly)".to_owned(),
        ));
    }
    let version = printed(nightly(checkout, "rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("failed to find the host in what `rustc -vV` printed")?;
    for (sanitizer, tests) in SANITIZERS {
        let mut command = nightly(checkout, "cargo");
        command.args(["test", "--quiet", "--locked", "--release"]);
        command.args(["--package", PACKAGE, "--target", host]);
        command
            .arg("--target-dir")
            .arg(checkout.target().join("sanitize").join(sanitizer));
        for test in tests {
            command.args(["--test", test]);
        }
        // That the standard library is without is meant.
        let flags = format!("-Zsanitizer={sanitizer} -Cunsafe-allow-abi-mismatch=sanitizer");
        run(command.env("RUSTFLAGS", flags))?;
    }
    Ok(None)
}

/// A program of the nightly toolchain.
fn nightly(checkout: &Checkout, program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", program]);
    // Of the toolchain that runs this.
    command.env_remove("RUSTC").env_remove("CARGO");
    command.current_dir(checkout.root());
    command
}
