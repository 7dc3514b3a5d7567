//! Accepting, such that nobody is accepted for whom there is no room: a connection that the kernel has taken from its
//! queue could only be closed again.
//!
//! ```text
//!            much room                                        little room, or the peer is to be told
//!  Nothing ────────────▶ Many: accepts again and again       Nothing ──▶ Watching: a poll
//!     ▲                    │ little room: cancelled             ▲            │ somebody is there
//!     └────────────────────┘                                    │            ▼
//!                                                    all asked  └──────── Asking: some accepts, which do not wait
//! ```
//! How many a multishot accept takes before it hears of its end is bounded by the room for completions, so that is how
//! much room is "much". A listener with nothing under way is taken up again when a connection ends.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use orthant_core::{BACKLOG_MAX, Buffers, Handler, Now, REST_MS, Refused};

use super::{ACCEPT, ASK, Loop, WATCH};
use crate::sys::Operation;
use crate::sys::ring::Completion;

/// How many connections are asked for at one time, at most: so many places are there for the addresses of peers.
pub(super) const ASKS_MAX: usize = 16;

/// A listening socket.
pub(super) struct Listener {
    fd: OwnedFd,
    doing: Doing,
    /// How many are asked for next: twice as many as before where all have come, or else one.
    asks: usize,
    /// How many of them have not been heard of.
    asking: usize,
}

/// What is under way for a listener.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    Many,
    /// `Many` or `Watching`, until the kernel says that it is over.
    Cancelled,
    Watching,
    Asking,
    /// The same while it stops: where nobody is found now, nobody is left.
    AskingLast,
}

impl Listener {
    pub(super) fn new(fd: OwnedFd) -> Listener {
        Listener {
            fd,
            doing: Doing::Nothing,
            asks: 1,
            asking: 0,
        }
    }
}

