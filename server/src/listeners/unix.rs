//! Unix sockets that have a path (unix(7)). A file stays behind when a server is killed, so one that nobody listens on is
//! replaced; two servers that begin at one moment where such a file lies are not kept apart.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use orthant_core::BACKLOG_MAX;
use socket2::{Domain, SockAddr, Socket, Type};

/// What a `sockaddr_un` has room for, less the NUL at the end.
const PATH_BYTES_MAX: usize = 107;

/// The file of a socket, removed when this is dropped, unless it is somebody else's by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

/// Listens at this path.
pub(super) fn listen(path: &Path) -> io::Result<(Socket, SocketFile)> {
    let bytes = path.as_os_str().len();
    if bytes > PATH_BYTES_MAX {
        let says = format!("the path has {bytes} bytes, and the most is {PATH_BYTES_MAX}");
        return Err(io::Error::new(ErrorKind::InvalidInput, says));
    }
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let mut bound = socket.bind(&address);
    if matches!(&bound, Err(error) if error.kind() == ErrorKind::AddrInUse) {
        remove_dead(path, &address)?;
        bound = socket.bind(&address);
    }
    bound?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path)?,
    };
    socket.listen(BACKLOG_MAX.into())?;
    Ok((socket, file))
}

/// Removes the socket that is there if nobody listens on it.
fn remove_dead(path: &Path, address: &SockAddr) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let says = "a file that is no socket is there";
        return Err(io::Error::new(ErrorKind::AlreadyExists, says));
    }
    let client = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A server that does not accept for now is alive too.
    client.set_nonblocking(true)?;
    match client.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(ErrorKind::AddrInUse.into()),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // If it stays, the next server replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What is written for an address that has no path: its abstract name after `@`, or nothing.
pub(super) fn path(address: &SockAddr) -> PathBuf {
    if let Some(path) = address.as_pathname() {
        return path.to_owned();
    }
    let name = address.as_abstract_namespace().unwrap_or_default();
    let name = [&b"@"[..], name].concat();
    PathBuf::from(std::ffi::OsStr::from_bytes(&name))
}
