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

/// Waits for the next stop of any thread that this one traces. The end of the process `leader` is seen and left for who
/// started it to wait for: until then its number is nobody else's.
pub(super) fn wait(leader: i32) -> io::Result<(i32, Stop)> {
    loop {
        let seen = waited(None, libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT)?;
        // SAFETY: the kernel fills these fields for every child that it reports.
        let thread = unsafe { seen.si_pid() };
        let is_stop = seen.si_code == libc::CLD_TRAPPED || seen.si_code == libc::CLD_STOPPED;
        if !is_stop {
            if thread != leader {
                waited(Some(thread), libc::WEXITED)?;
            }
            return Ok((thread, Stop::Ended));
        }
        let taken = waited(Some(thread), libc::WSTOPPED | libc::WNOHANG)?;
        // SAFETY: without a report this field is zero.
        let reported = unsafe { taken.si_pid() };
        // It may have been killed meanwhile.
        if reported == thread {
            // SAFETY: the kernel fills it for every stop that it reports.
            return Ok((thread, stopped(unsafe { taken.si_status() })));
        }
    }
}

/// What a stop is; above the signal stands what ptrace(2) adds.
fn stopped(status: i32) -> Stop {
    match status & 0xff {
        CALL => Stop::Call,
        _ if status >> 8 != 0 => Stop::Other,
        NUDGE => Stop::Signal(0),
        signal => Stop::Signal(signal),
    }
}

/// Waits for one thread, or for any that this one traces.
fn waited(thread: Option<i32>, what: i32) -> io::Result<libc::siginfo_t> {
    let (kind, id) = match thread {
        Some(thread) => (libc::P_PID, thread.cast_unsigned()),
        None => (libc::P_ALL, 0),
    };
    // SAFETY: the structure consists of integers, for which all zeroes are values.
    let mut seen: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let how = what | libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: the kernel writes one such structure to a live local.
    match unsafe { libc::waitid(kind, id, &raw mut seen, how) } {
        0 => Ok(seen),
        _ => Err(io::Error::last_os_error()),
    }
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