impl<H: Handler, B: Buffers> Loop<'_, H, B> {
    /// Begins to accept wherever nothing is under way.
    pub(super) fn accept(&mut self) -> io::Result<()> {
        self.rest_until_ms = None;
        self.accept_from_all()
    }

    /// The last that was accepted from comes last.
    fn accept_from_all(&mut self) -> io::Result<()> {
        let count = self.listeners.len();
        let first = self.next_listener;
        (first..first + count).try_for_each(|index| self.accept_from(index % count))
    }

    /// How many connections may be accepted beyond those that are being accepted one by one.
    fn room(&self) -> usize {
        let descriptors = self.ring.descriptors().saturating_sub(self.worker.live());
        let reserved = self.listeners.iter().map(|listener| listener.asking).sum();
        self.worker.room().min(descriptors).saturating_sub(reserved)
    }

    fn has_much_room(&self) -> bool {
        !H::PEERS && self.room() > self.ring.completions() + self.listeners.len()
    }

    fn accept_from(&mut self, index: usize) -> io::Result<()> {
        let paused = !self.worker.accepting() || self.rest_until_ms.is_some() || self.stopping;
        if self.listeners[index].doing != Doing::Nothing || paused || self.room() == 0 {
            return Ok(());
        }
        let much = self.has_much_room();
        let listener = &mut self.listeners[index];
        let operation = if much {
            listener.doing = Doing::Many;
            Operation::accept(&listener.fd, ACCEPT | index as u64)
        } else {
            listener.doing = Doing::Watching;
            Operation::poll(&listener.fd, WATCH | index as u64)
        };
        self.ring.push(&operation)
    }

    /// Accepts as many as there are, up to a number for which there is room: an accept looks at once, and is cancelled when
    /// it would begin to wait.
    fn ask(&mut self, index: usize, doing: Doing) -> io::Result<()> {
        let room = self.room();
        let listener = &mut self.listeners[index];
        listener.doing = doing;
        listener.asks = listener.asks.min(room);
        listener.asking = listener.asks;
        for ask in 0..listener.asks {
            let token = ASK | (ask as u64) << 32 | index as u64;
            let place = H::PEERS.then_some(index * ASKS_MAX + ask);
            self.ring.accept_one(&listener.fd, place, token)?;
            self.ring.cancel(token)?;
        }
        Ok(())
    }

    /// A multishot accept says something.
    pub(super) fn accepted(&mut self, completion: Completion, time: Now) -> io::Result<()> {
        let index = completion.token as u32 as usize;
        if !completion.more {
            self.listeners[index].doing = Doing::Nothing;
        }
        match completion.result {
            slot @ 0.. => self.opened(slot as u32, None)?,
            error => self.refused(-error, time)?,
        }
        if !self.has_much_room() {
            self.accept_no_more()?;
        }
        self.go_on()
    }

    /// Cancels all multishot accepts. The kernel hears of it before it looks at their listeners again.
    fn accept_no_more(&mut self) -> io::Result<()> {
        for index in 0..self.listeners.len() {
            if self.listeners[index].doing == Doing::Many {
                self.cancel(index, ACCEPT)?;
            }
        }
        Ok(())
    }

    /// Somebody is there, or a poll was cancelled.
    pub(super) fn watched(&mut self, completion: Completion, time: Now) -> io::Result<()> {
        let index = completion.token as u32 as usize;
        self.listeners[index].doing = Doing::Nothing;
        if completion.result < 0 {
            self.refused(-completion.result, time)?;
        } else if !self.stopping && self.worker.accepting() && self.room() > 0 {
            return self.ask(index, Doing::Asking);
        }
        self.go_on()
    }

    /// A single accept is over.
    pub(super) fn asked(&mut self, completion: Completion, time: Now) -> io::Result<()> {
        let index = completion.token as u32 as usize;
        let listener = &mut self.listeners[index];
        let last = listener.doing == Doing::AskingLast;
        listener.asking -= 1;
        if let slot @ 0.. = completion.result {
            if listener.asking == 0 {
                listener.asks = (listener.asks * 2).min(ASKS_MAX);
            }
            let ask = (completion.token >> 32) as u8;
            let place = index * ASKS_MAX + usize::from(ask);
            let peer = H::PEERS.then(|| self.ring.peer(place)).flatten();
            self.opened(slot as u32, peer)?;
            self.next_listener = index + 1;
            self.backlog_left = self.backlog_left.saturating_sub(u16::from(last));
        } else {
            // In their order: who is asked for behind it is not there either.
            listener.asks = 1;
            self.refused(-completion.result, time)?;
            if last && Refused::of(-completion.result) != Refused::Connection {
                self.backlog_left = 0;
            }
        }
        if self.listeners[index].asking > 0 {
            return Ok(());
        }
        self.listeners[index].doing = Doing::Nothing;
        self.go_on()
    }

    fn opened(&mut self, slot: u32, peer: Option<SocketAddr>) -> io::Result<()> {
        match self.worker.open(peer) {
            Some(id) => {
                self.sockets.insert(id, slot);
                self.serve(id)
            }
            None => self.ring.close(slot),
        }
    }

    fn refused(&mut self, error: i32, time: Now) -> io::Result<()> {
        match Refused::of(error) {
            // By us, or by the kernel where it has no room for completions.
            _ if matches!(error, libc::ECANCELED | libc::EAGAIN) => Ok(()),
            Refused::Connection => Ok(()),
            Refused::Listener => Err(io::Error::from_raw_os_error(error)),
            Refused::Now => {
                self.worker.counters().accept_rests.add(1);
                self.rest_until_ms = Some(time.monotonic_ms + REST_MS);
                Ok(())
            }
        }
    }

    /// Goes on with all of them: one may have waited for the room that another has not used.
    fn go_on(&mut self) -> io::Result<()> {
        if self.stopping {
            self.finish()
        } else {
            self.accept_from_all()
        }
    }

    fn cancel(&mut self, index: usize, kind: u64) -> io::Result<()> {
        self.listeners[index].doing = Doing::Cancelled;
        self.ring.cancel(kind | index as u64)
    }

    /// Accepts who has connected already, and nobody after them.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        self.stopping = true;
        self.rest_until_ms = None;
        self.finish()
    }

    /// Takes one listener after the other, the last of them first. Each stays until nothing is under way for it: its
    /// descriptor may stand in an operation that is yet to be handed over.
    fn finish(&mut self) -> io::Result<()> {
        while let Some(listener) = self.listeners.last() {
            let index = self.listeners.len() - 1;
            match listener.doing {
                Doing::Nothing if self.backlog_left > 0 && self.room() > 0 => {
                    return self.ask(index, Doing::AskingLast);
                }
                Doing::Nothing => {
                    self.listeners.pop();
                    self.backlog_left = BACKLOG_MAX;
                }
                Doing::Many => return self.cancel(index, ACCEPT),
                Doing::Watching => return self.cancel(index, WATCH),
                Doing::Cancelled | Doing::Asking | Doing::AskingLast => return Ok(()),
            }
        }
        self.worker.drain();
        Ok(())
    }
}
