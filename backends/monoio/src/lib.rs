//! Drives a worker by tasks over io_uring: one monoio runtime per worker, one task per connection.
//!
//! What is peculiar here: monoio completes operations on memory that it owns while they last. Bytes to send belong to
//! the worker, so what monoio owns is a pointer to them and a share in the worker; a send that is under way is never
//! abandoned, and a connection ends by shutting its socket down and waiting until its operations say that they are
//! over. To receive, a task waits until its socket is readable, an operation without memory, and then takes what is
//! there by a system call into one buffer that all tasks of the thread share: so an idle connection costs its task and
//! no buffer. Needs Linux 6.1 (SINGLE_ISSUER, DEFER_TASKRUN), a descriptor for each connection, and 28 KiB of locked
//! memory for each worker's ring where the kernel counts that. It cannot be said that an operation is to complete many
//! times (multishot), that the kernel is to choose the buffer, or that a descriptor or a buffer is registered.
//!
//! What was met in monoio 0.2.4, the latest release, and what is done about it; numbers are those of
//! <https://github.com/monoio-rs/monoio>:
//!
//! - Multishot operations (issue 340) and registered buffers (issue 38) are asked for, and not there.
//! - An accept that is dropped loses the connection that it accepts meanwhile, with its descriptor; mended after the
//!   release (pull request 318). So the listener is waited for, and then asked by a system call.
//! - A runtime that is dropped closes its ring, waits for nothing that is under way (since pull request 245), and frees
//!   the memory of operations that were dropped before. So what is lent is never freed unless it came back.
//! - A task that waits is known only to what it waits for, and that, a timer or an operation, lies in the task: nobody
//!   drops it when the runtime is dropped. So time is kept, and connections are accepted, in the future that is blocked
//!   on; the task of a connection is over before that is.
//! - A task that panics takes the thread with it (issue 314), as is wanted here; but tasks that wait stay, with their
//!   sockets, until the process ends.
//! - A socket that is dropped asks to be closed and at once to cancel that, which comes too late to do harm or good.
//! - The ring has 256 entries at least. A driver that is dropped leaks 16 bytes (pull request 380).

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "monoio";
