//! Licences, sources and bans of every dependency; advisories when their database can be fetched.

use std::process::Command;

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, output, run};
use crate::tools::CARGO_DENY;

/// The workspaces whose dependencies are checked, by one and the same deny.toml. The fuzz targets are nobody's to run.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "matrix/peers/Cargo.toml"];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    CARGO_DENY.install(checkout)?;
    for manifest in MANIFESTS {
        run(&mut deny(
            checkout,
            manifest,
            &["--hide-inclusion-graph", "bans", "licenses", "sources"],
        ))?;
    }
    let fetched = output(&mut cargo(checkout, ["deny", "fetch", "db"]))?;
    if !fetched.status.success() {
        let why = String::from_utf8_lossy(&fetched.stderr);
        println!(
            "{}\nadvisories are NOT checked: their database could not be fetched",
            why.trim()
        );
        return Ok(Some("advisories NOT checked: no database".to_owned()));
    }
    for manifest in MANIFESTS {
        run(&mut deny(checkout, manifest, &["advisories"]))?;
    }
    Ok(None)
}

fn deny(checkout: &Checkout, manifest: &str, what: &[&str]) -> Command {
    let graph = [
        "deny",
        "--manifest-path",
        manifest,
        "--all-features",
        "--locked",
    ];
    let check = ["--config", "deny.toml", "check"];
    cargo(checkout, [&graph[..], &check, what].concat())
}
