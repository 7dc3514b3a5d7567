//! Drives a worker by tasks: one current-thread tokio runtime per worker, one task per connection.
//!
//! What is peculiar here: tokio reports readiness, so bytes are received into one buffer that all tasks of the thread
//! share, the kernel never holds memory of ours beyond a call, and an idle connection costs its task and no buffer. A
//! task tries to send and to receive at once and waits only where that would block; a short read tells tokio, as it
//! tells the backend epoll, that no more was there. It cannot be said that a connection is to be accepted or received
//! from without being asked each time. Needs nothing but descriptors.

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

use orthant_core::Needs;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "tokio";

/// What a worker takes: its listener, a copy of the stop signal, the epoll instance and a
/// copy of it, its waker.
pub fn needs(_: &Tuning) -> Needs {
    Needs::descriptors(5)
}
