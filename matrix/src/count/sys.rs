//! The kernel calls of a tracer (ptrace(2)); the only unsafe code of the counting side.
//!
//! A tracee obeys the thread that seized it and no other, so all of these are called on one thread.

use std::io;
use std::ptr;

/// Wakes a tracee that waits: nobody handles it, and without a handler it does nothing.
const NUDGE: i32 = libc::SIGWINCH;

/// What a stop at a call is marked with, so that no signal is taken for one.
const CALL: i32 = libc::SIGTRAP | 0x80;

/// What happened to one thread of the server.
pub(super) enum Stop {
    /// It is about to make a call of the kernel, or has made one.
    Call,
    /// It is about to receive a signal.
    Signal(i32),
    /// It is new, or was told to stop.
    Other,
    /// It has ended.
    Ended,
}

/// Becomes the tracer of a thread, and of those it starts. They die with this process.
pub(super) fn seize(thread: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
    request(libc::PTRACE_SEIZE, thread, options as usize)
}

/// Tells a thread to stop; the stop comes later.
pub(super) fn interrupt(thread: i32) -> io::Result<()> {
    request(libc::PTRACE_INTERRUPT, thread, 0)
}

/// Lets a stopped thread run to its next call, with a signal or with 0.
pub(super) fn resume(thread: i32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, thread, signal as usize)
}

/// Lets a stopped thread go for good.
pub(super) fn release(thread: i32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_DETACH, thread, signal as usize)
}

/// Lets a process of which this is the tracer stop at once, wherever it waits.
pub(super) fn nudge(process: u32) -> io::Result<()> {
    // SAFETY: takes two integers; the process is a child that was not reaped, so it names no other one.
    match unsafe { libc::kill(process.cast_signed(), NUDGE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Waits for the next stop of any thread that this one traces.
pub(super) fn wait() -> io::Result<(i32, Stop)> {
    let mut status = 0;
    // SAFETY: writes one integer to a live local.
    let thread = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
    if thread == -1 {
        return Err(io::Error::last_os_error());
    }
    let stop = match status {
        ended if !libc::WIFSTOPPED(ended) => Stop::Ended,
        stopped if libc::WSTOPSIG(stopped) == CALL => Stop::Call,
        stopped if stopped >> 16 != 0 => Stop::Other,
        stopped if libc::WSTOPSIG(stopped) == NUDGE => Stop::Signal(0),
        stopped => Stop::Signal(libc::WSTOPSIG(stopped)),
    };
    Ok((thread, stop))
}

/// The number of the call that a stopped thread is about to make; none where it has made one.
pub(super) fn entered(thread: i32) -> io::Result<Option<u64>> {
    // SAFETY: the structure consists of integers, for which all zeroes are values.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let bytes = size_of::<libc::ptrace_syscall_info>();
    // SAFETY: the kernel writes at most so many bytes to a live local.
    let written = unsafe {
        libc::ptrace(
            libc::PTRACE_GET_SYSCALL_INFO,
            thread,
            bytes,
            (&raw mut info).cast::<libc::c_void>(),
        )
    };
    if written == -1 {
        return Err(io::Error::last_os_error());
    }
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return Ok(None);
    }
    // SAFETY: the kernel says that it wrote this part of the union.
    Ok(Some(unsafe { info.u.entry.nr }))
}

fn request(request: libc::c_uint, thread: i32, data: usize) -> io::Result<()> {
    // SAFETY: the requests made here read no memory of ours; the last argument is a number.
    let result = unsafe { libc::ptrace(request, thread, ptr::null_mut::<libc::c_void>(), data) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
