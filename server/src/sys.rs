//! What std offers no safe call for. All unsafe code of this package is here.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// A duplicate of a descriptor that this process was started with, known by its number.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    assert!(number >= 0, "descriptors are numbered from 0 on");
    // SAFETY: it is borrowed for this call alone. Whoever started this process left it open (LISTEN_PID), and nobody here
    // closes it; were it closed all the same, the kernel would refuse to duplicate it, and nothing is touched.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    descriptor.try_clone_to_owned()
}
