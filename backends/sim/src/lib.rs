//! Drives a worker in virtual time, with seeded faults, and judges every answer: for tests alone, never a value of the
//! axis `backend`.
//!
//! What no socket shows twice shows here as often as wanted: input cut anywhere, sends that take a part or nothing or end
//! after everything else, resets in every state, clients that stall, read slowly or not at all, limits and pools too small
//! for who comes, stopping at any moment, completions for connections that are no more. One seed is one run, the same each
//! time and everywhere.
//!
//! ```text
//!   seed ─▶ scenario: limits, clients' scripts ─▶ run, once per buffer strategy ─▶ per connection: oracle ─▶ compared
//!                                                   │  after each turn: promises kept?
//!                                                   └▶ counts of every kind of fault and answer: none may be missing
//! ```
//! Unlike its siblings it has no kernel, no sockets of its own and no `run` for a server to call.

mod campaign;
pub mod cli;
mod counts;
mod oracle;
mod random;
mod run;
mod scenario;
mod script;
mod seed;
mod shop;
mod socket;

pub use campaign::{Outcome, Until, run_seeds, shrink};
pub use counts::{Counts, Kind};
pub use scenario::Part;
pub use seed::{Failure, Trace, run_seed};

#[cfg(test)]
mod tests;
