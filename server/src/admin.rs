//! The admin address: a worker of its own on a thread of its own, so that whoever looks at the server costs its workers
//! nothing, and is heard while they are busy.
//!
//! It serves a few connections by poll(2), with the parser, the limits and the deadlines of core, which are tight here:
//! whoever holds a connection without use loses it within seconds. It goes on while the server stops, since that is worth
//! seeing, and ends when the last worker has.

mod pages;
mod sockets;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use orthant_core::Limits;

use crate::design::{Chosen, Design};
use crate::error::Error;
use crate::listeners::socket_for;
use crate::metrics;
use crate::watch::Watch;

use pages::Pages;

/// What a client of the admin address may do.
const LIMITS: Limits = Limits {
    request_line_bytes_max: 1024,
    head_bytes_max: 8 * 1024,
    content_bytes_max: 0,
    streamed_bytes_max: 4 * 1024,
    connections_max: 8,
    received_bytes_max: 128 * 1024,
    big_regions_max: 16,
    idle_timeout_ms: 5_000,
    head_timeout_ms: 2_000,
    content_timeout_ms: 2_000,
    send_timeout_ms: 5_000,
    send_bytes_per_s_min: 16 * 1024,
    linger_timeout_ms: 500,
    drain_timeout_ms: 500,
    drain_idle_ms: 10,
    ..Limits::DEFAULT
};

/// Connections that may wait until others have gone; the kernel holds them.
const BACKLOG: i32 = 128;

/// Descriptors that it takes at most: the listener, both ends of what stops it, its connections, and those that reading
/// about the process takes for a moment.
pub(crate) const DESCRIPTORS: usize = 3 + LIMITS.connections_max + 2;

/// Bytes that clients can make it take, where the server has so many workers.
pub(crate) fn bytes_max(workers: usize) -> usize {
    let budget = orthant_core::Worker::<Pages, Chosen>::budget(&LIMITS);
    let pages = LIMITS.connections_max * metrics::text_bytes_max(workers);
    budget.connections + budget.regions + budget.received + budget.growth + pages
}

/// Listens on the admin address, before anybody is served elsewhere.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let failed = |source| Error::Admin { address, source };
    let listener = || {
        let socket = socket_for(address)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    listener().map_err(failed)
}

/// The thread that serves the admin address.
#[derive(Debug)]
pub(crate) struct Admin {
    address: SocketAddr,
    /// Its end is what the thread waits for.
    stop: UnixStream,
    thread: JoinHandle<()>,
}

impl Admin {
    /// Starts the thread.
    ///
    /// # Errors
    /// What is missing, and what to do.
    pub(crate) fn start(listener: TcpListener, watch: Arc<Watch>) -> Result<Admin, Error> {
        let address = listener.local_addr().map_err(|source| Error::Start {
            what: "read the admin address",
            source,
        })?;
        let failed = |source| Error::Admin { address, source };
        let (stop, stopped) = UnixStream::pair().map_err(failed)?;
        let pages = Pages {
            watch,
            design: Design::of_this_build(),
        };
        let serve = move || {
            if let Err(error) = sockets::serve(pages, LIMITS, listener, stopped.as_fd()) {
                log::error!("failed to go on serving the admin address {address}: {error}");
            }
        };
        let thread = thread::Builder::new()
            .name("admin".into())
            .spawn(serve)
            .map_err(failed)?;
        log::info!("admin listening on {address}");
        Ok(Admin {
            address,
            stop,
            thread,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, within what it gives to those who are under way.
    pub(crate) fn end(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            log::error!("the admin address failed by a panic, which stands above");
        }
    }
}
