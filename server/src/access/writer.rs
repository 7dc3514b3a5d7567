//! The thread that writes the access log: it takes records from all queues, makes lines of them, and writes these in
//! batches.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::record::Record;
use super::sink::Sink;
use super::{END, Shared};
use crate::clock;
use crate::format::{Format, Line, unix_ms};

/// How long it rests where there was nothing to write: long enough to cost nothing, and so short that no queue fills up
/// meanwhile.
pub(super) const REST: Duration = Duration::from_millis(20);

/// Bytes after which a batch is written.
const BATCH_BYTES: usize = 64 * 1024;

pub(super) struct Writer {
    shared: Arc<Shared>,
    sink: Sink,
    format: Format,
    text: String,
    turn: usize,
    /// It is known, and was told, that writing fails.
    failing: bool,
    /// The last thing written is a piece of a line.
    torn: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, sink: Sink, format: Format) -> Writer {
        Writer {
            shared,
            sink,
            format,
            text: String::with_capacity(2 * BATCH_BYTES),
            turn: 0,
            failing: false,
            torn: false,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            // In this order: what workers left before they ended is found after that is known.
            let end = self.shared.end.load(Ordering::Acquire);
            if self.is_to_reopen() {
                // What came before goes where it was to go.
                self.batch();
                self.reopen();
            }
            if !self.batch() {
                if end {
                    return;
                }
                thread::sleep(REST);
            }
        }
    }

    /// Writes what is there, some of it at least; whether there was anything.
    fn batch(&mut self) -> bool {
        let queues = self.shared.queues.len();
        let (mut words, mut bytes) = (Vec::new(), Vec::new());
        let since_1970_ms = unix_ms().saturating_sub(clock::now().monotonic_ms);
        // Each of them is the first at times: a worker that is busy must not keep others from being written.
        self.turn = self.turn.wrapping_add(1);
        for worker in (0..queues).map(|index| (index + self.turn) % queues) {
            while self.text.len() < BATCH_BYTES && self.shared.queues[worker].pop(&mut words) {
                let (record, is_cut) = Record::unpack(&words, &mut bytes);
                let line = Line::new(&mut self.text, self.format);
                record.write(worker, since_1970_ms + record.at_ms, is_cut, line);
            }
        }
        let any = !self.text.is_empty();
        if any {
            self.write();
            self.text.clear();
        }
        any
    }

    /// Writes the batch; what fails is counted, and told at the first time.
    fn write(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut rest = text.as_bytes();
        let mut waited = Duration::ZERO;
        if self.torn && self.sink.write(b"\n").is_ok() {
            self.torn = false;
        }
        while !rest.is_empty() {
            match self.sink.write(rest) {
                Ok(written) => {
                    rest = &rest[written..];
                    waited = Duration::ZERO;
                    if std::mem::take(&mut self.failing) {
                        log::info!("the access log can be written again: {}", self.sink.name());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A pipe is full. The queues hold what comes meanwhile, and drop what they cannot hold.
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock
                        && !(self.shared.end.load(Ordering::Relaxed)
                            && (self.failing || waited >= END / 2)) =>
                {
                    thread::sleep(REST);
                    waited += REST;
                    if self.is_to_reopen() {
                        self.reopen();
                    }
                }
                Err(error) => {
                    let lines = rest.iter().filter(|&&byte| byte == b'\n').count();
                    self.shared.lost.add(lines as u64);
                    self.torn = rest.len() < text.len()
                        && text.as_bytes()[text.len() - rest.len() - 1] != b'\n';
                    if !std::mem::replace(&mut self.failing, true) {
                        log::warn!(
                            "failed to write the access log to {}: {error}; lines are lost, and counted, until it can be \
                             written again",
                            self.sink.name()
                        );
                    }
                    break;
                }
            }
        }
        self.text = text;
    }

    fn is_to_reopen(&self) -> bool {
        let asked = self.shared.reopens_asked.load(Ordering::Relaxed);
        asked != self.shared.reopens_done.load(Ordering::Relaxed)
    }

    fn reopen(&mut self) {
        let asked = self.shared.reopens_asked.load(Ordering::Relaxed);
        match self.sink.reopen() {
            Ok(()) => log::info!("the access log is opened anew: {}", self.sink.name()),
            Err(error) => log::warn!(
                "failed to open the access log anew at {}: {error}; what was open is written to as before",
                self.sink.name()
            ),
        }
        self.shared.reopens_done.store(asked, Ordering::Release);
    }
}
