//! The code is formatted; `cargo fmt` formats it.

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    run(&mut cargo(checkout, ["fmt", "--all", "--check"]))?;
    Ok(None)
}
