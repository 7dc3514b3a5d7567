//! One connection of the load generator: its socket, the exchange under way, and the open loop's arrivals behind it.
//!
//! Connections are ended with a reset: it frees the local port at once, where an ordinary close keeps it for a minute and
//! `limited-conn` would run out of ports within seconds.

use std::{
    collections::VecDeque,
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Error, anyhow};
use socket2::{Domain, SockRef, Socket, Type};

use super::{check::Progress, sys};

/// How long a server may take to let one connection in before the load starts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The state of one connection.
pub(super) struct Connection {
    pub(super) socket: Option<TcpStream>,
    /// The exchange under way, or the next one.
    pub(super) exchange: usize,
    pub(super) progress: Progress,
    /// Requests of the exchange under way that wait for their answers.
    pub(super) outstanding: u32,
    /// Bytes of the exchange under way that the kernel has taken.
    pub(super) sent_bytes: usize,
    /// Requests sent since the socket was opened.
    pub(super) used: u32,
    pub(super) intended_ns: u64,
    pub(super) sent_ns: u64,
    /// Intended send times of the exchanges that wait for this one; open loop only.
    pub(super) queue: VecDeque<u64>,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, exchange: usize) -> Connection {
        Connection {
            socket: Some(socket),
            exchange,
            progress: Progress::default(),
            outstanding: 0,
            sent_bytes: 0,
            used: 0,
            intended_ns: 0,
            sent_ns: 0,
            queue: VecDeque::new(),
        }
    }

    /// Begins an exchange of so many requests.
    pub(super) fn begin(&mut self, requests: u32, intended_ns: u64, sent_ns: u64) {
        self.progress.restart();
        self.outstanding = requests;
        self.sent_bytes = 0;
        self.used += requests;
        self.intended_ns = intended_ns;
        self.sent_ns = sent_ns;
    }
}

/// Opens a connection and waits for it.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    prepare(SockRef::from(&stream))?;
    Ok(stream)
}

/// Begins to open a connection; sending fails with `WouldBlock` until it is open.
pub(super) fn begin_connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    prepare(SockRef::from(&socket))?;
    dial(SockRef::from(&socket), address)?;
    Ok(socket.into())
}

/// Resets a connection and begins to open another with the same socket, which stays watched: that spares the client a
/// seventh of what `limited-conn` costs it, and looks the same to the server.
pub(super) fn begin_reconnect(socket: &TcpStream, address: SocketAddr) -> io::Result<()> {
    sys::reset(socket)?;
    dial(SockRef::from(socket), address)
}

fn dial(socket: SockRef<'_>, address: SocketAddr) -> io::Result<()> {
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(()),
    }
}

fn prepare(socket: SockRef<'_>) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_linger(Some(Duration::ZERO))
}

/// What a person should know about a connection that cannot be opened.
pub(super) fn connect_error(error: io::Error, address: SocketAddr) -> Error {
    let advice = match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => {
            "raise the limit with `ulimit -n 65536`, or ask for fewer connections"
        }
        Some(libc::EADDRNOTAVAIL) => {
            "no local port is free: wait a minute until old connections have expired, or widen net.ipv4.ip_local_port_range"
        }
        Some(libc::ECONNREFUSED) => {
            "nobody listens there: the server has ended, so look at what it printed last"
        }
        _ if error.kind() == io::ErrorKind::TimedOut => {
            "the server does not accept: it hangs, or its listen queue is shorter than the connections asked for"
        }
        _ => "look at what the server printed last",
    };
    anyhow!("failed to connect to {address}: {error}; {advice}")
}
