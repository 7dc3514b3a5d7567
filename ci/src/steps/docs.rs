//! The documentation builds without warnings: every link leads somewhere.

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let mut doc = cargo(
        checkout,
        ["doc", "--quiet", "--locked", "--workspace", "--no-deps"],
    );
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(None)
}
