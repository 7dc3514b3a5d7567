//! The sockets that workers listen on: each worker has one for each place, so that none depends on another.
//!
//! Workers have TCP listeners of their own, over which the kernel spreads connections (SO_REUSEPORT, socket(7)). A Unix
//! socket and an inherited one can be had once only: workers hold duplicates of it. A connection then wakes every worker
//! that waits by readiness, and one of them gets it; the others find nobody, which all backends take for what it is. To
//! wake one alone (EPOLLEXCLUSIVE) would be wrong where that one has all the connections that it may have.

mod inherited;
mod unix;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Limits, UNSENT_LOW_BYTES};
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::Error;
use crate::listen::Listen;

pub(crate) use unix::SocketFile;

/// Places to listen on, of which those that are inherited are there.
pub(crate) struct Places(Vec<Place>);

enum Place {
    Tcp(SocketAddr),
    Unix(std::path::PathBuf),
    Inherited(Socket),
}

/// What is listened on.
pub(crate) struct Listeners {
    /// Of each worker, in the order of the places.
    pub(crate) each: Vec<Vec<OwnedFd>>,
    /// Where that is, ports filled in.
    pub(crate) addresses: Vec<Listen>,
    /// To be removed at the end, by being dropped.
    pub(crate) files: Vec<SocketFile>,
}

impl Places {
    /// Looks which sockets are inherited.
    ///
    /// # Errors
    /// Where one is asked for and is not there, or is of no use.
    pub(crate) fn find(listen: &[Listen]) -> Result<Places, Error> {
        let mut places = Vec::new();
        for listen in listen {
            match listen {
                Listen::Tcp(address) => places.push(Place::Tcp(*address)),
                Listen::Unix(path) => places.push(Place::Unix(path.clone())),
                Listen::Inherited(name) => {
                    let sockets = inherited::sockets(name.as_deref())?;
                    places.extend(sockets.into_iter().map(Place::Inherited));
                }
            }
        }
        if places.is_empty() {
            let sentence = "there is nowhere to listen: name an address at least";
            return Err(Error::Unavailable(sentence.to_owned()));
        }
        Ok(Places(places))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn inherited_count(&self) -> usize {
        let inherited = self.0.iter().filter(|it| matches!(it, Place::Inherited(_)));
        inherited.count()
    }

    /// Listens on all of them.
    ///
    /// # Errors
    /// Where it cannot, and what to do. Nothing is listened on then.
    pub(crate) fn listen(self, workers: usize, limits: &Limits) -> Result<Listeners, Error> {
        let mut listeners = Listeners {
            each: (0..workers).map(|_| Vec::new()).collect(),
            addresses: Vec::new(),
            files: Vec::new(),
        };
        for place in self.0 {
            let (sockets, address) = match place {
                Place::Tcp(address) => {
                    tcp(address, workers, limits).map_err(failed(address.into()))?
                }
                Place::Unix(path) => {
                    let address = Listen::Unix(path.clone());
                    let opened = unix::listen(&path).and_then(|(socket, file)| {
                        listeners.files.push(file);
                        shared(socket, workers)
                    });
                    let failed = failed(address.clone());
                    (opened.map_err(failed)?, address)
                }
                Place::Inherited(socket) => {
                    let address = address(&socket);
                    let settled = match address {
                        Listen::Tcp(_) => settle(&socket, limits),
                        _ => Ok(()),
                    };
                    let opened = settled.and_then(|()| shared(socket, workers));
                    (opened.map_err(failed(address.clone()))?, address)
                }
            };
            for (worker, socket) in listeners.each.iter_mut().zip(sockets) {
                worker.push(socket);
            }
            listeners.addresses.push(address);
        }
        Ok(listeners)
    }
}

fn failed(address: Listen) -> impl FnOnce(io::Error) -> Error {
    |source| Error::Listen { address, source }
}

/// A listener for each worker on one address.
fn tcp(
    mut address: SocketAddr,
    workers: usize,
    limits: &Limits,
) -> io::Result<(Vec<OwnedFd>, Listen)> {
    if address.port() != 0 {
        // Without SO_REUSEPORT, which others may have set too, a port in use is an error, as it should be.
        socket_for(address)?.bind(&address.into())?;
    }
    let mut sockets = Vec::new();
    for _ in 0..workers {
        let socket = socket_for(address)?;
        socket.set_reuse_port(true)?;
        settle(&socket, limits)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG_MAX.into())?;
        let listener = TcpListener::from(socket);
        address = listener.local_addr()?;
        sockets.push(listener.into());
    }
    Ok((sockets, Listen::Tcp(address)))
}

/// Settings that the connections of a listener inherit (tcp(7)), which saves system calls for each.
fn settle(socket: &Socket, limits: &Limits) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    // The kernel gives up a peer that acknowledges nothing, or has no room for anything, also where the connection is
    // closed already; only after the worker would have, since it does not tell the peer. And it takes not much more to
    // send than the peer takes of it.
    let give_up = Duration::from_millis(limits.send_timeout_ms.saturating_mul(2));
    socket.set_tcp_user_timeout(Some(give_up))?;
    socket.set_tcp_notsent_lowat(UNSENT_LOW_BYTES)
}

/// A socket that can be bound to an address.
pub(crate) fn socket_for(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// One socket for each worker, all of them the same.
fn shared(socket: Socket, workers: usize) -> io::Result<Vec<OwnedFd>> {
    let mut sockets = Vec::new();
    for _ in 1..workers {
        sockets.push(socket.try_clone()?.into());
    }
    sockets.push(socket.into());
    Ok(sockets)
}

/// Where an inherited socket listens.
fn address(socket: &Socket) -> Listen {
    let Ok(address) = socket.local_addr() else {
        return Listen::Inherited(None);
    };
    match address.as_socket() {
        Some(address) => Listen::Tcp(address),
        None => Listen::Unix(unix::path(&address)),
    }
}
