//! One hostile client: its socket, and how far it is in its script.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::attack::{Move, Reads};
use crate::load::sys::Event;

/// What is read at once and thrown away.
const BUFFER_BYTES: usize = 16 << 10;

/// Clients come from so many addresses, so that ports which the kernel keeps for a while do not run out.
const ADDRESSES: usize = 32;

pub(super) struct Client {
    index: usize,
    pub(super) script: usize,
    /// Counts its sockets, those to come included.
    pub(super) generation: u32,
    socket: Option<TcpStream>,
    /// The move it is at, and how many of its bytes are sent.
    at: usize,
    sent: usize,
    /// It cannot go on before its socket tells something.
    waits: bool,
    /// Bytes have come since the last `Await`.
    answered: bool,
    /// The last status that was seen.
    status: Option<u16>,
}

/// What came of a move.
pub(super) enum Done {
    /// It waits for an event.
    Waits,
    /// It goes on after so many milliseconds.
    Again(u64),
    /// The connection is over.
    Ended(String),
}

impl Client {
    pub(super) fn new(index: usize, scripts: usize) -> Client {
        Client {
            index,
            script: index % scripts,
            generation: 0,
            socket: None,
            at: 0,
            sent: 0,
            waits: false,
            answered: false,
            status: None,
        }
    }

    pub(super) fn socket(&self) -> Option<&TcpStream> {
        self.socket.as_ref()
    }

    /// Begins to connect, from an address of its own where the server is on this machine.
    pub(super) fn connect(
        &mut self,
        address: SocketAddr,
        reads: Reads,
    ) -> std::io::Result<&TcpStream> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if address.ip() == Ipv4Addr::LOCALHOST {
            let own = Ipv4Addr::new(127, 0, 1, (self.index % ADDRESSES) as u8 + 1);
            socket.bind(&SocketAddr::from((own, 0)).into())?;
        }
        if reads == Reads::Nothing {
            // The kernel makes it the smallest that it allows (tcp(7)).
            socket.set_recv_buffer_size(1)?;
        }
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(self.socket.insert(socket.into())),
        }
    }

    /// Makes the move it is at.
    pub(super) fn step(&mut self, script: &[Move], sent_bytes: &mut u64) -> Done {
        self.waits = false;
        while let Some(Move::Repeat(to)) = script.get(self.at) {
            self.at = *to;
        }
        match script.get(self.at) {
            // It stays until the server ends the connection.
            None | Some(Move::Repeat(_)) => self.wait(),
            Some(Move::Send(bytes)) => self.send(bytes, bytes.len(), 0, sent_bytes),
            Some(Move::Drip(bytes, pause_ms)) => self.send(bytes, 1, *pause_ms, sent_bytes),
            Some(Move::Await) if !self.answered => self.wait(),
            Some(Move::Await) => {
                self.answered = false;
                self.on(0)
            }
            Some(Move::Pause(ms)) => self.on(*ms),
            Some(Move::Sip(bytes)) => {
                let mut buffer = [0; 64];
                let most = (*bytes).min(buffer.len());
                match self.read(&mut buffer[..most]) {
                    Heard::Over(how) => Done::Ended(how),
                    _ => self.on(0),
                }
            }
            Some(Move::Finish) => {
                // An error says that the connection has broken, which an event tells too.
                let _ = self
                    .socket
                    .as_ref()
                    .map(|socket| socket.shutdown(Shutdown::Write));
                self.on(0)
            }
            Some(Move::Reset) => {
                self.leave();
                Done::Ended("reset by the client".to_owned())
            }
            Some(Move::Close) => Done::Ended("closed by the client".to_owned()),
        }
    }

    fn wait(&mut self) -> Done {
        self.waits = true;
        Done::Waits
    }

    fn on(&mut self, after_ms: u64) -> Done {
        self.at += 1;
        self.sent = 0;
        Done::Again(after_ms)
    }

    /// Sends the next so many bytes at most.
    fn send(&mut self, bytes: &[u8], most: usize, pause_ms: u64, sent_bytes: &mut u64) -> Done {
        let Some(mut socket) = self.socket.as_ref() else {
            return self.wait();
        };
        let rest = &bytes[self.sent..];
        match socket.write(&rest[..most.min(rest.len())]) {
            Ok(count) => {
                *sent_bytes += count as u64;
                self.sent += count;
                if self.sent == bytes.len() {
                    self.on(pause_ms)
                } else {
                    Done::Again(pause_ms)
                }
            }
            // What broke the connection is told by an event.
            Err(_) => self.wait(),
        }
    }

    /// Whether an event lets it go on.
    pub(super) fn noticed(&mut self, script: &[Move], event: Event) -> bool {
        let awaits = matches!(script.get(self.at), Some(Move::Await));
        self.answered |= event.readable();
        self.waits
            && (awaits && self.answered || !awaits && event.writable())
            && self.at < script.len()
    }

    /// Reads what an event tells of; how the connection ended, if it did. What is not to be read is read at the end only,
    /// to find out which end it was.
    pub(super) fn heard(&mut self, event: Event, reads: Reads) -> Option<String> {
        if self.socket.is_none() || !(event.ended() || event.readable() && reads == Reads::All) {
            return None;
        }
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            match self.read(&mut buffer) {
                Heard::Bytes => {}
                Heard::Nothing => return None,
                Heard::Over(how) => return Some(how),
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Heard {
        let Some(mut socket) = self.socket.as_ref() else {
            return Heard::Nothing;
        };
        let how = match socket.read(buffer) {
            Ok(0) => "closed".to_owned(),
            Ok(count) => {
                self.status = status(&buffer[..count]).or(self.status);
                return Heard::Bytes;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset".to_owned(),
            Err(error) => error.to_string(),
        };
        Heard::Over(match self.status {
            Some(status) => format!("{how} after {status}"),
            None => how,
        })
    }

    /// Ends the connection by a reset; whether there was one.
    pub(super) fn leave(&mut self) -> bool {
        let Some(socket) = self.socket.take() else {
            return false;
        };
        // It fails on no open socket; if it did, the connection would be closed as usual.
        let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        true
    }

    /// Is ready to connect anew.
    pub(super) fn forget(&mut self) {
        *self = Client {
            generation: self.generation.wrapping_add(1),
            script: self.script,
            ..Client::new(self.index, 1)
        };
    }
}

enum Heard {
    Bytes,
    Nothing,
    Over(String),
}

/// The status of an answer that these bytes begin with.
fn status(bytes: &[u8]) -> Option<u16> {
    let code = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}
