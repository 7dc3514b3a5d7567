//! The system calls that the runtime does not offer. There is no unsafe code in this backend.

use std::io;
use std::net::Shutdown;

use socket2::SockRef;
use tokio::net::TcpStream;

/// Closes the sending direction. A peer that is gone already needs no more of it.
pub(crate) fn shut(stream: &TcpStream) -> io::Result<()> {
    match SockRef::from(stream).shutdown(Shutdown::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        done => done,
    }
}
