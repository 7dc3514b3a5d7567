//! The loop: hand over what was asked for, wait, follow each completion, serve what changed besides, tell the time.

use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Buffers, Ended, Handler, Id, Now, REST_MS, Refused, Want, Worker};

use crate::sockets::Sockets;
use crate::sys::ring::{Completion, IGNORED, Ring};
use crate::sys::{self, Operation};
use crate::tuning::Tuning;

// What a completion belongs to, in the eight bits above the id.
const RECEIVE: u64 = 1 << 56;
const SEND: u64 = 2 << 56;
const KIND: u64 = 0xff << 56;
// What belongs to no connection.
const ACCEPT: u64 = 3 << 56;
const STOP: u64 = 4 << 56;
const LAST_ACCEPT: u64 = 5 << 56;
// Of a connection again: its sending direction is being closed.
const SHUT: u64 = 6 << 56;

/// Runs `worker` on `listener` until `stop` becomes readable, then until everything under way is finished. Says that it is
/// `ready` once the kernel gave what that takes.
///
/// # Errors
/// What the kernel says of the ring itself; a failing connection ends alone.
pub fn run<H: Handler, B: Buffers>(
    mut worker: Worker<H, B>,
    listener: TcpListener,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now,
    ready: impl FnOnce(),
    tuning: &Tuning,
) -> io::Result<()> {
    let ring = Ring::for_worker(tuning, worker.limits())?;
    let sockets = Sockets::default();
    let mut this = Loop {
        worker: &mut worker,
        ring,
        listener: Some(listener),
        accepting: false,
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
    /// `None` once it stops.
    listener: Option<TcpListener>,
    /// A multishot accept is armed.
    accepting: bool,
    stopping: bool,
    /// How many are accepted at most while it stops.
    backlog_left: u16,
    /// Accepting was refused; until then, or until a connection ends, it is not tried again.
    rest_until_ms: Option<u64>,
    sockets: Sockets,
}

impl<H: Handler, B: Buffers> Loop<'_, H, B> {
    fn run(mut self, now: impl Fn() -> Now) -> io::Result<()> {
        let mut time = now();
        self.worker.tick(time);
        while self.listener.is_some() || self.worker.live() > 0 {
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
            ACCEPT | LAST_ACCEPT => self.accepted(completion, time),
            STOP => self.stop(),
            SHUT => self.shut(id),
            _ => unreachable!("every operation has one of these kinds"),
        }
    }

    /// Arms the multishot accept, whose connections become direct descriptors.
    fn accept(&mut self) -> io::Result<()> {
        self.rest_until_ms = None;
        if let Some(listener) = self
            .listener
            .as_ref()
            .filter(|_| !self.accepting && !self.stopping)
        {
            self.accepting = true;
            self.ring.push(&Operation::accept(listener, ACCEPT))?;
        }
        Ok(())
    }

    fn accepted(&mut self, completion: Completion, time: Now) -> io::Result<()> {
        self.accepting = completion.more;
        if let slot @ 0.. = completion.result {
            match self.worker.open(None) {
                Some(id) => {
                    self.sockets.insert(id, slot as u32);
                    self.serve(id)?;
                }
                None => self.ring.close(slot as u32)?,
            }
        } else if !self.stopping {
            match Refused::of(-completion.result) {
                // Ended by the kernel, not by us.
                _ if completion.result == -libc::ECANCELED => {}
                Refused::Connection => {}
                Refused::Listener => return Err(io::Error::from_raw_os_error(-completion.result)),
                Refused::Now => {
                    self.rest_until_ms = Some(time.monotonic_ms + REST_MS);
                    return Ok(());
                }
            }
        }
        match self.stopping {
            false => self.accept(),
            true => self.accepted_last(completion),
        }
    }

    /// The accept that is armed may be cancelled before it has looked who is there, so one more follows it.
    fn stop(&mut self) -> io::Result<()> {
        self.stopping = true;
        self.rest_until_ms = None;
        if self.accepting {
            self.ring.cancel(ACCEPT)
        } else {
            self.accept_last()
        }
    }

    /// Accepts who has connected already: an accept looks at once, and is cancelled when it would begin to wait.
    fn accept_last(&mut self) -> io::Result<()> {
        if let Some(listener) = &self.listener {
            self.accepting = true;
            self.ring.push(&Operation::accept(listener, LAST_ACCEPT))?;
            self.ring.cancel(LAST_ACCEPT)?;
        }
        Ok(())
    }

    /// The listener stays until the last accept has ended: its descriptor may stand in an operation that is yet to be
    /// handed over.
    fn accepted_last(&mut self, completion: Completion) -> io::Result<()> {
        self.backlog_left = self.backlog_left.saturating_sub(1);
        if self.accepting {
            return Ok(());
        }
        // Without an error it has ended for want of room in the completion queue.
        let waited = completion.token == LAST_ACCEPT
            && completion.result < 0
            && Refused::of(-completion.result) != Refused::Connection;
        if waited || self.backlog_left == 0 {
            self.listener = None;
            self.worker.drain();
            return Ok(());
        }
        self.accept_last()
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
        let begun = std::mem::replace(&mut socket.closed, true);
        if !begun {
            if receiving {
                self.ring.cancel(RECEIVE | id.to_bits())?;
            }
            if sending {
                self.ring.cancel(SEND | id.to_bits())?;
            }
            self.ring.close(slot)?;
        }
        if !receiving && !sending {
            self.sockets.remove(id);
            self.worker.ended(id, how);
            if self.rest_until_ms.is_some() {
                self.rest_until_ms = Some(0);
            }
        }
        Ok(())
    }
}
