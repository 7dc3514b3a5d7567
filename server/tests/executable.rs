//! The executable over real sockets, as somebody starts it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

#[path = "executable/contrib.rs"]
mod contrib;
#[path = "executable/inheriting.rs"]
mod inheriting;
#[path = "executable/leaving.rs"]
mod leaving;
#[path = "executable/limits.rs"]
mod limits;
#[path = "executable/listening.rs"]
mod listening;
#[path = "executable/logging.rs"]
mod logging;
#[path = "executable/manager.rs"]
mod manager;
#[path = "executable/memory.rs"]
mod memory;
#[path = "executable/running.rs"]
mod running;
#[path = "executable/scarcity.rs"]
mod scarcity;
#[path = "executable/serving.rs"]
mod serving;
#[path = "executable/slow.rs"]
mod slow;
#[path = "executable/stopping.rs"]
mod stopping;
#[path = "executable/workers.rs"]
mod workers;
