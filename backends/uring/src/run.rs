//! The loop: hand over what was asked for, wait, follow each completion, serve what changed besides, tell the time.

mod accept;

use std::io;
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Buffers, Ended, Handler, Id, Now, Want, Worker};

use accept::{ASKS_MAX, Listener};

use crate::sockets::Sockets;
use crate::sys::ring::{Completion, IGNORED, Ring};
use crate::sys::{self, Operation};
use crate::tuning::Tuning;

// What a completion belongs to, in the eight bits above the id.
const RECEIVE: u64 = 1 << 56;
const SEND: u64 = 2 << 56;
const KIND: u64 = 0xff << 56;
// Of a connection again: its sending direction is being closed.
const SHUT: u64 = 3 << 56;
// What belongs to a listener, whose index stands below.
const ACCEPT: u64 = 4 << 56;
const WATCH: u64 = 5 << 56;
const ASK: u64 = 6 << 56;
const STOP: u64 = 7 << 56;

/// Runs `worker` on `listeners`, stream sockets of any family that listen, until `stop` becomes readable, then until
/// everything under way is finished. Says that it is `ready` once the kernel gave what that takes.
///
/// # Errors
/// What the kernel says of the ring itself; a failing connection ends alone.
pub fn run<H: Handler, B: Buffers>(
    mut worker: Worker<H, B>,
    listeners: Vec<OwnedFd>,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now,
    ready: impl FnOnce(),
    tuning: &Tuning,
) -> io::Result<()> {
    let peers = if H::PEERS {
        listeners.len() * ASKS_MAX
    } else {
        0
    };
    let ring = Ring::for_worker(tuning, worker.limits(), peers)?;
    let listeners = listeners.into_iter().map(|listener| {
        let listener = TcpListener::from(listener);
        // In that mode an accept would fail where it has to wait.
        listener.set_nonblocking(false)?;
        Ok(Listener::new(listener.into()))
    });
    let sockets = Sockets::default();
    let mut this = Loop {
        worker: &mut worker,
        ring,
        listeners: listeners.collect::<io::Result<_>>()?,
        next_listener: 0,
        stopping: false,
        backlog_left: BACKLOG_MAX,
        rest_until_ms: None,
        sockets,
    };
    this.accept()?;
    this.ring.push(&Operation::poll(&stop, STOP))?;
    ready();
    this.run(now)
}

struct Loop<'w, H: Handler, B: Buffers> {
    worker: &'w mut Worker<H, B>,
    /// Dropped before the worker can be: it takes back what the kernel holds of the worker's memory.
    ring: Ring,
    /// They go one by one once it stops.
    listeners: Vec<Listener>,
    /// Which of them comes first where there is not room for all.
    next_listener: usize,
    stopping: bool,
    /// How many are accepted at most from the last listener while it stops.
    backlog_left: u16,
    /// Accepting was refused; until then, or until a connection ends, it is not tried again.
    rest_until_ms: Option<u64>,
    sockets: Sockets,
}

