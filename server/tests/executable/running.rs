//! A server that runs for a test, and a client to it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orthant"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A server that does not outlive its test, however that ends.
pub(super) struct Running(pub(super) Child);

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has been waited for where all went well.
        if self.0.try_wait().unwrap().is_none() {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

impl Running {
    pub(super) fn terminate(&self) {
        self.signal("-TERM");
    }

    pub(super) fn signal(&self, signal: &str) {
        let killed = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
    }
}

/// A started server, and its address.
pub(super) fn start(arguments: &[&str]) -> (Running, SocketAddr) {
    let mut child = Running(
        command(&[&["--listen", "127.0.0.1:0"], arguments].concat())
            .spawn()
            .unwrap(),
    );
    let address = announced(&mut child);
    (child, address)
}

/// The address that a server says it listens on.
pub(super) fn announced(child: &mut Child) -> SocketAddr {
    let [address] = &announced_all(child)[..] else {
        panic!("it listens elsewhere too")
    };
    address.parse().unwrap()
}

/// All that a server says it listens on.
pub(super) fn announced_all(child: &mut Child) -> Vec<String> {
    let line = first_line(child);
    let (_, rest) = line
        .split_once(" listening on ")
        .unwrap_or_else(|| panic!("it said {line:?}"));
    let (addresses, workers) = rest.split_once(", ").unwrap();
    assert!(workers.starts_with(|first: char| first.is_ascii_digit()));
    addresses.split(" and ").map(str::to_owned).collect()
}

/// Whether it comes to listen; it ends otherwise.
pub(super) fn listens(child: &mut Child) -> bool {
    !first_line(child).is_empty()
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(TIMEOUT)).unwrap();
    client
}

/// All of these ask before the first of them reads its answer.
pub(super) fn all_ask(clients: &mut [TcpStream]) {
    for client in &mut *clients {
        client
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
    }
    for client in clients {
        assert!(read_answers(client, 1).starts_with("HTTP/1.1 204"));
    }
}

/// A client of a Unix socket.
pub(super) fn connect_unix(path: &Path) -> UnixStream {
    let client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(TIMEOUT)).unwrap();
    client
}

/// A client that has been accepted and answered.
pub(super) fn served(address: SocketAddr) -> TcpStream {
    answered(connect(address))
}

/// A client that has been answered.
pub(super) fn answered<C: Read + Write>(mut client: C) -> C {
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert!(read_answers(&mut client, 1).starts_with("HTTP/1.1 204"));
    client
}

pub(super) fn read_answers(client: &mut impl Read, count: usize) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while text.matches("\r\n\r\n").count() < count {
        let received = read(client, &mut buffer);
        assert!(received > 0, "it closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..received]).unwrap());
    }
    text
}

/// Reads what is there, or waits for it.
pub(super) fn read(client: &mut impl Read, piece: &mut [u8]) -> usize {
    loop {
        match client.read(piece) {
            // A read that may time out is not taken up again by the kernel (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => return received.unwrap(),
        }
    }
}

/// What a server says that has nowhere to listen, in a line, for whoever starts it.
pub(super) fn complaint_of(mut command: Command) -> String {
    let mut child = Running(command.spawn().unwrap());
    assert!(!listens(&mut child), "it listens: {command:?}");
    let mut said = String::new();
    let mut errors = child.stderr.take().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

pub(super) fn output(arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

/// Runs `then` where nothing that is started has this capability.
pub(super) fn without<R: Send>(capability: CapabilitySet, then: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let limited = scope.spawn(|| {
            match remove_capability_from_bounding_set(capability) {
                // Without CAP_SETPCAP there is none to drop.
                Ok(()) | Err(Errno::PERM) => then(),
                Err(error) => panic!("failed to drop {capability:?}: {error}"),
            }
        });
        limited.join().unwrap()
    })
}
