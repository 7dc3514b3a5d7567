//! What glommio does not offer, and the only unsafe code of this backend: handing it a descriptor, borrowing one, and asking the kernel
//! for rings before glommio does, which would panic.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use glommio::net::TcpStream;

/// A socket of any kind as glommio knows it. It asks for readiness at once, so it needs a running executor.
pub(crate) fn adopt(socket: OwnedFd) -> TcpStream {
    // SAFETY: the descriptor is open, and `into_raw_fd` gives it away: the stream is its only owner, and closes it.
    unsafe { TcpStream::from_raw_fd(socket.into_raw_fd()) }
}

/// The descriptor of a stream.
pub(crate) fn descriptor(stream: &TcpStream) -> BorrowedFd<'_> {
    // SAFETY: the stream keeps its descriptor open for as long as it is borrowed.
    unsafe { BorrowedFd::borrow_raw(stream.as_raw_fd()) }
}

/// `struct io_uring_params` in words: 30 of them, zero where nothing is asked for.
const PARAMETERS: usize = 30;

/// In which of them the kernel says what it can do.
const FEATURES: usize = 5;

/// IORING_FEAT_FAST_POLL, which came with Linux 5.7.
const FAST_POLL: u32 = 1 << 5;

/// Makes a ring and closes it again.
///
/// # Errors
/// What the kernel says; EINVAL where its io_uring is too old.
pub(crate) fn try_ring(entries: u32) -> io::Result<()> {
    let mut parameters = [0u32; PARAMETERS];
    let start = parameters.as_mut_ptr();
    // SAFETY: the kernel reads and writes one `io_uring_params`, which is as large as the words that are borrowed.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, entries, start) };
    let Ok(ring @ 0..) = i32::try_from(ring) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: the kernel has just opened this descriptor for us, and nobody else knows of it.
    drop(unsafe { OwnedFd::from_raw_fd(ring) });
    if parameters[FEATURES] & FAST_POLL == 0 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    Ok(())
}
