//! The engine of one worker thread of an HTTP server, without I/O.
//!
//! A backend owns the sockets, the loop and the time; it tells a [`Worker`] what happened (`on_bytes`, `on_sent`, `tick`)
//! and reads from the returned [`Want`] what to do next. The worker parses, asks the [`Handler`] and keeps the bytes to
//! send in the regions of a buffer strategy ([`Flat`], [`Split`], [`Leased`]). It never sees a descriptor, a clock or a waker, and it
//! allocates nothing per request once a connection is warm.
//!
//! ```text
//!  backend ──on_bytes──▶ Worker ─▶ Connection ─▶ head, chunked ─▶ Handler
//!     ▲                    │            │                            │
//!     └──pending/on_sent───┴── Buffers ◀┴─────────── Answer ◀────────┘
//! ```

#![deny(unsafe_code)]

mod accept;
mod answer;
mod budget;
mod buffers;
mod chunked;
mod clock;
mod connection;
mod counters;
mod error;
mod handler;
mod head;
pub mod limits;
mod needs;
mod out;
mod scan;
pub mod setting;
mod slab;
mod want;
mod wheel;
mod worker;

pub use accept::{REST_MS, Refused};
pub use answer::{Answer, Answered, MediaType, Outcome, Status, Unanswered};
pub use budget::Budget;
pub use buffers::{Buffers, Flat, Leased, Pool, Reserve, Split, Tiered};
pub use clock::Now;
pub use counters::{Count, Counters, Timeout};
pub use error::{CloseReason, Fault};
pub use handler::{Handler, Over, Piece, Plan, Request};
pub use head::{Fields, Framing, Head, Method, Progress, RequestLine, Version, parse};
pub use limits::{BACKLOG_MAX, Limit, Limits, UNSENT_LOW_BYTES};
pub use needs::{Needs, TASK_BYTES, ring_bytes};
pub use out::Out;
pub use slab::Id;
pub use want::Want;
pub use worker::{Ended, Worker};
