//! One file per subcommand of `cargo matrix`: its arguments, and what it prints.

pub mod attack;
pub mod build;
pub mod check;
pub mod compare;
pub mod doctor;
pub mod idle;
pub mod list;
mod measure;
mod peers;
pub mod quick;
pub mod report;
pub mod run;
pub mod selftest;
pub mod sweep;