impl<H: Handler, B: Buffers> Loop<'_, H, B> {
    fn run(mut self, now: impl Fn() -> Now) -> io::Result<()> {
        let mut time = now();
        self.worker.tick(time);
        while !self.listeners.is_empty() || self.worker.live() > 0 {
            let next_ms = self.worker.next_ms();
            self.ring.wait(self.timeout(time, next_ms))?;
            time = now();
            self.worker.tick(time);
            while let Some(completion) = self.ring.completion() {
                self.completed(completion, time)?;
            }
            while let Some((id, want)) = self.worker.next_changed() {
                self.wanted(id, want)?;
            }
            if self
                .rest_until_ms
                .is_some_and(|until_ms| time.monotonic_ms >= until_ms)
            {
                self.accept()?;
            }
        }
        Ok(())
    }

    fn timeout(&self, time: Now, next_ms: Option<u64>) -> Option<Duration> {
        let next_ms = next_ms.into_iter().chain(self.rest_until_ms).min();
        next_ms.map(|next_ms| Duration::from_millis(next_ms.saturating_sub(time.monotonic_ms)))
    }

    #[inline]
    fn completed(&mut self, completion: Completion, time: Now) -> io::Result<()> {
        let id = Id::from_bits(completion.token);
        match completion.token & KIND {
            _ if completion.token == IGNORED => Ok(()),
            RECEIVE => self.received(id, completion),
            SEND => self.sent(id, completion.result),
            SHUT => self.shut(id),
            ACCEPT => self.accepted(completion, time),
            WATCH => self.watched(completion, time),
            ASK => self.asked(completion, time),
            STOP => self.stop(),
            _ => unreachable!("every operation has one of these kinds"),
        }
    }

    #[inline]
    fn received(&mut self, id: Id, completion: Completion) -> io::Result<()> {
        let Some(socket) = self.sockets.get(id) else {
            // Cannot be, since a socket is forgotten only after its last completion; a buffer must not be lost anyhow.
            self.give_back(completion.buffer);
            return Ok(());
        };
        socket.receiving = completion.more;
        let unwanted = !socket.want.receive();
        match completion.result {
            length @ 0.. => {
                let bytes = match completion.buffer {
                    Some(index) => self.ring.buffers.bytes(index, length as usize),
                    None => &[],
                };
                socket.want = self.worker.on_bytes(id, bytes);
                self.give_back(completion.buffer);
                if unwanted && completion.more {
                    // It has been told to pause and data came all the same: only now is cancelling worth it.
                    self.ring.cancel(RECEIVE | id.to_bits())?;
                }
            }
            // All buffers were taken (they are given back by now), or the receive was cancelled.
            error
                if matches!(
                    -error,
                    libc::ENOBUFS | libc::ECANCELED | libc::EINTR | libc::EAGAIN
                ) => {}
            _ => {
                self.give_back(completion.buffer);
                return self.end(id, Ended::Broken);
            }
        }
        self.serve(id)
    }

    #[inline]
    fn give_back(&mut self, buffer: Option<u16>) {
        if let Some(index) = buffer {
            self.ring.buffers.give_back(index);
        }
    }

    #[inline]
    fn sent(&mut self, id: Id, result: i32) -> io::Result<()> {
        let Some(socket) = self.sockets.get(id) else {
            return Ok(());
        };
        socket.sending = false;
        match result {
            length @ 0.. => socket.want = self.worker.on_sent(id, length as usize),
            error if matches!(-error, libc::EAGAIN | libc::EINTR) => {
                socket.want = self.worker.on_sent(id, 0)
            }
            _ => return self.end(id, Ended::Broken),
        }
        self.serve(id)
    }

    fn shut(&mut self, id: Id) -> io::Result<()> {
        if let Some(socket) = self.sockets.get(id) {
            socket.shutting = false;
        }
        self.serve(id)
    }

    /// A connection wants something that it did not want before.
    fn wanted(&mut self, id: Id, want: Want) -> io::Result<()> {
        if let Some(socket) = self.sockets.get(id) {
            socket.want = want;
        }
        self.serve(id)
    }

    /// Asks for what a connection wants and what is not under way yet.
    #[inline]
    fn serve(&mut self, id: Id) -> io::Result<()> {
        let Some(socket) = self.sockets.get(id) else {
            return Ok(());
        };
        if let Some(how) = socket.ending {
            return self.end(id, how);
        }
        let want = socket.want;
        if want.close() {
            return self.end(id, Ended::Wanted);
        }
        let slot = socket.slot;
        if want.send()
            && !socket.sending
            && let Some(send) = sys::send(self.worker, id, slot, SEND | id.to_bits())
        {
            socket.sending = true;
            self.ring.push(&send)?;
        }
        if want.shut() {
            socket.want = Want::RECEIVE;
            socket.shutting = true;
            self.ring
                .push(&Operation::shut(slot, SHUT | id.to_bits()))?;
        }
        if want.receive() && !socket.receiving {
            socket.receiving = true;
            self.ring
                .push(&Operation::receive(slot, RECEIVE | id.to_bits()))?;
        }
        Ok(())
    }

    /// Closes a connection, and forgets it once nothing is under way for it: before that neither its memory nor its
    /// number may be used again. A shutdown looks its descriptor up only when a thread of the kernel gets to it, so
    /// until it has ended the descriptor may not be closed either: it would be somebody else's by then.
    fn end(&mut self, id: Id, how: Ended) -> io::Result<()> {
        let Some(socket) = self.sockets.get(id) else {
            return Ok(());
        };
        let how = *socket.ending.get_or_insert(how);
        if socket.shutting {
            return Ok(());
        }
        let (receiving, sending, slot) = (socket.receiving, socket.sending, socket.slot);
        let resets = socket.want.reset();
        let begun = std::mem::replace(&mut socket.closed, true);
        if !begun {
            if receiving {
                self.ring.cancel(RECEIVE | id.to_bits())?;
            }
            if sending {
                self.ring.cancel(SEND | id.to_bits())?;
            }
            if resets {
                self.ring.disconnect(slot)?;
            }
            self.ring.close(slot)?;
        }
        if !receiving && !sending {
            self.sockets.remove(id);
            self.worker.ended(id, how);
            // It may be what accepting waits for.
            self.accept()?;
        }
        Ok(())
    }
}
