//! Drives a worker by tasks: one tokio-uring runtime per worker, one task per connection. Tokio's readiness says when
//! there is something to receive, the ring sends.
//!
//! What is peculiar here: the kernel holds the bytes of a send between calls. They belong to the worker, which keeps
//! them in place until `on_sent`; the send holds a count on the worker's owner and on the socket, and it is never
//! abandoned, since dropping a future of this runtime cancels nothing. Bytes received lie in one buffer that all tasks
//! of the thread share, so an idle connection costs its task and no buffer. Needs Linux 5.10, descriptors, and 28 KiB of
//! locked memory for each worker's ring where the kernel counts that. The ring's descriptor stands in tokio's epoll
//! instance, which says that there are completions: so DEFER_TASKRUN stops the runtime, because nobody asks the kernel to
//! make them. It cannot express multishot operations (issue 238), registered buffer rings (pull request 245) or direct
//! descriptors.
//!
//! Receiving by readiness, because it takes 11 % less CPU per request at depth 1 than a receive under way into room of
//! 4 KiB (98.5 % interval 8 to 14), no more at depth 16, and saves that room: an idle connection takes 0.7 KiB more than
//! with the backend epoll, where it took 4.6 KiB more. `backends/README.md` has the figures.
//!
//! What else of tokio-uring 0.5.0 shows here (<https://github.com/tokio-rs/tokio-uring/issues>):
//!
//! - An accept that is dropped loses the descriptor that it may get (129), and once made the runtime wait for ever when
//!   it was dropped (102). Connections are accepted by readiness.
//! - Its `TcpListener::accept` panics for a client that has gone (83); its own streams are not used here.
//! - A runtime that is dropped with operations under way cancels them and waits, but drops what they own before that,
//!   while the kernel may still use it (no issue found). `run` therefore lets the worker outlive the runtime.
//! - What the kernel says when the queue is handed over is ignored (115): where it has no memory for a request, the queue
//!   waits for the next event.
//! - The queue is handed over when no task has anything to do, and not before unless it is full (pull request 78 says
//!   so): with 200 uploads that never pause, an answer waited until they ended. So a connection that has received a few
//!   times, and the listener after some connections, wait for the ring.
//! - The panic of a task is caught and forgotten; `Tasks` passes it on.
//! - It has had no release since May 2024 and has no maintainer (336).

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "tokio-uring";
