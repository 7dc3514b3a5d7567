//! The matrix: builds every design, drives the same load against each, records what it saw, says which differences are
//! real. It starts designs as processes and links none of the measured code.

pub mod arm;
pub mod attack;
pub mod axes;
pub mod bisect;
pub mod build;
pub mod campaign;
pub mod cli;
pub mod commands;
pub mod comparison;
pub mod config;
pub mod design;
pub mod distance;
pub mod error;
pub mod idle;
pub mod launch;
pub mod load;
pub mod machine;
pub mod need;
pub mod process;
pub mod quantity;
pub mod recommend;
pub mod record;
pub mod reduce;
pub mod report;
pub mod revision;
pub mod selftest;
pub mod sheet;
pub mod stats;
pub mod store;
pub mod table;
pub mod validity;
pub mod verdict;
pub mod workload;
pub mod workspace;
