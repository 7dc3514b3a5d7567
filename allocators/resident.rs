//! What the kernel says of a process's memory: for the tests of every allocator. It belongs to no package.

use std::fs;

/// `VmRSS` of `/proc/self/status`, which is in KiB.
pub(crate) fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let mut lines = status.lines();
    let line = lines.find(|line| line.starts_with("VmRSS:"));
    let line = line.expect("every process has this line");
    let number = line
        .split_whitespace()
        .nth(1)
        .expect("a number follows the name");
    number.parse::<u64>().expect("a number follows the name") * 1024
}
