//! The most that a server takes while it is attacked, read again and again from another thread.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::load::sys;
use crate::process::Glass;

/// Between two readings: each makes the kernel walk the server's pages.
const PAUSE: Duration = Duration::from_millis(50);

/// The most of each. Resident memory has no gaps between readings: the kernel keeps its peak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// Pages nobody else maps.
    pub private_bytes: u64,
    /// All resident pages.
    pub resident_bytes: u64,
    /// Descriptors; those of an io_uring are not among them.
    pub descriptors: usize,
}

impl Peak {
    fn read(&mut self, glass: Glass) {
        if let Some(memory) = glass.memory() {
            self.private_bytes = self.private_bytes.max(memory.private_bytes);
            self.resident_bytes = self.resident_bytes.max(memory.peak_bytes);
        }
        self.descriptors = self.descriptors.max(glass.descriptors().unwrap_or(0));
    }
}

/// Reads until it is told to stop, and once more then.
///
/// # Errors
/// When the kernel does not let it have the lowest priority.
pub(super) fn watch(glass: Glass, stop: &AtomicBool) -> io::Result<Peak> {
    sys::yield_to_others()?;
    let mut peak = Peak::default();
    while !stop.load(Ordering::Relaxed) {
        peak.read(glass);
        std::thread::sleep(PAUSE);
    }
    peak.read(glass);
    Ok(peak)
}
