//! The clients' side of a run: they connect, say what their scripts say, read as they read, and go away.

use orthant_core::Buffers;

use super::{Event, Run};
use crate::counts::Kind;
use crate::script::{Reads, Step};

impl<B: Buffers> Run<'_, B> {
    pub(super) fn connects(&mut self, number: usize) {
        if self.drain_ms.is_some() {
            self.sockets[number].done = true;
            return;
        }
        self.push(self.now_ms, Event::Step(number));
        self.backlog.push_back(number);
    }

    /// The client goes on with its script.
    pub(super) fn steps(&mut self, number: usize) {
        let now_ms = self.now_ms;
        while !self.sockets[number].done {
            let socket = &mut self.sockets[number];
            let Some(step) = socket.script.steps.get(socket.step).copied() else {
                return;
            };
            socket.step += 1;
            match step {
                Step::Say(upto) => self.says(number, upto),
                Step::Wait(ms) => return self.push(now_ms + ms, Event::Step(number)),
                Step::Await(patience_ms) => {
                    socket.awaits = true;
                    socket.waits += 1;
                    let waits = socket.waits;
                    if let Some(ms) = patience_ms {
                        self.push(now_ms + ms, Event::Patience(number, waits));
                    }
                    return;
                }
                Step::HalfClose => return self.half_closes(number),
                Step::Reset => {
                    socket.done = true;
                    let delay_ms = socket.delay_ms();
                    return self.push(now_ms + delay_ms, Event::Reset(number));
                }
            }
        }
    }

    /// Bytes go on their way, in one segment or in several, none of which overtakes another.
    fn says(&mut self, number: usize, upto: usize) {
        while self.sockets[number].said < upto {
            let socket = &mut self.sockets[number];
            let left = upto - socket.said;
            let bytes = if socket.random.percent(70) {
                left
            } else {
                1 + socket.random.below(left)
            };
            socket.said += bytes;
            let delay_ms = socket.delay_ms();
            socket.arrives_ms = socket.arrives_ms.max(self.now_ms + delay_ms);
            let (arrives_ms, said) = (socket.arrives_ms, socket.said);
            if delay_ms > 0 {
                self.counts.note(Kind::Delay);
            }
            self.push(arrives_ms, Event::Arrive(number, said));
        }
    }

    fn half_closes(&mut self, number: usize) {
        let socket = &mut self.sockets[number];
        socket.done = true;
        let fin_ms = socket.arrives_ms.max(self.now_ms + socket.delay_ms());
        self.push(fin_ms, Event::Fin(number));
    }

    pub(super) fn loses_patience(&mut self, number: usize, waits: u32) {
        let socket = &mut self.sockets[number];
        if socket.awaits && socket.waits == waits {
            socket.awaits = false;
            self.steps(number);
        }
    }

    /// Bytes are on their way to the client: it is to read them.
    pub(super) fn comes(&mut self, number: usize) {
        let socket = &mut self.sockets[number];
        if !std::mem::replace(&mut socket.reading, true) {
            let read_ms = self.now_ms + socket.delay_ms();
            self.push(read_ms, Event::Read(number));
        }
    }

    pub(super) fn reads(&mut self, number: usize) {
        let socket = &mut self.sockets[number];
        socket.reading = false;
        let come = socket.sent.len() - socket.read;
        let (takes, pause_ms) = match socket.script.reads {
            Reads::AtOnce => (come, 0),
            Reads::Slowly { bytes, pause_ms } => (come.min(bytes), pause_ms),
            Reads::Until(most) => (come.min(most.saturating_sub(socket.read)), 0),
        };
        socket.read += takes;
        if takes == 0 {
            return;
        }
        if socket.read < socket.sent.len() {
            socket.reading = true;
            self.push(self.now_ms + pause_ms, Event::Read(number));
        }
        self.soon(number);
        if std::mem::take(&mut self.sockets[number].awaits) {
            self.steps(number);
        }
    }

    /// The server has ended its side: most clients end theirs then, some go on as if nothing were.
    pub(super) fn sees_the_end(&mut self, number: usize) {
        let socket = &mut self.sockets[number];
        if !socket.done && socket.random.percent(70) {
            self.half_closes(number);
        }
    }
}
