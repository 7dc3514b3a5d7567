//! The ring below a worker's runtime: how it is made, and what it needs.

use std::io;

use monoio::time::TimeDriver;
use monoio::{IoUringDriver, Runtime, RuntimeBuilder};
use orthant_core::Limits;
use rustix::io::Errno;
use rustix::process::{Resource, getpid, getrlimit};
use rustix::thread::sched_getaffinity;

use crate::tuning::Tuning;

/// Descriptors that a worker needs besides those of its connections: the ring, the listener twice, the stop signal; and
/// what a process has anyhow.
const OTHER_DESCRIPTORS: usize = 16;

/// A runtime for this thread, which alone may use it. Completions are handled where the thread waits for them and
/// nowhere else, so it is never interrupted for one.
///
/// # Errors
/// What is missing, and what to do.
pub(crate) fn runtime(
    tuning: &Tuning,
    limits: &Limits,
) -> io::Result<Runtime<TimeDriver<IoUringDriver>>> {
    let mut ring = io_uring_06::IoUring::builder();
    ring.setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all();
    RuntimeBuilder::<IoUringDriver>::new()
        .with_entries(tuning.ring_entries)
        .uring_builder(ring)
        .enable_timer()
        .build()
        .map_err(|error| io::Error::new(error.kind(), what_to_do(&error, tuning, limits)))
}

/// Says whether this machine can run the backend: makes a runtime as `run` will.
///
/// # Errors
/// A sentence that says what to do.
pub fn available(tuning: &Tuning, limits: &Limits) -> Result<(), String> {
    let descriptors = getrlimit(Resource::Nofile).current;
    if descriptors.is_some_and(|most| most < OTHER_DESCRIPTORS as u64) {
        return Err(open_more(limits));
    }
    match runtime(tuning, limits) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn what_to_do(error: &io::Error, tuning: &Tuning, limits: &Limits) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::PERM) => {
            "io_uring is denied here: set the sysctl kernel.io_uring_disabled to 0, or allow io_uring_setup in the \
             seccomp profile of the container, or choose a design with the backend epoll"
                .to_owned()
        }
        Some(Errno::NOSYS) => {
            "this kernel has no io_uring: run Linux 6.1 or newer, or choose a design with the backend epoll".to_owned()
        }
        Some(Errno::INVAL) => {
            "this kernel's io_uring is too old: run Linux 6.1 or newer, or choose a design with the backend epoll"
                .to_owned()
        }
        Some(Errno::NOMEM) => lock_more(
            tuning.ring_entries,
            workers(),
            getrlimit(Resource::Memlock).current,
        ),
        Some(Errno::MFILE) => open_more(limits),
        _ => format!("failed to set up io_uring: {error}; choose a design with the backend epoll"),
    }
}

/// What to do where there are too few descriptors.
fn open_more(limits: &Limits) -> String {
    let wanted = limits.connections_max + OTHER_DESCRIPTORS;
    format!(
        "there are too few descriptors: a worker with {} connections takes {wanted}, so raise the limit by \
         `ulimit -n {wanted}`",
        limits.connections_max,
    )
}

/// What to do where the kernel counts rings as locked memory and there is too little of it. Others may use all that
/// there is. One ring more than there are workers: the kernel takes its time to give back the one that was made to try.
fn lock_more(entries: u32, workers: u32, limit_bytes: Option<u64>) -> String {
    let ring_kib = ring_bytes(entries) / 1024;
    let limit_kib = limit_bytes.unwrap_or(0) / 1024;
    let wanted_kib = limit_kib + ring_kib * u64::from(workers + 1);
    format!(
        "there is not enough memory for a ring of {entries} entries: each worker locks {ring_kib} KiB, and all rings of \
         a user share {limit_kib} KiB; raise this by `ulimit -l {wanted_kib}`, which is enough for {workers} workers, \
         lower --tune ring-entries, or choose a design with the backend epoll"
    )
}

/// Workers of a server that is not told how many: one for each CPU that the process may use. This thread may use fewer.
fn workers() -> u32 {
    sched_getaffinity(Some(getpid())).map_or(1, |cpus| cpus.count())
}

/// What the kernel maps for a ring, in bytes: the queues in one piece, the entries to submit in another (`rings_size`
/// and `io_allocate_scq_urings` in io_uring/io_uring.c). It counts as locked memory before Linux 5.12 and again from
/// 6.14 on.
fn ring_bytes(entries: u32) -> u64 {
    /// `struct io_rings`: heads, tails, masks and counters on cache lines of their own.
    const HEADER: u64 = 320;
    const PAGE: u64 = 4096;
    let entries = u64::from(entries);
    let queues = HEADER + 2 * entries * 16 + entries * 4;
    queues.next_multiple_of(PAGE) + (entries * 64).next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_mebibytes_of_locked_memory_are_enough() {
        let ring_bytes = ring_bytes(Tuning::default().ring_entries);
        assert_eq!(ring_bytes, 28 * 1024);
        assert!(ring_bytes * 256 <= 8 << 20, "256 workers");
    }

    #[test]
    fn too_little_locked_memory_is_told_with_the_command_that_raises_it() {
        let said = lock_more(1024, 4, Some(64 * 1024));
        assert!(said.contains("each worker locks 104 KiB"), "{said}");
        assert!(said.contains("share 64 KiB"), "{said}");
        assert!(said.contains("`ulimit -l 584`"), "{said}");
    }
}
