//! The worker as a loop sees it, on simulated time: requests in any pieces, answers out in any pieces.

mod bounds;
mod client;
mod conversations;
mod counting;
mod deadlines;
mod faults;
mod hooks;
mod requests;
mod scarcity;
mod sections;
mod sharing;
mod streams;
mod tricks;

use client::{Client, Shop};

use super::*;
use crate::{Count, Fault, Flat, Leased, Split};

/// Runs a test against every buffer strategy.
macro_rules! every_strategy {
    ($($name:ident)*) => {
        mod flat {
            $(#[test] fn $name() { super::$name::<crate::Flat>(); })*
        }
        mod split {
            $(#[test] fn $name() { super::$name::<crate::Split>(); })*
        }
        mod leased {
            $(#[test] fn $name() { super::$name::<crate::Leased>(); })*
        }
    };
}
use every_strategy;
