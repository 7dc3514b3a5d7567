//! The house style, as far as the text of the sources shows it, and tests that documents name.

use anyhow::{Result, ensure};

use super::Options;
use crate::checkout::Checkout;
use crate::rules::{broken_promises, check, sources};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let sources = sources(checkout)?;
    let mut found = check(&sources);
    found.errors.extend(broken_promises(checkout, &sources)?);
    for warning in &found.warnings {
        println!("warning: {warning}");
    }
    let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
    ensure!(
        errors.is_empty(),
        "failed to keep the house style:\n{}",
        errors.join("\n")
    );
    Ok(Some(format!(
        "{} files, {} warnings",
        sources.len(),
        found.warnings.len()
    )))
}
