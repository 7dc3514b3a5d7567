//! The ring below a worker's runtime: how it is made.

use std::io;

use monoio::time::TimeDriver;
use monoio::{IoUringDriver, Runtime, RuntimeBuilder};

use crate::tuning::Tuning;

/// A runtime for this thread, which alone may use it. Completions are handled where the thread waits for them and
/// nowhere else, so it is never interrupted for one.
///
/// # Errors
/// What the kernel says.
pub(crate) fn runtime(tuning: &Tuning) -> io::Result<Runtime<TimeDriver<IoUringDriver>>> {
    let mut ring = io_uring_06::IoUring::builder();
    ring.setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all();
    RuntimeBuilder::<IoUringDriver>::new()
        .with_entries(tuning.ring_entries)
        .uring_builder(ring)
        .enable_timer()
        .build()
}
