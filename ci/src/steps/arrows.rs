//! Packages depend on each other as the architecture says.

use anyhow::{Result, ensure};

use super::Options;
use crate::arrows::{arrows, violations};
use crate::checkout::Checkout;

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let arrows = arrows(checkout)?;
    let wrong = violations(&arrows);
    ensure!(
        wrong.is_empty(),
        "failed to follow the arrows of the architecture:\n{}",
        wrong.join("\n")
    );
    Ok(Some(format!("{} arrows", arrows.len())))
}
