//! Drives a worker by completions: one io_uring per thread, multishot accept, multishot receive.
//!
//! What is peculiar here: the kernel holds memory of ours between calls. Bytes to send belong to the worker, which keeps
//! them in place until `on_sent`; bytes received lie in a ring of buffers that the kernel picks from as data arrives, so
//! an idle connection costs no memory for receiving. An operation is asked for once and then completes many times, and
//! sockets are direct descriptors of the ring, not of the process. It cannot be said that a receive is to pause: it is
//! cancelled, and what came meanwhile is kept; nor whom a multishot accept gives, nor how many: near the limit, and where
//! peers are to be known, some single accepts take its place. Needs Linux 6.0, and is at its best from 6.1 on
//! (SINGLE_ISSUER, DEFER_TASKRUN); needs 40 KiB of locked memory for each worker's ring where the kernel counts that.

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "uring";
