//! The floor of this backend: what the kernel alone costs. It receives, counts the heads of requests, and sends the same
//! 66 bytes for each, with the same operations as the backend; it understands nothing.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::io;
use std::net::TcpListener;

#[path = "../../floor.rs"]
mod floor;
#[path = "../src/sys.rs"]
#[expect(dead_code, reason = "the floor needs less than the backend")]
mod sys;
#[path = "../src/tuning.rs"]
#[expect(dead_code, unreachable_pub, reason = "the floor takes the defaults")]
mod tuning;

use floor::{Answers, Heads};
use sys::Operation;
use sys::ring::{Completion, Ring};

const ACCEPT: u64 = 1 << 32;
const RECEIVE: u64 = 2 << 32;
const SEND: u64 = 3 << 32;

#[derive(Default)]
struct Connection {
    heads: Heads,
    answers: Answers,
    receiving: bool,
    sending: bool,
    over: bool,
}

struct Floor {
    ring: Ring,
    listener: TcpListener,
    /// By direct descriptor.
    connections: Vec<Connection>,
}

fn main() -> io::Result<()> {
    let listener = floor::listen("uring")?;
    let ring = Ring::new(&tuning::Tuning::default(), 4096)?;
    let mut floor = Floor {
        ring,
        listener,
        connections: Vec::new(),
    };
    floor.accept()?;
    loop {
        floor.ring.wait(None)?;
        while let Some(completion) = floor.ring.completion() {
            floor.completed(completion)?;
        }
    }
}

impl Floor {
    fn completed(&mut self, completion: Completion) -> io::Result<()> {
        let slot = completion.token as u32;
        match completion.token & !u64::from(u32::MAX) {
            ACCEPT => self.accepted(completion),
            RECEIVE => self.received(slot, completion),
            SEND => {
                let connection = &mut self.connections[slot as usize];
                connection.sending = false;
                match usize::try_from(completion.result) {
                    Ok(sent) => connection.answers.sent(sent),
                    Err(_) => connection.over = true,
                }
                self.send(slot)
            }
            _ => Ok(()),
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        self.ring.push(&Operation::accept(&self.listener, ACCEPT))
    }

    fn accepted(&mut self, completion: Completion) -> io::Result<()> {
        if let Ok(slot) = u32::try_from(completion.result) {
            if self.connections.len() <= slot as usize {
                self.connections
                    .resize_with(slot as usize + 1, Connection::default);
            }
            self.connections[slot as usize] = Connection::default();
            self.receive(slot)?;
        }
        if completion.more {
            Ok(())
        } else {
            self.accept()
        }
    }

    fn receive(&mut self, slot: u32) -> io::Result<()> {
        self.connections[slot as usize].receiving = true;
        self.ring
            .push(&Operation::receive(slot, RECEIVE | u64::from(slot)))
    }

    fn received(&mut self, slot: u32, completion: Completion) -> io::Result<()> {
        let connection = &mut self.connections[slot as usize];
        connection.receiving = completion.more;
        match (completion.buffer, usize::try_from(completion.result)) {
            (Some(buffer), Ok(length)) => {
                let heads = connection
                    .heads
                    .count(self.ring.buffers.bytes(buffer, length));
                connection.answers.owe(heads);
                self.ring.buffers.give_back(buffer);
            }
            (_, Err(_)) if completion.result == -libc::ENOBUFS => {}
            _ => connection.over = true,
        }
        if !completion.more && !connection.over {
            self.receive(slot)?;
        }
        self.send(slot)
    }

    /// Sends what is owed; closes what is over once nothing is under way, since then its number is free.
    fn send(&mut self, slot: u32) -> io::Result<()> {
        let connection = &mut self.connections[slot as usize];
        if connection.sending {
            return Ok(());
        }
        if connection.over {
            return if connection.receiving {
                Ok(())
            } else {
                self.ring.close(slot)
            };
        }
        if let Some(bytes) = connection.answers.pending() {
            connection.sending = true;
            // SAFETY: they are static.
            let send = unsafe { Operation::send(slot, bytes, SEND | u64::from(slot)) };
            self.ring.push(&send)?;
        }
        Ok(())
    }
}
