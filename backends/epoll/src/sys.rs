//! The system calls that std does not offer. All unsafe code of this backend is here.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::net::{SocketFlags, accept_with, acceptfrom_with};

/// Turns the -1 of a system call into the error that it left.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// An epoll instance and room for the events of one wait.
pub(crate) struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
    ready: usize,
}

/// What happened to a registered descriptor.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    /// What it was registered with.
    pub(crate) token: u64,
    /// It has something to read, or has ended or failed, which reading tells.
    pub(crate) readable: bool,
    /// The peer has ended its side, or it failed: reading goes on until that is seen.
    pub(crate) ended: bool,
    /// It has room to write.
    pub(crate) writable: bool,
}

impl Epoll {
    pub(crate) fn new(events_max: usize) -> io::Result<Epoll> {
        // SAFETY: the call takes no pointers.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Epoll {
            fd,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; events_max],
            ready: 0,
        })
    }

    /// Registers a connection for both directions, edge-triggered.
    pub(crate) fn add_connection(&self, fd: &impl AsFd, token: u64) -> io::Result<()> {
        self.add(
            fd,
            libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET,
            token,
        )
    }

    /// Registers a descriptor for reading, edge-triggered.
    pub(crate) fn add_source(&self, fd: &impl AsFd, token: u64) -> io::Result<()> {
        self.add(fd, libc::EPOLLIN | libc::EPOLLET, token)
    }

    fn add(&self, fd: &impl AsFd, events: libc::c_int, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: token,
        };
        let (epoll, fd) = (self.fd.as_raw_fd(), fd.as_fd().as_raw_fd());
        // SAFETY: the event lives through the call, which copies it.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) }).map(drop)
    }

    /// Waits for events, at most so long; forever where `timeout_ms` is -1. A signal ends the wait without any.
    pub(crate) fn wait(&mut self, timeout_ms: i32) -> io::Result<usize> {
        let (epoll, room) = (self.fd.as_raw_fd(), self.events.len() as i32);
        // SAFETY: the kernel writes at most `room` events, which is how many there are.
        let waited =
            check(unsafe { libc::epoll_wait(epoll, self.events.as_mut_ptr(), room, timeout_ms) });
        self.ready = match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            waited => waited? as usize,
        };
        Ok(self.ready)
    }

    /// One of the events of the last wait.
    pub(crate) fn event(&self, index: usize) -> Event {
        assert!(
            index < self.ready,
            "events are asked for only when there are so many"
        );
        let libc::epoll_event { events, u64: token } = self.events[index];
        let has = |flags: libc::c_int| events & flags as u32 != 0;
        let ended = has(libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR);
        Event {
            token,
            readable: has(libc::EPOLLIN) || ended,
            ended,
            writable: has(libc::EPOLLOUT),
        }
    }
}

/// How sockets are made that are accepted.
const ACCEPTED: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// Accepts a connection.
pub(crate) fn accept(listener: &impl AsFd) -> io::Result<OwnedFd> {
    Ok(accept_with(listener, ACCEPTED)?)
}

/// The same; tells its peer too, if that has an address of IP.
pub(crate) fn accept_from(listener: &impl AsFd) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
    let (fd, peer) = acceptfrom_with(listener, ACCEPTED)?;
    Ok((fd, peer.and_then(|peer| SocketAddr::try_from(peer).ok())))
}

/// Receives into `buffer`; 0 bytes are the end of input.
#[inline]
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    // SAFETY: the kernel writes at most `len` bytes to memory that is borrowed for the call.
    let received = unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

/// Sends what goes out at once.
#[inline]
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    // SAFETY: the kernel reads at most `len` bytes of memory that is borrowed for the call.
    let sent = unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Closes the sending direction. A peer that is gone already needs no more of it.
pub(crate) fn shut(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the call takes no pointers.
    match check(unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_WR) }) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        done => done.map(drop),
    }
}

/// Closing this socket discards what the kernel has not sent, and resets the connection (SO_LINGER, socket(7)). Where that
/// cannot be, as with a socket that is none of TCP, it is closed as any other.
pub(crate) fn discard_unsent(fd: BorrowedFd<'_>) {
    let _ = rustix::net::sockopt::set_socket_linger(fd, Some(Duration::ZERO));
}
