//! The sockets that workers listen on.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Limits, UNSENT_LOW_BYTES};
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::Error;

/// A listener for each worker on one address: the kernel spreads connections over them (SO_REUSEPORT, socket(7)).
pub(crate) fn listeners(
    mut address: SocketAddr,
    workers: usize,
    limits: &Limits,
) -> Result<Vec<TcpListener>, Error> {
    let failed = |address, source| Error::Listen { address, source };
    if address.port() != 0 {
        // Without SO_REUSEPORT, which others may have set too, a port in use is an error, as it should be.
        drop(TcpListener::bind(address).map_err(|source| failed(address, source))?);
    }
    let first = listener(address, limits).map_err(|source| failed(address, source))?;
    address = first
        .local_addr()
        .map_err(|source| failed(address, source))?;
    let others =
        (1..workers).map(|_| listener(address, limits).map_err(|source| failed(address, source)));
    std::iter::once(Ok(first)).chain(others).collect()
}

fn listener(address: SocketAddr, limits: &Limits) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Connections inherit it (tcp(7)), which saves a system call for each.
    socket.set_tcp_nodelay(true)?;
    // These too. The kernel gives up a peer that acknowledges nothing, or has no room for anything, also where the connection
    // is closed already; only after the worker would have, since it does not tell the peer. And it takes not much more to
    // send than the peer takes of it.
    let give_up = Duration::from_millis(limits.send_timeout_ms.saturating_mul(2));
    socket.set_tcp_user_timeout(Some(give_up))?;
    socket.set_tcp_notsent_lowat(UNSENT_LOW_BYTES)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_MAX.into())?;
    Ok(socket.into())
}
