//! The kernel call that counts a tracepoint (perf_event_open(2)); the only unsafe code of a soak.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

const KIND_TRACEPOINT: u32 = 2;

/// What threads started later do counts as well.
const INHERIT: u64 = 1 << 1;

const CLOSE_ON_EXEC: libc::c_ulong = 1 << 3;

/// `struct perf_event_attr` in its first version (PERF_ATTR_SIZE_VER0), which every kernel takes.
#[repr(C)]
struct Attributes {
    kind: u32,
    size_bytes: u32,
    config: u64,
    sample_period: u64,
    sample_kind: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint_kind: u32,
    breakpoint_address: u64,
}

const _: () = assert!(size_of::<Attributes>() == 64, "PERF_ATTR_SIZE_VER0");

/// A file that reads as the number of times that a thread passed a tracepoint, as a u64.
pub(super) fn counter(tracepoint: u64, thread: i32) -> io::Result<File> {
    let attributes = Attributes {
        kind: KIND_TRACEPOINT,
        size_bytes: size_of::<Attributes>() as u32,
        config: tracepoint,
        sample_period: 0,
        sample_kind: 0,
        read_format: 0,
        flags: INHERIT,
        wakeup: 0,
        breakpoint_kind: 0,
        breakpoint_address: 0,
    };
    let (any_cpu, no_group) = (-1, -1);
    // SAFETY: reads as many bytes of a live local as that says of itself.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            thread,
            any_cpu,
            no_group,
            CLOSE_ON_EXEC,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }.into())
}
