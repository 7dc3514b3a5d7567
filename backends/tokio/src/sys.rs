//! The system calls that the runtime does not offer. There is no unsafe code in this backend.

use std::io;
use std::net::Shutdown;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

/// Accepts a connection that is there already, whether the runtime has heard of it or not.
pub(crate) fn accept_now(listener: &TcpListener) -> io::Result<TcpStream> {
    let (socket, _) = SockRef::from(listener).accept()?;
    socket.set_nonblocking(true)?;
    TcpStream::from_std(socket.into())
}

/// Closes the sending direction. A peer that is gone already needs no more of it.
pub(crate) fn shut(stream: &TcpStream) -> io::Result<()> {
    match SockRef::from(stream).shutdown(Shutdown::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        done => done,
    }
}
