//! The code is formatted; `cargo fmt` formats it, and `cargo fmt --manifest-path core/fuzz/Cargo.toml` the fuzz targets.

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    run(&mut cargo(checkout, ["fmt", "--all", "--check"]))?;
    let fuzz = ["fmt", "--check", "--manifest-path", "core/fuzz/Cargo.toml"];
    run(&mut cargo(checkout, fuzz))?;
    Ok(None)
}
