//! The loop: wait, serve what is ready, serve what changed besides, accept, tell the time.

mod accept;

use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};

use orthant_core::{Buffers, Ended, Handler, Id, Now, Want, Worker};

use accept::Listener;

use crate::sockets::Sockets;
use crate::sys::{self, Epoll, Event};
use crate::tuning::Tuning;

// What is no connection's id, which are below this.
const LISTENERS: u64 = 1 << 56;
const STOP: u64 = u64::MAX;

/// How often one connection is received from and sent to before the others have their turn.
const TURN_CALLS: usize = 16;

/// Runs `worker` on `listeners`, stream sockets of any family that listen, until `stop` becomes readable, then until
/// everything under way is finished. Says that it is `ready` once the kernel gave what that takes.
///
/// # Errors
/// What the kernel says of the epoll instance itself; a failing connection ends alone.
pub fn run<H: Handler, B: Buffers>(
    mut worker: Worker<H, B>,
    listeners: Vec<OwnedFd>,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now,
    ready: impl FnOnce(),
    tuning: &Tuning,
) -> io::Result<()> {
    let epoll = Epoll::new(tuning.events)?;
    for (listener, token) in listeners.iter().zip(LISTENERS..) {
        rustix::io::ioctl_fionbio(listener, true)?;
        epoll.add_source(listener, token)?;
    }
    epoll.add_source(&stop, STOP)?;
    let sockets = Sockets::default();
    let buffer = vec![0; tuning.receive_bytes];
    ready();
    Loop {
        worker: &mut worker,
        epoll,
        listeners: listeners.into_iter().map(Listener::new).collect(),
        next_listener: 0,
        accept_at_ms: None,
        sockets,
        again: Vec::new(),
        turn: Vec::new(),
        buffer,
    }
    .run(now)
}

struct Loop<'w, H: Handler, B: Buffers> {
    worker: &'w mut Worker<H, B>,
    epoll: Epoll,
    /// None once it stops.
    listeners: Vec<Listener>,
    /// Which of them is asked next.
    next_listener: usize,
    /// When they are asked: at once where somebody may be there, in a while where the kernel refused.
    accept_at_ms: Option<u64>,
    sockets: Sockets,
    /// Connections that had more to do when their turn was over, each once.
    again: Vec<Id>,
    /// Those of the turn before, while they are served.
    turn: Vec<Id>,
    buffer: Vec<u8>,
}

impl<H: Handler, B: Buffers> Loop<'_, H, B> {
    fn run(mut self, now: impl Fn() -> Now) -> io::Result<()> {
        let mut time = now();
        self.worker.tick(time);
        while !self.listeners.is_empty() || self.worker.live() > 0 {
            let next_ms = self.worker.next_ms();
            let ready = self.epoll.wait(self.timeout_ms(time, next_ms))?;
            time = now();
            self.worker.tick(time);
            for index in 0..ready {
                let event = self.epoll.event(index);
                match event.token {
                    bits @ ..LISTENERS => self.ready(Id::from_bits(bits), event),
                    STOP => self.stop(),
                    token => self.came((token - LISTENERS) as usize),
                }
            }
            std::mem::swap(&mut self.again, &mut self.turn);
            while let Some(id) = self.turn.pop() {
                self.serve_again(id);
            }
            while let Some((id, want)) = self.worker.next_changed() {
                self.wanted(id, want);
            }
            if self
                .accept_at_ms
                .is_some_and(|at_ms| time.monotonic_ms >= at_ms)
            {
                self.accept(time)?;
            }
        }
        Ok(())
    }

    /// How long to wait, as epoll wants it.
    fn timeout_ms(&self, time: Now, next_ms: Option<u64>) -> i32 {
        if !self.again.is_empty() {
            return 0;
        }
        let next_ms = next_ms.into_iter().chain(self.accept_at_ms).min();
        next_ms.map_or(-1, |next_ms| {
            next_ms.saturating_sub(time.monotonic_ms).min(60_000) as i32
        })
    }

    #[inline]
    fn ready(&mut self, id: Id, event: Event) {
        if let Some(socket) = self.sockets.get(id) {
            socket.readable |= event.readable;
            socket.writable |= event.writable;
            socket.ended |= event.ended;
            self.serve(id);
        }
    }

    /// A connection wants something that it did not want before.
    fn wanted(&mut self, id: Id, want: Want) {
        if let Some(socket) = self.sockets.get(id) {
            socket.want = want;
            self.serve(id);
        }
    }

    fn serve_again(&mut self, id: Id) {
        if let Some(socket) = self.sockets.get(id) {
            socket.again = false;
            self.serve(id);
        }
    }

    /// Does for a connection what it wants and what can be done now.
    #[inline]
    fn serve(&mut self, id: Id) {
        let Some(socket) = self.sockets.get(id) else {
            return;
        };
        let mut calls = 0;
        let ended = loop {
            let want = socket.want;
            if calls == TURN_CALLS {
                if !std::mem::replace(&mut socket.again, true) {
                    self.again.push(id);
                }
                break None;
            }
            calls += 1;
            if want.close() {
                if want.reset() {
                    sys::discard_unsent(socket.fd());
                }
                break Some(Ended::Wanted);
            }
            if want.send() && socket.writable {
                let pending = self.worker.pending(id);
                let length = pending.len();
                let sent = match sys::send(socket.fd(), pending) {
                    Ok(sent) => sent,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                    Err(_) => break Some(Ended::Broken),
                };
                socket.writable = sent == length;
                socket.want = self.worker.on_sent(id, sent);
            } else if want.shut() {
                if sys::shut(socket.fd()).is_err() {
                    break Some(Ended::Broken);
                }
                socket.want = Want::RECEIVE;
            } else if want.receive() && socket.readable {
                let received = match sys::receive(socket.fd(), &mut self.buffer) {
                    Ok(received) => received,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        socket.readable = false;
                        continue;
                    }
                    Err(_) => break Some(Ended::Broken),
                };
                // epoll(7): a short read of a stream says that no more was there, and more will come with an edge.
                socket.readable = received == self.buffer.len() || (socket.ended && received > 0);
                socket.want = self.worker.on_bytes(id, &self.buffer[..received]);
            } else {
                break None;
            }
        };
        if let Some(how) = ended {
            self.end(id, how);
        }
    }

    /// Closes a connection.
    fn end(&mut self, id: Id, how: Ended) {
        self.sockets.remove(id);
        self.worker.ended(id, how);
        self.left();
    }
}
