//! Why a server could not start or go on. Each error says what to do.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::listen::Listen;

/// Why a server could not start or go on.
#[derive(Debug)]
pub enum Error {
    /// The server lacks something, of this machine or of who started it; the sentence says what to do.
    Unavailable(String),
    /// Two limits contradict each other; the sentence says which, and why.
    Limits(&'static str),
    /// There cannot be listened.
    Listen {
        /// Where.
        address: Listen,
        /// What the kernel said.
        source: io::Error,
    },
    /// The admin address cannot be listened on, or its thread could not be had.
    Admin {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The access log cannot be opened.
    AccessLog {
        /// The file; `None` is standard output.
        path: Option<PathBuf>,
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
                    address.advice(source)
                )
            }
            Error::Admin { address, source } => {
                write!(
                    f,
                    "failed to listen on {address} for --admin: {source}; {}",
                    Listen::Tcp(*address).advice(source)
                )
            }
            Error::AccessLog { path, source } => {
                let path = path.as_deref().unwrap_or(Path::new("-"));
                write!(
                    f,
                    "failed to open the access log {}: {source}; name a file in a folder that this user may write to",
                    path.display()
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Unavailable(_) | Error::Limits(_) => None,
            Error::AccessLog { source, .. }
            | Error::Admin { source, .. }
            | Error::Listen { source, .. }
            | Error::Start { source, .. }
            | Error::Worker(source) => Some(source),
        }
    }
}
