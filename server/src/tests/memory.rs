//! A worker as a target of the conformance cases: no sockets, and time that passes only when somebody waits for it.
//!
//! It does what a backend does, and what the kernel does between two ends: bytes wait until the worker wants them, the end
//! of input comes after them, and a socket that is closed with bytes unread is reset, which costs the client what it has
//! not read yet (RFC 9112 §9.6).

use std::cell::RefCell;
use std::io;

use orthant::{Buffers, Handler, Id, Limits};
use orthant_conformance::{Closed, Conversation, Reading, Target};
use orthant_core::{Ended, Now, Want, Worker};

/// The most that a backend reads at one time.
const READ_BYTES_MAX: usize = 16 * 1024;

/// A slow reader takes so much at most, so that no region of the worker's is sent at one time.
const SLOW_BYTES_MAX: usize = 2_999;

/// Some day, so that a date has two digits everywhere.
const START_S: u64 = 1_700_000_000;

/// A worker and its clock.
pub(super) struct Memory<H: Handler, B: Buffers>(RefCell<Engine<H, B>>);

struct Engine<H: Handler, B: Buffers> {
    worker: Worker<H, B>,
    now_ms: u64,
}

impl<H: Handler, B: Buffers> Memory<H, B> {
    pub(super) fn new(handler: H) -> Memory<H, B> {
        let mut worker = Worker::new(handler, Limits::DEFAULT, now(0));
        worker.tick(now(0));
        Memory(RefCell::new(Engine { worker, now_ms: 0 }))
    }

    /// How many connections there are, how many bytes of regions they hold, small ones too, and how many regions are lent.
    pub(super) fn held(&self) -> [usize; 3] {
        let worker = &self.0.borrow().worker;
        [
            worker.live(),
            worker.regions_in_use_bytes(),
            worker.regions_lent(),
        ]
    }
}

fn now(now_ms: u64) -> Now {
    Now {
        monotonic_ms: now_ms,
        unix_s: START_S + now_ms / 1_000,
    }
}

impl<H: Handler, B: Buffers> Target for Memory<H, B> {
    type Conversation<'t>
        = Client<'t, H, B>
    where
        Self: 't;

    fn host(&self) -> &str {
        "localhost:8080"
    }

    fn open(&self, reading: Reading) -> io::Result<Client<'_, H, B>> {
        let mut engine = self.0.borrow_mut();
        let id = engine.worker.open(None);
        Ok(Client {
            engine: &self.0,
            id: id.ok_or_else(|| io::Error::other("the worker opens no connection"))?,
            opened_ms: engine.now_ms,
            want: Want::RECEIVE,
            reading,
            reads_from_ms: 0,
            on_the_way: Vec::new(),
            arrived: 0,
            end: End::Open,
            received: Vec::new(),
            read: 0,
            closed: None,
            is_open: true,
        })
    }
}

/// One connection, from the client's side.
pub(super) struct Client<'t, H: Handler, B: Buffers> {
    engine: &'t RefCell<Engine<H, B>>,
    id: Id,
    opened_ms: u64,
    want: Want,
    reading: Reading,
    /// A slow reader takes nothing before this.
    reads_from_ms: u64,
    /// What was sent, of which so many bytes have arrived.
    on_the_way: Vec<u8>,
    arrived: usize,
    end: End,
    received: Vec<u8>,
    /// So many bytes had come when the client last turned to its socket: these it has read.
    read: usize,
    closed: Option<Closed>,
    /// The worker still has this connection.
    is_open: bool,
}

/// Whether the client has ended its input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    OnTheWay,
    Arrived,
}

