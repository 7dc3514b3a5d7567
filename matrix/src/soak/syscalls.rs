//! How many calls of the kernel a process makes, from the kernel's own counter of a tracepoint.
//!
//! That costs next to nothing and may stay on for hours, but needs tracefs and the privilege to count (root, or
//! `kernel.perf_event_paranoid` of -1). Where it may not be had there is no source.

use std::fs::{self, File};
use std::io::Read;

use super::sys;

const TRACEPOINTS: [&str; 2] = [
    "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
    "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
];

/// The counters of all threads of a process.
pub(super) struct Syscalls(Vec<File>);

impl Syscalls {
    /// Counts from now on; none where the kernel does not let us.
    pub(super) fn of(process: u32) -> Option<Syscalls> {
        let id = TRACEPOINTS
            .iter()
            .find_map(|path| fs::read_to_string(path).ok())?;
        let id = id.trim().parse().ok()?;
        let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
        let counter = |thread: std::io::Result<fs::DirEntry>| {
            let thread = thread.ok()?.file_name().to_str()?.parse().ok()?;
            sys::counter(id, thread).ok()
        };
        threads
            .map(counter)
            .collect::<Option<Vec<File>>>()
            .map(Syscalls)
    }

    /// Calls since then.
    pub(super) fn count(&self) -> Option<u64> {
        let count = |mut file: &File| {
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes).ok()?;
            Some(u64::from_ne_bytes(bytes))
        };
        self.0.iter().map(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_this_process_are_counted_where_the_kernel_lets_us() {
        let Some(syscalls) = Syscalls::of(std::process::id()) else {
            eprintln!("no calls are counted: tracefs or the privilege to count is missing");
            return;
        };
        let before = syscalls.count().unwrap();
        (0..10).for_each(|_| drop(fs::metadata("/proc")));
        let made = syscalls.count().unwrap() - before;
        assert!(made >= 10, "{made}");
    }
}
