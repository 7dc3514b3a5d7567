//! Telling the service manager that started this process what it does (sd_notify(3)): a datagram of lines to the socket
//! that NOTIFY_SOCKET names. Without one nothing is told.
//!
//! WATCHDOG=1 is never told: it would have to mean that every worker still turns, and a worker that waits for its clients
//! cannot be asked.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::clock;

/// The service manager, if one waits to be told.
pub(crate) struct Manager(Option<(UnixDatagram, SocketAddr)>);

impl Manager {
    pub(crate) fn of_this_process() -> Manager {
        let named = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        Manager(named.and_then(|name| match connect(&name) {
            Ok(connected) => Some(connected),
            Err(error) => {
                complain(&error);
                None
            }
        }))
    }

    /// It serves: all workers are ready, or what a signal asked for is done.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// It does what a signal asked for.
    pub(crate) fn reloading(&self) {
        let now_us = clock::monotonic_us();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now_us}"));
    }

    /// It begins to stop.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        if let Some((socket, manager)) = &self.0
            && let Err(error) = socket.send_to_addr(state.as_bytes(), manager)
        {
            complain(&error);
        }
    }
}

/// The address that a name stands for: a path, or after `@` a name that is no file (unix(7)).
fn connect(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', abstracted @ ..] => SocketAddr::from_abstract_name(abstracted)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => {
            return Err(io::Error::other(
                "it is neither a path nor an abstract name",
            ));
        }
    };
    Ok((UnixDatagram::unbound()?, address))
}

/// It serves all the same, as sd_notify(3) recommends: the variable may have come from whoever started the program.
fn complain(error: &io::Error) {
    log::warn!("failed to tell the service manager at NOTIFY_SOCKET: {error}");
}
