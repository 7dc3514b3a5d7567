//! A small, strict, fast HTTP server. Choose one feature per axis — a backend, a buffer strategy, an allocator, its
//! release policy — and call [`serve`] with a [`Handler`].
//!
//! Each worker is a thread of its own with its own listeners, connections and copy of the handler; they share nothing but
//! sockets that can be had once only. The allocator is yours to install:
//! `#[global_allocator] static ALLOCATOR: orthant::Allocator = orthant::ALLOCATOR;`

#![deny(unsafe_code)]

mod access;
mod admin;
mod clock;
mod design;
mod error;
mod format;
mod listen;
mod listeners;
mod manager;
mod metrics;
mod needs;
mod options;
mod resting;
mod serve;
mod server;
mod signals;
mod stderr;
#[expect(unsafe_code, reason = "its place, and there is no other")]
mod sys;
mod watch;

pub use access::AccessLog;
pub use design::{ALLOCATOR, Allocator, Design, Tuning};
pub use error::Error;
pub use format::Format;
pub use listen::Listen;
pub use log::LevelFilter;
pub use options::Options;
pub use orthant_core::{
    Answer, Budget, Buffers, Counters, Handler, Head, Id, Limit, Limits, MediaType, Method, Out,
    Outcome, Piece, Plan, Request, Status, Version,
};
pub use serve::{Event, serve, serve_with};
pub use server::Server;

pub use stderr::log_to_stderr;

/// Bytes of a worker's memory that an idle connection takes in this design, by the types of `H` and of the buffers. What
/// the backend keeps of its socket comes on top, and what the kernel does.
pub const fn idle_connection_bytes<H: Handler>() -> usize {
    orthant_core::Worker::<H, design::Chosen>::IDLE_CONNECTION_BYTES
}

/// The most memory that clients can make a worker take in this design, with these options. What the backend takes is said
/// by `Tuning::needs`, what logs and the admin address take by `log_bytes_max` and `admin_bytes_max`; what the application
/// keeps of its own is not counted.
pub fn budget<H: Handler>(options: &Options) -> Budget {
    match options.access_log {
        None => orthant_core::Worker::<H, design::Chosen>::budget(&options.limits),
        Some(_) => {
            orthant_core::Worker::<access::Logged<H>, design::Chosen>::budget(&options.limits)
        }
    }
}

/// Bytes that the access log takes for each worker, where there is one.
pub fn log_bytes_max(options: &Options) -> usize {
    let log = options.access_log.as_ref();
    log.map_or(0, |_| access::worker_bytes(options.limits.connections_max))
}

/// Bytes that clients of the admin address can make it take, where there is one.
pub fn admin_bytes_max(options: &Options, workers: usize) -> usize {
    options.admin.map_or(0, |_| admin::bytes_max(workers))
}

/// The most bytes that the regions of a worker take in this design, with these limits.
pub const fn regions_bytes_max(limits: &Limits) -> usize {
    limits.regions_bytes_max(<design::Chosen as Buffers>::OWN_BYTES_MAX)
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
