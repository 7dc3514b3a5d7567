//! Drives a worker by tasks on io_uring: one glommio executor per worker, one task per connection.
//!
//! What is peculiar here: a stream of glommio is readiness in disguise. It calls `recv` and `send` at once, by reference
//! and without a copy, and asks the ring only to tell when the socket is ready (POLL_ADD): after a short read, or where
//! a call would block. So the kernel never holds memory of ours beyond a call; bytes are received into one buffer that
//! all tasks of the thread share, and an idle connection costs its task and glommio's record of the poll under way, less
//! than a KiB together, and no buffer. Nothing is boxed here per request, but glommio allocates that record anew for
//! each poll. Multishot operations, provided buffers, registered descriptors and setup flags of a ring cannot be said;
//! without the flags each event interrupts the thread, and a turn of the loop enters the kernel some eight times, since
//! an executor has three rings and arms and cancels two timers to preempt tasks. Needs Linux 5.8, and 512 KiB of lockable
//! memory (`ulimit -l 512`): glommio does not start with less (DataDog/glommio#606), although rings count there up to
//! Linux 5.11 and from 6.14 on only. The 64 KiB for files that it registers with each of the rings are not missed where
//! the limit is too low for them (DataDog/glommio#565).
//!
//! What glommio 0.9.0 makes others pay for, and what is done about it here:
//! - Its accept makes the listener non-blocking and blocking again, three calls more per connection (glommio/glommio#48),
//!   and loses what the kernel accepts while it is given up: a call of ours accepts, glommio only says when.
//! - An executor leaks the tasks that it is dropped with: every task is ended before. It also leaks an eventfd
//!   (DataDog/glommio#448, glommio/glommio#40): one descriptor for each worker that has ended.
//! - An executor that is preempted before it has run anything parks although tasks could run (glommio/glommio#53). Not
//!   seen here, with the smallest rings either; what has a deadline, and so every connection, would end such a sleep.
//! - The first sleep of a process takes 10 ms (membarrier(2)): it is over before the first client is served.
//! - After a read it arms a poll whether or not more will be read (glommio/glommio#73), which a server that answers would
//!   do anyway. The wait before parking (`spin_before_park`) is ignored for a thread that glommio has not bound itself.

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "glommio";
