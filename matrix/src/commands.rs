//! One file per subcommand of `cargo matrix`: its arguments, and what it prints.

pub mod build;
pub mod list;
