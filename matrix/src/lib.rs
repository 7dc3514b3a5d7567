//! The matrix: builds every design, drives the same load against each, records what it saw, says which differences are
//! real. It starts designs as processes and links none of the measured code.

pub mod arm;
pub mod axes;
pub mod build;
pub mod commands;
pub mod design;
pub mod load;
pub mod stats;
pub mod workload;
pub mod workspace;
