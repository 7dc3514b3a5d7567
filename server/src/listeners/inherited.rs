//! Sockets that were opened for this process before it began (sd_listen_fds(3)): descriptors from 3 on, as many as
//! LISTEN_FDS says, called as LISTEN_FDNAMES says, if LISTEN_PID is this process. What is returned are duplicates, so a
//! program can serve on them again; the variables stay.

use std::env;
use std::io;
use std::iter;
use std::process;

use socket2::{Domain, Socket, Type};

use crate::error::Error;
use crate::sys;

/// The first of them.
const FIRST: i32 = 3;

/// The inherited sockets, or those of a name.
pub(super) fn sockets(name: Option<&str>) -> Result<Vec<Socket>, Error> {
    let names = names().map_err(Error::Unavailable)?;
    let mut sockets = Vec::new();
    for (number, known) in (FIRST..).zip(&names) {
        if name.is_none_or(|name| name == known) {
            let socket = listening(number).map_err(|problem| {
                Error::Unavailable(format!(
                    "the inherited descriptor {number} ({known}) cannot be listened on: {problem}; open it by \
                     ListenStream=, with Accept=no, in the socket unit"
                ))
            })?;
            sockets.push(socket);
        }
    }
    match name {
        Some(name) if sockets.is_empty() => Err(Error::Unavailable(format!(
            "no inherited socket is called {name}, only {}: set FileDescriptorName= in the socket unit, or listen on \
             `systemd`, which takes all",
            names.join(" and ")
        ))),
        _ => Ok(sockets),
    }
}

/// The name of each inherited descriptor.
fn names() -> Result<Vec<String>, String> {
    let variable = |name| env::var(name).ok();
    let me = process::id().to_string();
    let start = "start it by a socket unit of systemd, or by systemd-socket-activate";
    let count = variable("LISTEN_FDS").and_then(|count| count.parse().ok());
    let Some(count @ 1..) = count else {
        return Err(format!("no socket was inherited: {start}"));
    };
    match variable("LISTEN_PID") {
        Some(process) if process == me => {}
        process => {
            let process = process.unwrap_or("nobody".to_owned());
            return Err(format!(
                "the inherited sockets are for process {process} (LISTEN_PID), and this is {me}: {start}, with nothing in \
                 between that does not exec it"
            ));
        }
    }
    let given = variable("LISTEN_FDNAMES");
    let given = given.iter().flat_map(|names| names.split(':'));
    let names = given.chain(iter::repeat("unknown")).take(count);
    Ok(names.map(str::to_owned).collect())
}

/// The socket of that number, if it is a stream that listens.
fn listening(number: i32) -> io::Result<Socket> {
    let socket = Socket::from(sys::inherited(number)?);
    let families = [Domain::IPV4, Domain::IPV6, Domain::UNIX];
    if !families.contains(&socket.domain()?) || socket.r#type()? != Type::STREAM {
        return Err(io::Error::other(
            "it is no socket of TCP, nor a Unix stream",
        ));
    }
    if !socket.is_listener()? {
        return Err(io::Error::other("it does not listen"));
    }
    Ok(socket)
}
