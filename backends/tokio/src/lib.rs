//! Drives a worker by tasks: one current-thread tokio runtime per worker, one task per connection.
//!
//! What is peculiar here: tokio reports readiness, so bytes are received into one buffer that all tasks of the thread
//! share, the kernel never holds memory of ours beyond a call, and an idle connection costs its task and no buffer. A
//! task tries to send and to receive at once and waits only where that would block; a short read tells tokio, as it
//! tells the backend epoll, that no more was there. What only io_uring has cannot be said: that a connection is to be
//! accepted or received from again and again, that the kernel is to choose the buffer, that a descriptor is registered.
//! Needs nothing but descriptors, four for each worker and one for each of its listeners.
//!
//! What was met in tokio 1.54 (<https://github.com/tokio-rs/tokio/issues>):
//!
//! - Its listeners accept nobody whose address is not one of IP, or not one of Unix sockets, and know of connections only
//!   what the last wait of the runtime said: they are waited for, and asked by a system call.
//! - A task that calls its socket more than 128 times in a poll is told to wait (the budget of `tokio::task::coop`); ours
//!   ends its polls after 16 calls, for the runtimes that have no such budget.
//! - No bug had to be worked around.

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "tokio";