impl<H: Handler, B: Buffers> Client<'_, H, B> {
    /// Does what is wanted until nothing is, at this moment.
    fn turn(&mut self) {
        let engine = &mut *self.engine.borrow_mut();
        while self.is_open && self.step(engine) {
            while let Some((id, want)) = engine.worker.next_changed() {
                assert_eq!(id, self.id, "a connection ended and still changes");
                self.want = want;
            }
        }
    }

    /// One event; whether there was one.
    fn step(&mut self, engine: &mut Engine<H, B>) -> bool {
        let (want, now_ms) = (self.want, engine.now_ms);
        if want.shut() {
            self.close(now_ms, false);
        }
        if want.close() {
            let reset = self.arrived < self.on_the_way.len();
            if reset {
                self.received.truncate(self.read);
            }
            self.close(now_ms, reset);
            self.leave(engine, Ended::Wanted);
            false
        } else if want.send() && now_ms >= self.reads_from_ms {
            let pending = engine.worker.pending(self.id);
            assert!(
                !pending.is_empty(),
                "a send is wanted, and nothing is pending"
            );
            let bytes = match self.reading {
                Reading::AtOnce => pending.len(),
                Reading::Slowly { bytes, gap_ms } => {
                    self.reads_from_ms = now_ms + gap_ms;
                    bytes.min(pending.len()).min(SLOW_BYTES_MAX)
                }
            };
            self.received.extend_from_slice(&pending[..bytes]);
            self.want = engine.worker.on_sent(self.id, bytes);
            true
        } else if want.receive() {
            self.arrive(engine)
        } else {
            false
        }
    }

    /// What is on the way arrives, as much as is read at one time; whether there was something.
    fn arrive(&mut self, engine: &mut Engine<H, B>) -> bool {
        let rest = &self.on_the_way[self.arrived..];
        if !rest.is_empty() {
            let piece = &rest[..rest.len().min(READ_BYTES_MAX)];
            self.arrived += piece.len();
            self.want = engine.worker.on_bytes(self.id, piece);
        } else if self.end == End::OnTheWay {
            self.end = End::Arrived;
            self.want = engine.worker.on_bytes(self.id, &[]);
        } else {
            return false;
        }
        true
    }

    fn close(&mut self, now_ms: u64, reset: bool) {
        let at_ms = now_ms - self.opened_ms;
        self.closed.get_or_insert(Closed { reset, at_ms });
    }

    fn leave(&mut self, engine: &mut Engine<H, B>, how: Ended) {
        self.is_open = false;
        engine.worker.ended(self.id, how);
    }

    /// Lets time pass to the next moment at which something may happen, `until_ms` at the latest.
    fn pass(&mut self, until_ms: u64) {
        let engine = &mut *self.engine.borrow_mut();
        let next_ms = engine.worker.next_ms().unwrap_or(u64::MAX).min(until_ms);
        let next_ms = match self.want.send() {
            true => next_ms.min(self.reads_from_ms),
            false => next_ms,
        };
        engine.now_ms = next_ms.max(engine.now_ms + 1);
        engine.worker.tick(now(engine.now_ms));
        while let Some((id, want)) = engine.worker.next_changed() {
            assert_eq!(id, self.id, "a connection ended and still changes");
            self.want = want;
        }
    }
}

impl<H: Handler, B: Buffers> Conversation for Client<'_, H, B> {
    fn send(&mut self, bytes: &[u8]) {
        self.read = self.received.len();
        if self.is_open {
            self.on_the_way.drain(..self.arrived);
            self.arrived = 0;
            self.on_the_way.extend_from_slice(bytes);
            self.turn();
        }
    }

    fn finish(&mut self) {
        if self.end == End::Open {
            self.end = End::OnTheWay;
            self.turn();
        }
    }

    fn wait(&mut self, until_ms: u64) {
        let (bytes, until_ms) = (self.received.len(), self.opened_ms + until_ms);
        self.read = bytes;
        while self.closed.is_none()
            && self.received.len() == bytes
            && self.engine.borrow().now_ms < until_ms
        {
            self.pass(until_ms);
            self.turn();
        }
    }

    fn now_ms(&self) -> u64 {
        self.engine.borrow().now_ms - self.opened_ms
    }

    fn received(&self) -> &[u8] {
        &self.received
    }

    fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// What the client leaves behind is a reset in any case.
    fn reset(self) {}
}

impl<H: Handler, B: Buffers> Drop for Client<'_, H, B> {
    fn drop(&mut self) {
        if self.is_open {
            let engine = self.engine;
            self.leave(&mut engine.borrow_mut(), Ended::Broken);
        }
    }
}
