//! Where to listen, as it is written on a command line, and what to do where that cannot be.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use rustix::io::Errno;

/// Where to listen. What it is written as is what it is read from: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/a.sock`,
/// `systemd`, `systemd:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address; port 0 takes a free one. An address of IPv6 is of IPv6 alone, `[::]` too: whatever is listened on is
    /// written down.
    Tcp(SocketAddr),
    /// A Unix socket at this path. A socket that a dead server left there is replaced, and at the end the file is removed.
    /// Who may connect, the umask says.
    Unix(PathBuf),
    /// The sockets that systemd, or whoever speaks its protocol (sd_listen_fds(3)), opened for this process: all of them,
    /// or those of this name.
    Inherited(Option<String>),
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Listen {
        Listen::Tcp(address)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        match text.split_once(':') {
            Some(("unix", path)) if !path.is_empty() => Ok(Listen::Unix(path.into())),
            Some(("systemd", name)) if !name.is_empty() => {
                Ok(Listen::Inherited(Some(name.to_owned())))
            }
            None if text == "systemd" => Ok(Listen::Inherited(None)),
            _ => text.parse().map(Listen::Tcp).map_err(|_| {
                "write it as 127.0.0.1:8080, [::1]:8080, unix:PATH, systemd or systemd:NAME"
                    .to_owned()
            }),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => write!(f, "{address}"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
            Listen::Inherited(None) => f.write_str("systemd"),
            Listen::Inherited(Some(name)) => write!(f, "systemd:{name}"),
        }
    }
}

impl Listen {
    /// What to do about an error of listening there.
    pub(crate) fn advice(&self, error: &io::Error) -> &'static str {
        match self {
            Listen::Tcp(address) => tcp_advice(address, error),
            Listen::Unix(_) => unix_advice(error),
            Listen::Inherited(_) => {
                "it has to be opened by ListenStream=, with Accept=no, in a socket unit of systemd"
            }
        }
    }
}

fn tcp_advice(address: &SocketAddr, error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "stop the other server or listen on another port; port 0 takes a free one"
        }
        ErrorKind::PermissionDenied if address.port() < 1024 => {
            "listen on a port from 1024 on, give the program CAP_NET_BIND_SERVICE, or let a socket unit of systemd open it"
        }
        ErrorKind::AddrNotAvailable if address.is_ipv4() => {
            "listen on an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        }
        ErrorKind::AddrNotAvailable => {
            "listen on an address of this machine, such as [::1] or [::]"
        }
        ErrorKind::InvalidInput if is_link_local(address) => {
            "name its interface by number, as in [fe80::1%2]:8080"
        }
        _ if Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT) => {
            "this machine lacks that family of addresses, so listen on one of the other"
        }
        _ => "check the address",
    }
}

fn is_link_local(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn unix_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "stop the other server or listen on another path",
        ErrorKind::AlreadyExists => "remove what is there or listen on another path",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "let this user write to the folder, or listen in one that it may write to, such as that of RuntimeDirectory= \
             in a unit of systemd"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => "make the folder first",
        ErrorKind::InvalidInput => "listen on a shorter path",
        _ => "check the path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in [
            "127.0.0.1:8080",
            "[::]:0",
            "[fe80::1%2]:80",
            "unix:/run/a.sock",
            "unix:a:b",
            "systemd",
            "systemd:web",
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!(listen.to_string(), text);
        }
        for text in ["", "8080", "localhost:80", "unix:", "systemd:", "fd:3"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_error_of_listening_has_its_advice() {
        let advice = |listen: &str, errno: Errno| {
            let listen: Listen = listen.parse().unwrap();
            listen.advice(&errno.into())
        };
        assert!(advice("[fe80::1]:80", Errno::INVAL).contains("interface"));
        assert!(advice("[::1]:80", Errno::AFNOSUPPORT).contains("family"));
        assert!(advice("[2001:db8::1]:80", Errno::ADDRNOTAVAIL).contains("[::]"));
        assert!(advice("unix:/run/a", Errno::ROFS).contains("RuntimeDirectory="));
        assert_eq!(advice("127.0.0.1:80", Errno::NOMEM), "check the address");
    }
}
