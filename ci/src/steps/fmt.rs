//! The code is formatted; `cargo fmt` formats it, and with `--manifest-path FOLDER/Cargo.toml` what lies in `core/fuzz` and
//! `matrix/peers`, which are workspaces of their own.

use anyhow::Result;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, run};

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    run(&mut cargo(checkout, ["fmt", "--all", "--check"]))?;
    for manifest in ["core/fuzz/Cargo.toml", "matrix/peers/Cargo.toml"] {
        let others = ["fmt", "--all", "--check", "--manifest-path", manifest];
        run(&mut cargo(checkout, others))?;
    }
    Ok(None)
}
