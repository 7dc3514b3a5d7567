//! The kernel calls about processes that the standard library lacks; the only unsafe code on the measuring side.
//!
//! Each function is one call with its error turned into [`io::Error`]. Nothing here decides anything.

use std::fs::File;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use std::os::unix::process::CommandExt;

/// Asks a process to end.
pub(super) const TERMINATE: i32 = libc::SIGTERM;

/// Ends it.
pub(super) const KILL: i32 = libc::SIGKILL;

/// Set by the first SIGINT or SIGTERM.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A clock that counts the CPU time of all threads of one process, ended ones included.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuClock(libc::clockid_t);

impl CpuClock {
    pub(super) fn of(pid: u32) -> io::Result<CpuClock> {
        let mut clock = 0;
        // SAFETY: writes one clockid_t to a live local.
        let error = unsafe { libc::clock_getcpuclockid(pid.cast_signed(), &raw mut clock) };
        if error == 0 {
            Ok(CpuClock(clock))
        } else {
            Err(io::Error::from_raw_os_error(error))
        }
    }

    pub(super) fn of_this_process() -> CpuClock {
        CpuClock(libc::CLOCK_PROCESS_CPUTIME_ID)
    }

    pub(super) fn now_ns(self) -> io::Result<u64> {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: writes one timespec to a live local.
        checked(unsafe { libc::clock_gettime(self.0, time.as_mut_ptr()) })?;
        // SAFETY: clock_gettime succeeded, so it wrote the whole timespec.
        let time = unsafe { time.assume_init() };
        Ok(time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned())
    }
}

/// CPU time of children that were waited for, theirs included (getrusage(2)).
pub(super) fn children_cpu_ns() -> io::Result<u64> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: writes one rusage to a live local.
    checked(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) })?;
    // SAFETY: getrusage succeeded, so it wrote the whole rusage.
    let usage = unsafe { usage.assume_init() };
    let ns = |time: libc::timeval| {
        time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_usec.cast_unsigned() * 1_000
    };
    Ok(ns(usage.ru_utime) + ns(usage.ru_stime))
}

/// Makes the child run on one CPU from its first instruction, die with the thread that starts it, and lead a session of
/// its own, so that a Ctrl-C in the terminal reaches the matrix alone. It may have so many descriptors, if told, and
/// enters a cgroup whose `cgroup.procs` is given, where it may.
pub(super) fn confine(
    command: &mut Command,
    cpu: usize,
    open_files: Option<u64>,
    cgroup: Option<File>,
) {
    let parent = std::process::id();
    let set = cpu_set(&[cpu]);
    let before_exec = move || {
        // SAFETY: takes two integers.
        checked(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        // SAFETY: takes nothing; a child that was just forked leads no process group, so that it may.
        checked(unsafe { libc::setsid() })?;
        if std::os::unix::process::parent_id() != parent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        if let Some(cgroup) = &cgroup {
            // Outside of it, all else is as it should be, and its figure is 0.
            let _ = (&*cgroup).write(b"0");
        }
        if let Some(most) = open_files {
            limit_open_files(most, most)?;
        }
        set_affinity(&set)
    };
    // SAFETY: between fork and exec only async-signal-safe system calls are made, and nothing allocates.
    unsafe { command.pre_exec(before_exec) };
}

/// The CPUs this thread may run on.
pub(super) fn affinity() -> io::Result<Vec<usize>> {
    let mut set = cpu_set(&[]);
    // SAFETY: writes at most the given number of bytes to a live local.
    checked(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) })?;
    let is_in = |cpu: &usize| {
        // SAFETY: the index is below CPU_SETSIZE.
        unsafe { libc::CPU_ISSET(*cpu, &set) }
    };
    Ok((0..libc::CPU_SETSIZE as usize).filter(is_in).collect())
}

/// Binds this thread to some CPUs.
pub(super) fn bind_to(cpus: &[usize]) -> io::Result<()> {
    set_affinity(&cpu_set(cpus))
}

/// Sends a signal to a process of a server that has not been waited for: a child, or one of the session that it leads.
pub(super) fn signal(pid: u32, signal: i32) -> io::Result<()> {
    // SAFETY: takes two integers.
    checked(unsafe { libc::kill(pid.cast_signed(), signal) })
}

/// From now on the first SIGINT or SIGTERM only sets a flag; the second one ends the process as usual, and the servers
/// with it.
pub(super) fn catch_interrupts() {
    extern "C" fn on_signal(signal: libc::c_int) {
        INTERRUPTED.store(true, Ordering::Relaxed);
        // SAFETY: signal(2) is async-signal-safe; it restores the default action.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler touches an atomic and calls signal(2), both allowed in a handler.
        unsafe { libc::signal(signal, on_signal as *const () as libc::sighandler_t) };
    }
}

pub(super) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Whether this process may create an io_uring: with a null parameter block the kernel answers EFAULT after it has
/// checked the permission.
pub(super) fn io_uring_is_allowed() -> bool {
    // SAFETY: io_uring_setup reads through the pointer by copy_from_user, which refuses a null pointer.
    let result = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, std::ptr::null::<u8>()) };
    result == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}

/// How many descriptors this process may have, and may ask for (getrlimit(2)).
pub(super) fn open_files() -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes one rlimit to a live local.
    checked(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

pub(super) fn limit_open_files(soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: reads one rlimit from a live local.
    checked(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })
}

pub(super) fn page_bytes() -> Option<u64> {
    // SAFETY: takes an integer.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).ok()
}

fn cpu_set(cpus: &[usize]) -> libc::cpu_set_t {
    // SAFETY: cpu_set_t is an array of integers, for which all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for cpu in cpus {
        // SAFETY: libc's CPU_SET checks the index against the array's bounds.
        unsafe { libc::CPU_SET(*cpu, &mut set) };
    }
    set
}

fn set_affinity(set: &libc::cpu_set_t) -> io::Result<()> {
    // SAFETY: reads the given number of bytes from a live set.
    checked(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), set) })
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
