//! Licences, sources and bans of every dependency; advisories when their database can be fetched.

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, output, run};
use crate::tools::CARGO_DENY;

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    CARGO_DENY.install(checkout)?;
    run(&mut cargo(
        checkout,
        [
            "deny",
            "--all-features",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ],
    ))?;
    let fetched = output(&mut cargo(checkout, ["deny", "fetch", "db"]))?;
    if !fetched.status.success() {
        let why = String::from_utf8_lossy(&fetched.stderr);
        println!(
            "{}\nadvisories are NOT checked: their database could not be fetched",
            why.trim()
        );
        return Ok(Some("advisories NOT checked: no database".to_owned()));
    }
    run(&mut cargo(
        checkout,
        ["deny", "--all-features", "check", "advisories"],
    ))?;
    Ok(None)
}
