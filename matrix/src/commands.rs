//! One file per subcommand of `cargo matrix`: its arguments, and what it prints.

pub mod attack;
pub mod bisect;
pub mod build;
pub mod check;
pub mod compare;
pub mod count;
pub mod doctor;
pub mod effects;
pub mod export;
pub mod idle;
pub mod list;
mod measure;
pub mod pareto;
mod peers;
pub mod quick;
pub mod recommend;
mod records;
pub mod report;
pub mod run;
pub mod selftest;
pub mod soak;
pub mod sql;
pub mod sweep;
pub mod triage;
