//! The sockets that workers listen on.

use std::io;
use std::net::{SocketAddr, TcpListener};

use orthant_core::BACKLOG_MAX;
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::Error;

/// A listener for each worker on one address: the kernel spreads connections over them (SO_REUSEPORT, socket(7)).
pub(crate) fn listeners(
    mut address: SocketAddr,
    workers: usize,
) -> Result<Vec<TcpListener>, Error> {
    let failed = |address, source| Error::Listen { address, source };
    if address.port() != 0 {
        // Without SO_REUSEPORT, which others may have set too, a port in use is an error, as it should be.
        drop(TcpListener::bind(address).map_err(|source| failed(address, source))?);
    }
    let first = listener(address).map_err(|source| failed(address, source))?;
    address = first
        .local_addr()
        .map_err(|source| failed(address, source))?;
    let others = (1..workers).map(|_| listener(address).map_err(|source| failed(address, source)));
    std::iter::once(Ok(first)).chain(others).collect()
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Connections inherit it (tcp(7)), which saves a system call for each.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_MAX.into())?;
    Ok(socket.into())
}
