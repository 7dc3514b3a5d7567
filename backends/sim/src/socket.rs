//! One connection between a client and the server: what each side has said, what the network still has, what the kernel
//! holds, and what the worker wants of it.

use orthant_core::{Id, Want};

use crate::random::Random;
use crate::script::Script;

/// How what has arrived is cut when it is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cuts {
    Whole,
    Bytes,
    Upto(usize),
}

/// What the kernel is sending.
#[derive(Debug)]
pub(crate) struct Sending {
    /// Where it lies, and what it was when the kernel was given it.
    pub(crate) address: usize,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Socket<'s> {
    pub(crate) script: &'s Script,
    pub(crate) random: Random,
    // How its network and its loop behave.
    pub(crate) cuts: Cuts,
    pub(crate) delay_ms_max: u64,
    /// Sends take time, and the kernel holds their memory.
    pub(crate) completes: bool,
    /// Pieces received yet after the worker said not to.
    pub(crate) overshoot: u32,
    pub(crate) overshoot_left: u32,
    /// Bytes that are sent at most and not read.
    pub(crate) window: usize,
    // The client.
    pub(crate) step: usize,
    pub(crate) said: usize,
    pub(crate) arrives_ms: u64,
    /// It waits for more than it has read, for so many times.
    pub(crate) awaits: bool,
    pub(crate) waits: u32,
    pub(crate) read: usize,
    pub(crate) reading: bool,
    pub(crate) done: bool,
    // The server's kernel.
    pub(crate) arrived: usize,
    pub(crate) fin_arrived: bool,
    pub(crate) reset: bool,
    // The loop.
    pub(crate) id: Option<Id>,
    pub(crate) want: Want,
    pub(crate) again: bool,
    pub(crate) sending: Option<Sending>,
    pub(crate) closing: bool,
    pub(crate) ended: bool,
    // What the oracle is told.
    pub(crate) received: usize,
    pub(crate) came: Vec<(usize, u64, bool)>,
    pub(crate) fin_received: bool,
    /// How much was received when it first had to shut or close.
    pub(crate) over: Option<usize>,
    pub(crate) presented: usize,
    pub(crate) sent: Vec<u8>,
    pub(crate) active_ms: u64,
    pub(crate) sent_ms: u64,
    pub(crate) pending_ms: Option<u64>,
    pub(crate) shut_ms: Option<u64>,
    pub(crate) close_ms: u64,
}

impl<'s> Socket<'s> {
    pub(crate) fn new(script: &'s Script, mut random: Random) -> Socket<'s> {
        let cuts = match random.below(8) {
            0..3 => Cuts::Whole,
            3 => Cuts::Bytes,
            4 => Cuts::Upto(30),
            5 => Cuts::Upto(200),
            _ => Cuts::Upto(1_500),
        };
        Socket {
            script,
            cuts,
            delay_ms_max: random.one(&[0, 0, 1, 5, 20]),
            completes: random.percent(50),
            overshoot: random.one(&[0, 0, 1, 5]),
            overshoot_left: 0,
            window: random.one(&[100, 1_000, 8_000, 1 << 20, 1 << 20, 1 << 20]),
            step: 0,
            said: 0,
            arrives_ms: 0,
            awaits: false,
            waits: 0,
            read: 0,
            reading: false,
            done: false,
            arrived: 0,
            fin_arrived: false,
            reset: false,
            id: None,
            want: Want::NOTHING,
            again: false,
            sending: None,
            closing: false,
            ended: false,
            received: 0,
            came: Vec::new(),
            fin_received: false,
            over: None,
            presented: 0,
            sent: Vec::new(),
            active_ms: 0,
            sent_ms: 0,
            pending_ms: None,
            shut_ms: None,
            close_ms: 0,
            random,
        }
    }

    /// How many more bytes the kernel takes.
    pub(crate) fn room(&self) -> usize {
        self.window.saturating_sub(self.sent.len() - self.read)
    }

    /// Whether there is something to receive: bytes, or their end.
    pub(crate) fn readable(&self) -> bool {
        self.received < self.arrived || self.fin_arrived && !self.fin_received
    }

    /// Whether it is open and nothing is known yet of its end.
    pub(crate) fn live(&self) -> bool {
        self.id.is_some() && !self.closing && !self.ended
    }

    /// Something has happened that counts as a sign of life.
    pub(crate) fn active(&mut self, now_ms: u64) {
        if self.over.is_none() {
            self.active_ms = now_ms;
        }
    }

    /// A delay of the network, in milliseconds.
    pub(crate) fn delay_ms(&mut self) -> u64 {
        self.random.of(0..=self.delay_ms_max)
    }
}
