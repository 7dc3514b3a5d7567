//! Accepting: which listeners may have somebody, and when they are asked. Nobody is asked while the worker does not want
//! more, or for a while after the kernel refused; the end of a connection takes it up again.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use orthant_core::{BACKLOG_MAX, Buffers, Ended, Handler, Now, REST_MS, Refused};

use super::Loop;
use crate::sys;

/// How many connections are accepted before those that are open have their turn.
const TURN_ACCEPTS: usize = 16;

/// A listening socket.
pub(super) struct Listener {
    fd: OwnedFd,
    /// An edge has told that somebody came, and that nobody is left has not been seen since.
    waiting: bool,
}

impl Listener {
    pub(super) fn new(fd: OwnedFd) -> Listener {
        Listener { fd, waiting: false }
    }
}

impl<H: Handler, B: Buffers> Loop<'_, H, B> {
    /// Somebody has come to a listener.
    pub(super) fn came(&mut self, index: usize) {
        // Not while it stops any more.
        if let Some(listener) = self.listeners.get_mut(index) {
            listener.waiting = true;
            self.accept_at_ms.get_or_insert(0);
        }
    }

    /// A connection has ended, which may be what accepting waits for.
    pub(super) fn left(&mut self) {
        if self.listeners.iter().any(|listener| listener.waiting) {
            self.accept_at_ms = Some(0);
        }
    }

    /// Accepts from all listeners in turn until there is nobody left, or others have to have their turn.
    pub(super) fn accept(&mut self, time: Now) -> io::Result<()> {
        self.accept_at_ms = None;
        let (mut nobody, mut calls) = (0, 0);
        while nobody < self.listeners.len() && self.worker.accepting() {
            if calls == TURN_ACCEPTS {
                self.accept_at_ms = Some(0);
                break;
            }
            let index = self.next_listener % self.listeners.len();
            self.next_listener = index + 1;
            if !self.listeners[index].waiting {
                nobody += 1;
                continue;
            }
            nobody = 0;
            calls += 1;
            let Err(error) = self.accept_one(index) else {
                continue;
            };
            if error.kind() == ErrorKind::WouldBlock {
                self.listeners[index].waiting = false;
                continue;
            }
            match Refused::from(&error) {
                Refused::Connection => {}
                Refused::Listener => return Err(error),
                Refused::Now => {
                    self.worker.counters().accept_rests.add(1);
                    self.accept_at_ms = Some(time.monotonic_ms + REST_MS);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Accepts one connection. One that is not wanted is closed by being dropped.
    fn accept_one(&mut self, index: usize) -> io::Result<()> {
        let listener = &self.listeners[index].fd;
        let (fd, peer) = match H::PEERS {
            true => sys::accept_from(listener)?,
            false => (sys::accept(listener)?, None),
        };
        if let Some(id) = self.worker.open(peer) {
            if let Err(error) = self.epoll.add_connection(&fd, id.to_bits()) {
                self.worker.ended(id, Ended::Broken);
                return Err(error);
            }
            self.sockets.insert(id, fd);
        }
        Ok(())
    }

    /// Accepts who has connected already, and nobody after them.
    pub(super) fn stop(&mut self) {
        for index in 0..self.listeners.len() {
            for _ in 0..BACKLOG_MAX {
                if self.worker.room() == 0 {
                    break;
                }
                match self.accept_one(index) {
                    // Nobody is left, or nobody else can be accepted.
                    Err(error) if Refused::from(&error) != Refused::Connection => break,
                    _ => {}
                }
            }
        }
        self.listeners.clear();
        self.accept_at_ms = None;
        self.worker.drain();
    }
}
