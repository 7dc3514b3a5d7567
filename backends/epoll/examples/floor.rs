//! The floor of this backend: what the kernel alone costs. It receives, counts the heads of requests, and sends the same
//! 66 bytes for each, with the same calls in the same order as the backend; it understands nothing.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

#[path = "../src/sys.rs"]
#[expect(
    dead_code,
    reason = "the floor needs fewer of the system calls than the backend"
)]
mod sys;

#[path = "../../floor.rs"]
mod floor;

use floor::{Answers, Heads};

const LISTENER: u64 = u64::MAX;

struct Connection {
    fd: OwnedFd,
    heads: Heads,
    answers: Answers,
}

fn main() -> io::Result<()> {
    let listener = floor::listen("epoll")?;
    listener.set_nonblocking(true)?;
    let mut epoll = sys::Epoll::new(256)?;
    epoll.add_source(&listener, LISTENER)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        for index in 0..epoll.wait(-1)? {
            let event = epoll.event(index);
            if event.token == LISTENER {
                accept(&listener, &epoll, &mut connections)?;
            } else if let place @ Some(_) = &mut connections[event.token as usize]
                && !serve(
                    place.as_mut().expect("it was just seen"),
                    event,
                    &mut buffer,
                )
            {
                *place = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    epoll: &sys::Epoll,
    connections: &mut Vec<Option<Connection>>,
) -> io::Result<()> {
    loop {
        let fd = match sys::accept(listener) {
            Ok(fd) => fd,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let index = fd.as_raw_fd() as usize;
        epoll.add_connection(&fd, index as u64)?;
        if connections.len() <= index {
            connections.resize_with(index + 1, || None);
        }
        connections[index] = Some(Connection {
            fd,
            heads: Heads::default(),
            answers: Answers::default(),
        });
    }
}

/// Receives, answers; false when the connection is over.
fn serve(connection: &mut Connection, event: sys::Event, buffer: &mut [u8]) -> bool {
    let mut more = event.readable;
    while more {
        match sys::receive(connection.fd.as_fd(), buffer) {
            Ok(0) => return false,
            Ok(received) => {
                connection
                    .answers
                    .owe(connection.heads.count(&buffer[..received]));
                more = received == buffer.len() || event.ended;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => more = false,
            Err(_) => return false,
        }
        while let Some(bytes) = connection.answers.pending() {
            match sys::send(connection.fd.as_fd(), bytes) {
                Ok(sent) => connection.answers.sent(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
    }
    while let (true, Some(bytes)) = (event.writable, connection.answers.pending()) {
        match sys::send(connection.fd.as_fd(), bytes) {
            Ok(sent) => connection.answers.sent(sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
    true
}
