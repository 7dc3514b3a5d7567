//! Unit, integration and documentation tests of every package.

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    run(&mut cargo(
        checkout,
        ["test", "--locked", "--workspace", "--no-fail-fast"],
    ))?;
    Ok(None)
}
