//! The loop's side of a run: it accepts, receives, sends and closes as the worker wants, and as badly as a kernel may.

use orthant_core::{BACKLOG_MAX, Buffers, Ended, Want};

use super::{Event, RESUME_MS_MAX, Run};
use crate::counts::Kind;
use crate::oracle::{Facts, judge};
use crate::shop::Waits;
use crate::socket::{Cuts, Sending};

/// How long it takes the kernel to give back what it holds.
const KERNEL_MS_MAX: u64 = 3;

impl<B: Buffers> Run<'_, B> {
    /// Accepts who waits, while the worker accepts.
    pub(super) fn accept(&mut self) -> Result<(), String> {
        while self.worker.accepting()
            && let Some(number) = self.backlog.pop_front()
        {
            self.open(number)?;
        }
        if !self.backlog.is_empty() {
            self.counts.note(Kind::Backlog);
            if self.worker.room() == 0 {
                self.counts.note(Kind::TurnedAway);
                if self.worker.open(None).is_some() {
                    return Err("a connection is opened where there is no room".to_owned());
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, number: usize) -> Result<(), String> {
        self.counts.events += 1;
        let id = self
            .worker
            .open(None)
            .ok_or("it accepts and does not open")?;
        if self.owners.len() <= id.index() {
            self.owners.resize(id.index() + 1, usize::MAX);
        }
        self.owners[id.index()] = number;
        let socket = &mut self.sockets[number];
        socket.id = Some(id);
        socket.want = Want::RECEIVE;
        socket.active_ms = self.now_ms;
        socket.sent_ms = self.now_ms;
        self.trace(|| format!("#{number} opened as {id:?}"));
        self.soon(number);
        Ok(())
    }

    pub(super) fn drain(&mut self) -> Result<(), String> {
        for _ in 0..self.backlog.len().min(usize::from(BACKLOG_MAX)) {
            if self.worker.room() > 0
                && let Some(number) = self.backlog.pop_front()
            {
                self.open(number)?;
            }
        }
        self.backlog.clear();
        self.trace(|| "drains".to_owned());
        self.counts.events += 1;
        self.counts.note(Kind::Drain);
        self.drain_ms = Some(self.now_ms);
        self.worker.drain();
        Ok(())
    }

    /// Does some of what can be done for a connection; what is left it does in the next turn.
    pub(super) fn serve(&mut self, number: usize) -> Result<(), String> {
        let calls = self.sockets[number].random.of(1..=16);
        for _ in 0..calls {
            let socket = &mut self.sockets[number];
            if !socket.live() {
                return Ok(());
            }
            if socket.reset && socket.random.percent(70) {
                return self.end(number, Ended::Broken);
            }
            if socket.want.close() {
                return self.closes(number);
            }
            // A send that cannot get on is tried now and then all the same.
            let tries = socket.room() > 0 || socket.random.percent(10);
            let sends = socket.want.send() && socket.sending.is_none() && tries;
            let receives =
                socket.readable() && (socket.want.receive() || socket.overshoot_left > 0);
            let fails = (sends || receives) && socket.random.below(4_000) == 0;
            let sends_first = sends && (!receives || socket.random.percent(60));
            if fails {
                self.counts.note(Kind::KernelRefused);
                return self.end(number, Ended::Broken);
            } else if socket.want.shut() {
                self.shut(number);
            } else if sends_first {
                if !self.send(number)? {
                    return Ok(());
                }
            } else if receives {
                self.receive(number)?;
            } else {
                return Ok(());
            }
        }
        self.soon(number);
        Ok(())
    }

    fn shut(&mut self, number: usize) {
        let socket = &mut self.sockets[number];
        socket.want = Want::RECEIVE;
        let eof_ms = self.now_ms + socket.delay_ms();
        self.push(eof_ms, Event::Eof(number));
        self.trace(|| format!("#{number} shut"));
    }

    fn receive(&mut self, number: usize) -> Result<(), String> {
        self.counts.events += 1;
        let socket = &mut self.sockets[number];
        let Some(id) = socket.id else {
            return Ok(());
        };
        if !socket.want.receive() {
            socket.overshoot_left -= 1;
            self.counts.note(Kind::Overshoot);
        }
        let from = socket.received;
        let come = socket.arrived - from;
        let bytes = match socket.cuts {
            _ if come == 0 => 0,
            Cuts::Whole => come,
            // Long ones not to their end: there is more to see elsewhere.
            Cuts::Bytes if socket.random.percent(97) => 1,
            Cuts::Bytes => come.min(1_000),
            Cuts::Upto(most) => come.min(1 + socket.random.below(most)),
        };
        if bytes < come {
            self.counts.note(Kind::CutInput);
        }
        if bytes == 1 {
            self.counts.note(Kind::ByteInput);
        }
        socket.received += bytes;
        socket.fin_received |= bytes == 0;
        socket.active(self.now_ms);
        if bytes > 0 {
            let waits = self.notes.borrow().waits(id) != Waits::Nothing;
            let flushed =
                socket.want.receive() && !waits && !socket.want.send() && socket.sending.is_none();
            socket.came.push((socket.received, self.now_ms, flushed));
        }
        let piece = &socket.script.bytes[from..from + bytes];
        if self.tracing {
            let shown = piece[..bytes.min(80)].escape_ascii().to_string();
            self.trace(|| format!("#{number} receives {bytes}: {shown}"));
        }
        let piece = &self.sockets[number].script.bytes[from..from + bytes];
        let want = self.worker.on_bytes(id, piece);
        self.wanted(number, want)
    }

    /// Sends what is pending, or some of it; says whether it got on.
    fn send(&mut self, number: usize) -> Result<bool, String> {
        self.counts.events += 2;
        let socket = &mut self.sockets[number];
        let Some(id) = socket.id else {
            return Ok(false);
        };
        let room = socket.room();
        let pending = self.worker.pending(id);
        if pending.is_empty() {
            return Err(format!(
                "#{number}: a send is wanted, and nothing is pending"
            ));
        }
        if socket.completes && room > 0 {
            socket.sending = Some(Sending {
                address: pending.as_ptr() as usize,
                bytes: pending.to_vec(),
            });
            let done_ms = self.now_ms + socket.random.of(0..=KERNEL_MS_MAX);
            self.push(done_ms, Event::SendDone(number));
            let receives = self.sockets[number].want.receive();
            self.sockets[number].want = if receives {
                Want::RECEIVE
            } else {
                Want::NOTHING
            };
            return Ok(true);
        }
        let most = pending.len().min(room);
        let bytes = match socket.random.below(10) {
            _ if most == 0 => 0,
            0 => 0,
            1..4 => 1 + socket.random.below(most),
            _ => most,
        };
        socket.sent.extend_from_slice(&pending[..bytes]);
        let whole = bytes == pending.len();
        self.sent(number, bytes, whole)?;
        Ok(bytes > 0 || room > 0)
    }

    /// A send that was under way has ended.
    pub(super) fn send_done(&mut self, number: usize) -> Result<(), String> {
        self.counts.events += 1;
        self.counts.note(Kind::LateSent);
        let socket = &mut self.sockets[number];
        let (Some(id), Some(sending)) =
            (socket.id.filter(|_| !socket.ended), socket.sending.take())
        else {
            return Ok(());
        };
        let pending = self.worker.pending(id);
        let stays =
            pending.as_ptr() as usize == sending.address && pending.starts_with(&sending.bytes);
        if !stays {
            return Err(format!(
                "#{number}: memory moved or changed while it was being sent"
            ));
        }
        let socket = &mut self.sockets[number];
        if socket.closing {
            self.counts.note(Kind::SentAfterClose);
        }
        let most = sending.bytes.len().min(socket.room());
        let bytes = match socket.random.below(10) {
            0 => 0,
            1..4 if most > 0 => 1 + socket.random.below(most),
            _ => most,
        };
        socket.sent.extend_from_slice(&sending.bytes[..bytes]);
        self.sent(number, bytes, bytes == sending.bytes.len())?;
        self.soon(number);
        Ok(())
    }

    fn sent(&mut self, number: usize, bytes: usize, whole: bool) -> Result<(), String> {
        let socket = &mut self.sockets[number];
        let Some(id) = socket.id else {
            return Ok(());
        };
        if bytes > 0 {
            socket.active(self.now_ms);
            socket.sent_ms = self.now_ms;
        }
        match (bytes, whole) {
            (0, _) => self.counts.note(Kind::NothingSent),
            (_, false) => self.counts.note(Kind::PartSent),
            _ => {}
        }
        if self.tracing {
            let socket = &self.sockets[number];
            let from = socket.sent.len() - bytes;
            let shown = socket.sent[from..][..bytes.min(80)]
                .escape_ascii()
                .to_string();
            self.trace(|| format!("#{number} sent {bytes}: {shown}"));
        }
        let want = self.worker.on_sent(id, bytes);
        self.comes(number);
        self.wanted(number, want)
    }

    /// Takes in what the worker wants of a connection now.
    pub(super) fn wanted(&mut self, number: usize, want: Want) -> Result<(), String> {
        let presented = self.notes.borrow_mut().take_presented();
        let now_ms = self.now_ms;
        self.trace(|| format!("#{number} wants {want:?}"));
        let socket = &mut self.sockets[number];
        if presented {
            socket.presented = socket.received;
            socket.active(now_ms);
        }
        let wrong = if socket.closing {
            (!is_only_close(want)).then_some("something else is wanted after it was to close")
        } else if want.close() && !is_only_close(want) {
            Some("it is to close and to do something else")
        } else if want.shut() && socket.shut_ms.is_some() {
            Some("it is to shut twice")
        } else if want.send() && socket.sending.is_some() {
            Some("it is to send what is being sent")
        } else if want.receive() && socket.fin_received {
            Some("it is to receive after the end of input")
        } else if want.send() && socket.shut_ms.is_some() {
            Some("it is to send after it was shut")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(format!("#{number}: {wrong}"));
        }
        if socket.closing {
            return Ok(());
        }
        if want.receive() {
            socket.overshoot_left = socket.overshoot;
        }
        if want.shut() {
            socket.shut_ms = Some(now_ms);
        }
        if want.shut() || want.close() {
            socket.over.get_or_insert(socket.received);
        }
        if want.close() {
            socket.close_ms = now_ms;
        }
        let pends = want.send() || socket.sending.is_some();
        socket.pending_ms = if pends || want.close() {
            socket.pending_ms.or(Some(now_ms))
        } else {
            None
        };
        socket.want = want;
        self.soon(number);
        Ok(())
    }

    /// It is to close: the kernel gives back what it holds, perhaps later, and what it has sent yet counts or not.
    fn closes(&mut self, number: usize) -> Result<(), String> {
        let socket = &mut self.sockets[number];
        socket.closing = true;
        let close_ms = self.now_ms
            + if socket.completes {
                socket.random.of(0..=2 * KERNEL_MS_MAX)
            } else {
                0
            };
        self.push(close_ms, Event::Close(number));
        Ok(())
    }

    pub(super) fn close(&mut self, number: usize) -> Result<(), String> {
        let socket = &mut self.sockets[number];
        // A receive that was under way.
        if socket.completes
            && !socket.ended
            && socket.received < socket.arrived
            && socket.random.percent(50)
        {
            self.receive_late(number)?;
        }
        self.end(number, Ended::Wanted)
    }

    fn receive_late(&mut self, number: usize) -> Result<(), String> {
        self.counts.events += 1;
        let socket = &mut self.sockets[number];
        let Some(id) = socket.id else {
            return Ok(());
        };
        let piece = &socket.script.bytes[socket.received..socket.arrived];
        socket.received = socket.arrived;
        self.counts.note(Kind::Overshoot);
        let want = self.worker.on_bytes(id, piece);
        self.wanted(number, want)
    }

    fn end(&mut self, number: usize, how: Ended) -> Result<(), String> {
        self.counts.events += 1;
        let socket = &mut self.sockets[number];
        let Some(id) = socket.id.filter(|_| !socket.ended) else {
            return Ok(());
        };
        if how == Ended::Broken {
            socket.close_ms = self.now_ms;
        }
        let unsent = self.worker.pending(id).to_vec();
        socket.sent.extend_from_slice(&unsent);
        let reason = self
            .worker
            .ended(id, how)
            .ok_or_else(|| format!("#{number} ends twice"))?;
        socket.ended = true;
        socket.done = true;
        socket.sending = None;
        self.notes.borrow_mut().forget(id);
        self.trace(|| format!("#{number} ended: {reason:?}"));
        let stale_ms = self.now_ms + self.random.of(0..=RESUME_MS_MAX);
        if self.random.percent(50) {
            self.push(stale_ms, Event::Stale(id.to_bits()));
        }
        self.judge(number, reason, unsent.len())
    }

    fn judge(
        &mut self,
        number: usize,
        reason: orthant_core::CloseReason,
        unsent: usize,
    ) -> Result<(), String> {
        let limits = &self.scenario.limits;
        let socket = &self.sockets[number];
        if reason == orthant_core::CloseReason::Drained
            && self
                .drain_ms
                .is_some_and(|drain_ms| socket.close_ms >= drain_ms + limits.drain_timeout_ms)
        {
            self.counts.note(Kind::DrainForced);
        }
        let facts = Facts {
            limits,
            valid: socket.script.valid,
            received: &socket.script.bytes[..socket.over.unwrap_or(socket.received)],
            came: &socket.came,
            presented: socket.presented,
            fin: socket.fin_received,
            sent: &socket.sent,
            unsent,
            reason,
            sent_ms: socket.sent_ms,
            pending_ms: socket.pending_ms.unwrap_or(socket.close_ms),
            shut_ms: socket.shut_ms,
            close_ms: socket.close_ms,
            drain_ms: self.drain_ms,
        };
        let told =
            judge(&facts, &mut self.counts).map_err(|error| format!("#{number}: {error}"))?;
        let silent_ms = socket.close_ms.saturating_sub(socket.active_ms);
        let most_ms = [
            limits.region_wait_ms,
            limits.idle_timeout_ms,
            limits.head_timeout_ms,
            limits.content_timeout_ms,
            limits.send_timeout_ms,
            limits.linger_timeout_ms,
            limits.unsent_ms(u64::MAX),
            4 * (RESUME_MS_MAX + self.late_ms_max + 16),
        ]
        .iter()
        .sum::<u64>();
        if silent_ms > most_ms + 400 {
            return Err(format!(
                "#{number} outlives its time: nothing happened for {silent_ms} ms, {reason:?}"
            ));
        }
        self.told[number] = told;
        Ok(())
    }
}

/// Whether it wants to close, in one of the two ways, and nothing else.
fn is_only_close(want: Want) -> bool {
    [Want::CLOSE, Want::RESET].contains(&want)
}
