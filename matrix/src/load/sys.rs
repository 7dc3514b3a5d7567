//! The kernel as the load generator needs it: epoll, two clocks, the thread's place. All unsafe code of the load is here.
//!
//! Sockets are not here: the standard library and `socket2` make and use them safely.

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

/// How many events one wait may bring; more connections than that are served in turn.
const EVENTS_MAX: usize = 256;

/// An epoll instance and the events of its last wait.
pub(crate) struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
}

/// What happened to one socket.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) token: usize,
    flags: u32,
}

/// Which edges a socket is watched for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Bytes to read, or the end
    Reading,
    /// Also room to send
    ReadingAndWriting,
}

impl Event {
    /// A failure or the peer's end: no later edge will tell of it.
    pub(crate) fn ended(self) -> bool {
        self.flags & (libc::EPOLLERR | libc::EPOLLHUP | libc::EPOLLRDHUP) as u32 != 0
    }

    pub(crate) fn failed(self) -> bool {
        self.flags & (libc::EPOLLERR | libc::EPOLLHUP) as u32 != 0
    }

    pub(crate) fn writable(self) -> bool {
        self.flags & libc::EPOLLOUT as u32 != 0
    }

    pub(crate) fn readable(self) -> bool {
        self.flags & libc::EPOLLIN as u32 != 0
    }
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: the call takes no pointer.
        let raw = cvt(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call above made this descriptor, and nobody else knows it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(Epoll {
            descriptor,
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Begins to watch a socket, edge-triggered; closing the socket ends it.
    pub(crate) fn add(&self, socket: impl AsFd, token: usize, watch: Watch) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, token, watch)
    }

    /// Changes what a watched socket is watched for; what is true already is reported once more.
    pub(crate) fn modify(&self, socket: impl AsFd, token: usize, watch: Watch) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket, token, watch)
    }

    fn control(
        &self,
        operation: i32,
        socket: impl AsFd,
        token: usize,
        watch: Watch,
    ) -> io::Result<()> {
        let writing = match watch {
            Watch::Reading => 0,
            Watch::ReadingAndWriting => libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event {
            events: (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET | writing) as u32,
            u64: token as u64,
        };
        let raw = socket.as_fd().as_raw_fd();
        // SAFETY: `event` is initialised and outlives the call; both descriptors are open, since their owners are borrowed.
        let done =
            unsafe { libc::epoll_ctl(self.descriptor.as_raw_fd(), operation, raw, &mut event) };
        cvt(done).map(drop)
    }

    /// Waits for events for at most `timeout_ns`, and returns how many there are for `event`.
    ///
    /// epoll_wait would round to milliseconds, which is coarse for slices of 25 ms and useless for open-loop arrivals.
    pub(crate) fn wait(&mut self, timeout_ns: u64) -> io::Result<usize> {
        let timeout = libc::timespec {
            tv_sec: (timeout_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (timeout_ns % 1_000_000_000) as libc::c_long,
        };
        self.events.clear();
        // SAFETY: the kernel writes at most EVENTS_MAX events, for which `new` reserved the room; `timeout` outlives the
        // call; no signal mask is given.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.descriptor.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS_MAX,
                &timeout,
                ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        match cvt(count as i32) {
            Ok(count) => {
                // SAFETY: the kernel has initialised the first `count` events, and `count` is at most EVENTS_MAX.
                unsafe { self.events.set_len(count as usize) };
                Ok(count as usize)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The event at `index` of the last wait.
    pub(crate) fn event(&self, index: usize) -> Event {
        let libc::epoll_event { events, u64: token } = self.events[index];
        Event {
            token: token as usize,
            flags: events,
        }
    }
}

/// Resets a connection and leaves its socket ready to connect again.
pub(crate) fn reset(socket: impl AsFd) -> io::Result<()> {
    let nowhere = libc::sockaddr {
        sa_family: libc::AF_UNSPEC as libc::sa_family_t,
        sa_data: [0; 14],
    };
    let raw = socket.as_fd().as_raw_fd();
    let size = size_of_val(&nowhere) as libc::socklen_t;
    // SAFETY: `nowhere` outlives the call and has the size given; the descriptor is open, since its owner is borrowed.
    cvt(unsafe { libc::connect(raw, &nowhere, size) }).map(drop)
}

/// Nanoseconds of the monotonic clock.
pub(crate) fn now_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds that the calling thread has spent on a CPU, in user space and in the kernel.
pub(crate) fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` outlives the call.
    let done = unsafe { libc::clock_gettime(clock, &mut time) };
    assert_eq!(done, 0, "both clocks exist on every Linux");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Lets the calling thread wake when it asked to, and not up to 50 µs later so as to save power.
pub(crate) fn wake_on_time() -> io::Result<()> {
    // SAFETY: the call takes no pointer.
    cvt(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) }).map(drop)
}

/// Restricts the calling thread to one CPU.
pub(crate) fn pin_to(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: a set of CPUs is an array of integers, for which all bits zero is a value.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `cpu` lies within the set, as checked above.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: `set` outlives the call and has the size given; thread 0 is the calling one.
    cvt(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) }).map(drop)
}

/// Lets every other thread of its CPU go before this one, which takes what they leave (SCHED_IDLE, sched(7)).
pub(crate) fn yield_to_others() -> io::Result<()> {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: `priority` outlives the call; thread 0 is the calling one.
    cvt(unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &priority) }).map(drop)
}

fn cvt(result: i32) -> io::Result<i32> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
