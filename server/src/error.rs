//! Why a server could not start or go on. Each error says what to do.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why a server could not start or go on.
#[derive(Debug)]
pub enum Error {
    /// The backend cannot run on this machine; the sentence says what to do.
    Unavailable(String),
    /// Two limits contradict each other; the sentence says which, and why.
    Limits(&'static str),
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// A thread, its CPU or its stop signal could not be had.
    Start {
        /// What was to be done, after "failed to".
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A worker's loop failed.
    Worker(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable(sentence) => f.write_str(sentence),
            Error::Limits(sentence) => f.write_str(sentence),
            Error::Listen { address, source } => {
                write!(
                    f,
                    "failed to listen on {address}: {source}; {}",
                    advice(source, address)
                )
            }
            Error::Start { what, source } => write!(f, "failed to {what}: {source}"),
            Error::Worker(source) => write!(
                f,
                "failed to go on serving: {source}; connections were closed"
            ),
        }
    }
}

fn advice(source: &io::Error, address: &SocketAddr) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "stop the other server or listen on another port; port 0 takes a free one"
        }
        io::ErrorKind::PermissionDenied if address.port() < 1024 => {
            "listen on a port from 1024 on, or give the program CAP_NET_BIND_SERVICE"
        }
        io::ErrorKind::AddrNotAvailable => {
            "listen on an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        }
        _ => "check the address",
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Unavailable(_) | Error::Limits(_) => None,
            Error::Listen { source, .. } | Error::Start { source, .. } | Error::Worker(source) => {
                Some(source)
            }
        }
    }
}
