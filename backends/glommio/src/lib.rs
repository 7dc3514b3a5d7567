//! Drives a worker by tasks on io_uring: one glommio executor per worker, one task per connection.
//!
//! What is peculiar here: a stream of glommio is readiness in disguise. It calls `recv` and `send` at once, by reference
//! and without a copy, and asks the ring only to tell when the socket is ready (POLL_ADD): after a short read, or where
//! a call would block. So the kernel never holds memory of ours beyond a call; bytes are received into one buffer that
//! all tasks of the thread share, and an idle connection costs its task and glommio's record of the poll under way, less
//! than a KiB together, and no buffer. Nothing is boxed here per request, but glommio allocates that record anew for
//! each poll. Multishot operations, provided buffers, registered descriptors and setup flags of a ring cannot be said;
//! without the flags each event interrupts the thread, and a turn of the loop enters the kernel some eight times, since
//! an executor has three rings and arms and cancels two timers to preempt tasks.
//!
//! Needs Linux 5.8, and 512 KiB of lockable memory (`ulimit -l 512`): glommio does not start with less
//! (DataDog/glommio#606), although rings count there up to Linux 5.11 only. The 64 KiB for files that it registers with
//! each of the rings are not missed where the limit is too low for them (DataDog/glommio#565).
//!
//! What glommio 0.9.0 makes others pay for, and what is done about it here:
//! - Its accept makes the listener non-blocking and blocking again, three calls more per connection (glommio/glommio#48),
//!   and loses what the kernel accepts while it is given up: std accepts, glommio only says when.
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

use orthant_core::Limits;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "glommio";

/// Lockable memory that glommio demands before it makes a ring (`Reactor::new`).
const LOCKABLE_BYTES: u64 = 512 * 1024;

/// Descriptors that the process has open with one worker before the first connection, rounded up: three rings, an
/// eventfd, the listener and a copy of it, both ends of the stop signal and a copy, both ends of what signals come by,
/// and the standard three.
const DESCRIPTORS: u64 = 16;

/// IORING_FEAT_FAST_POLL, which came with Linux 5.7.
const FAST_POLL: u32 = 1 << 5;

/// Says whether this machine can run the backend: asks for what glommio asks for.
///
/// # Errors
/// A sentence that says what to do.
pub fn available(tuning: &Tuning, _: &Limits) -> Result<(), String> {
    let told = |error| format!("failed to read a limit of this process: {error}");
    enough_descriptors(sys::limit(libc::RLIMIT_NOFILE).map_err(told)?)?;
    let features = sys::try_ring(tuning.ring_entries as u32)
        .map_err(|error| refused(&error, tuning.ring_entries))?;
    if features & FAST_POLL == 0 {
        return Err(
            "this kernel's io_uring is too old: run Linux 5.8 or newer, or choose a design with the backend epoll"
                .to_owned(),
        );
    }
    enough_lockable(sys::limit(libc::RLIMIT_MEMLOCK).map_err(told)?)
}

fn enough_descriptors(allowed: u64) -> Result<(), String> {
    if allowed >= DESCRIPTORS {
        return Ok(());
    }
    Err(format!(
        "a worker on glommio needs {DESCRIPTORS} descriptors besides one for each connection, and {allowed} are allowed: \
         raise the limit by `ulimit -n {}`, or higher",
        2 * DESCRIPTORS
    ))
}

fn enough_lockable(allowed_bytes: u64) -> Result<(), String> {
    if allowed_bytes >= LOCKABLE_BYTES {
        return Ok(());
    }
    Err(format!(
        "glommio needs {} KiB of lockable memory (RLIMIT_MEMLOCK), and {} are allowed: raise the limit by \
         `ulimit -l {}`, or choose a design with the backend epoll",
        LOCKABLE_BYTES / 1024,
        allowed_bytes / 1024,
        LOCKABLE_BYTES / 1024
    ))
}

/// What to do when the kernel makes no ring.
fn refused(error: &std::io::Error, ring_entries: usize) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM) => {
            "io_uring is denied here: set the sysctl kernel.io_uring_disabled to 0, or allow io_uring_setup in the \
             seccomp profile of the container, or choose a design with the backend epoll"
                .to_owned()
        }
        Some(libc::ENOSYS) => {
            "this kernel has no io_uring: run Linux 5.8 or newer, or choose a design with the backend epoll".to_owned()
        }
        Some(libc::ENOMEM) => format!(
            "there is not enough lockable memory for a ring of {ring_entries} entries: raise the limit by `ulimit -l {}`, \
             lower --tune ring-entries, or choose a design with the backend epoll",
            2 * LOCKABLE_BYTES / 1024
        ),
        _ => format!("failed to set up io_uring: {error}; choose a design with the backend epoll"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_little_is_told_with_the_command_that_raises_it() {
        assert_eq!(enough_descriptors(DESCRIPTORS), Ok(()));
        assert_eq!(enough_lockable(LOCKABLE_BYTES), Ok(()));
        let told = [
            enough_descriptors(DESCRIPTORS - 1),
            enough_lockable(LOCKABLE_BYTES - 1),
        ];
        let [Err(descriptors), Err(lockable)] = told else {
            panic!("it takes too little: {told:?}");
        };
        assert!(descriptors.contains("`ulimit -n 32`"), "{descriptors}");
        assert!(lockable.contains("`ulimit -l 512`"), "{lockable}");
    }
}
