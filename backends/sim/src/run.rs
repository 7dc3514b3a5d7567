//! One run: the loop of a backend in virtual time, over sockets that are none.
//!
//! ```text
//!  queue of what happens when ─▶ turn: tick, what is due, what can be served, in any order, what changed besides ─▶ queue
//! ```
//! Time passes between turns alone, and at once. Everything is drawn from the seed, so a run is the same each time. After
//! each turn the worker is asked whether it keeps its word; at the end of a connection the oracle is asked.

mod client;
mod serve;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;

use orthant_core::{Buffers, Id, Now, Want, Worker};

use crate::counts::{Counts, Kind};
use crate::oracle::Told;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::shop::{Notes, Shop, Waits};
use crate::socket::Socket;

/// What happens at a time; sockets by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Connect(usize),
    Step(usize),
    Patience(usize, u32),
    Arrive(usize, usize),
    Fin(usize),
    Reset(usize),
    Read(usize),
    Eof(usize),
    SendDone(usize),
    Close(usize),
    Resume(u64),
    Stale(u64),
    Drain,
}

/// 00:00:01 on 6 November 1994, a Sunday.
const START_S: u64 = 784_080_001;
const START_MS: u64 = 1_000;

/// How often the loop turns at most: no run comes near it that comes to an end at all.
const TURNS_MAX: u64 = 3_000_000;

/// How many turns a worker may want one after another without a reason that can be seen.
const HURRIED_MAX: u32 = 2;

/// Big regions that the largest answer fills.
const LARGEST_REGIONS: usize = 5;

/// How late a request that was parked is resumed.
const RESUME_MS_MAX: u64 = 40;

/// How many of the last events are shown of a run that failed.
const TRACE_LINES: usize = 100;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) counts: Counts,
    /// Of each client, what can be compared with another run.
    pub(crate) result: Result<Vec<Option<Told>>, String>,
    pub(crate) trace: VecDeque<String>,
}

pub(crate) struct Run<'s, B: Buffers> {
    worker: Worker<Shop, B>,
    notes: Rc<RefCell<Notes>>,
    scenario: &'s Scenario,
    sockets: Vec<Socket<'s>>,
    told: Vec<Option<Told>>,
    /// Which socket an id belongs to, by its index.
    owners: Vec<usize>,
    /// Those that have something to do in this turn.
    again: Vec<usize>,
    backlog: VecDeque<usize>,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    pushed: u64,
    random: Random,
    late_ms_max: u64,
    now_ms: u64,
    /// Turns since time last passed for which there was no other reason than that the worker wanted them.
    hurried: u32,
    drain_ms: Option<u64>,
    counts: Counts,
    tracing: bool,
    trace: VecDeque<String>,
}

/// Runs a scenario with this strategy; `strategy` is its number, by which its network differs from the others'.
pub(crate) fn run<B: Buffers>(scenario: &Scenario, strategy: u64, tracing: bool) -> Ran {
    let mut run = Run::<B>::new(scenario, strategy, tracing);
    let result = run.turns();
    let told = std::mem::take(&mut run.told);
    Ran {
        counts: run.counts,
        result: result.map(|()| told),
        trace: run.trace,
    }
}

impl<'s, B: Buffers> Run<'s, B> {
    fn new(scenario: &'s Scenario, strategy: u64, tracing: bool) -> Run<'s, B> {
        let notes = Rc::new(RefCell::new(Notes::default()));
        let shop = Shop(Rc::clone(&notes));
        let now = at(START_MS);
        let mut random = Random::split(scenario.seed, 10 + strategy);
        let mut sockets = Vec::new();
        let mut queue = BinaryHeap::new();
        for (number, script) in scenario.clients.iter().enumerate() {
            let stream = 1_000 * (1 + strategy) + number as u64;
            sockets.push(Socket::new(script, Random::split(scenario.seed, stream)));
            if scenario.only.is_empty() || scenario.only.contains(&number) {
                let connects_ms = START_MS + script.connects_ms;
                queue.push(Reverse((
                    connects_ms,
                    number as u64,
                    Event::Connect(number),
                )));
            }
        }
        if let Some(drains_ms) = scenario.drains_ms {
            queue.push(Reverse((START_MS + drains_ms, 0, Event::Drain)));
        }
        Run {
            worker: Worker::new(shop, scenario.limits.clone(), now),
            notes,
            scenario,
            told: vec![None; sockets.len()],
            sockets,
            owners: Vec::new(),
            again: Vec::new(),
            backlog: VecDeque::new(),
            queue,
            pushed: 1_000,
            late_ms_max: random.one(&[0, 0, 3, 50]),
            random,
            now_ms: START_MS,
            hurried: 0,
            drain_ms: None,
            counts: Counts::new(),
            tracing,
            trace: VecDeque::new(),
        }
    }

    fn turns(&mut self) -> Result<(), String> {
        for socket in &self.sockets {
            socket.script.count(&mut self.counts);
        }
        self.worker.tick(at(self.now_ms));
        for _ in 0..TURNS_MAX {
            let Some(next_ms) = self.next_ms() else {
                return self.at_the_end();
            };
            self.pass_to(next_ms);
            self.turn()?;
        }
        Err(format!("no end after {TURNS_MAX} turns"))
    }

    /// When the next turn begins.
    fn next_ms(&self) -> Option<u64> {
        if !self.again.is_empty() {
            return Some(self.now_ms);
        }
        let queued = self.queue.peek().map(|Reverse((ms, _, _))| *ms);
        // A worker that keeps memory wants to be told the time for as long as that lasts.
        queued.into_iter().chain(self.worker.next_ms()).min()
    }

    fn pass_to(&mut self, next_ms: u64) {
        if next_ms > self.now_ms {
            self.now_ms = next_ms;
            self.hurried = 0;
            if self.late_ms_max > 0 && self.random.percent(20) {
                self.now_ms += self.random.of(0..=self.late_ms_max);
                self.counts.note(Kind::Late);
            }
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        self.counts.events += 1;
        self.worker.tick(at(self.now_ms));
        while let Some(Reverse((ms, _, event))) = self.queue.peek().copied()
            && ms <= self.now_ms
        {
            self.queue.pop();
            self.happens(event)?;
        }
        // Whoever has something to do, in any order.
        let mut turn = std::mem::take(&mut self.again);
        if turn.len() > 1 && self.random.percent(50) {
            for at in (1..turn.len()).rev() {
                turn.swap(at, self.random.below(at + 1));
            }
            self.counts.note(Kind::Reorder);
        }
        for number in &turn {
            self.sockets[*number].again = false;
            self.serve(*number)?;
        }
        self.change()?;
        self.accept()?;
        self.change()?;
        let parked = std::mem::take(&mut self.notes.borrow_mut().parked);
        for id in parked {
            let resume_ms = self.now_ms + self.random.of(0..=RESUME_MS_MAX);
            self.push(resume_ms, Event::Resume(id.to_bits()));
            if self.random.percent(20) {
                self.push(resume_ms + 1, Event::Resume(id.to_bits()));
            }
        }
        if self.again.is_empty()
            && self
                .worker
                .next_ms()
                .is_some_and(|next_ms| next_ms <= self.now_ms)
        {
            self.hurried += 1;
        }
        self.keeps_its_word()
    }

    /// Serves what was changed by something else than its own socket.
    fn change(&mut self) -> Result<(), String> {
        let most = 10 * (self.sockets.len() + 10);
        for _ in 0..most {
            let Some((id, want)) = self.worker.next_changed() else {
                return Ok(());
            };
            self.counts.events += 1;
            let number = self.owners[id.index()];
            if self.sockets[number].id != Some(id) {
                return Err(format!("{id:?} has changed after its end"));
            }
            self.trace(|| format!("#{number} changed"));
            self.wanted(number, want)?;
        }
        Err(format!("more than {most} changes in one turn"))
    }

    fn happens(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Connect(number) => self.connects(number),
            Event::Step(number) => self.steps(number),
            Event::Patience(number, waits) => self.loses_patience(number, waits),
            Event::Arrive(number, upto) => {
                self.sockets[number].arrived = upto;
                self.soon(number);
            }
            Event::Fin(number) => {
                self.sockets[number].fin_arrived = true;
                self.soon(number);
            }
            Event::Reset(number) => {
                self.sockets[number].reset = true;
                self.soon(number);
            }
            Event::Read(number) => self.reads(number),
            Event::Eof(number) => self.sees_the_end(number),
            Event::SendDone(number) => self.send_done(number)?,
            Event::Close(number) => self.close(number)?,
            Event::Resume(bits) => self.resume(Id::from_bits(bits)),
            Event::Stale(bits) => self.stale(Id::from_bits(bits))?,
            Event::Drain => self.drain()?,
        }
        Ok(())
    }

    fn resume(&mut self, id: Id) {
        self.counts.events += 1;
        let parked = self.notes.borrow().waits(id) == Waits::Parked;
        self.counts.note(if parked {
            Kind::Resumed
        } else {
            Kind::Spurious
        });
        let number = self.owners[id.index()];
        if self.sockets[number].id == Some(id) {
            self.sockets[number].active(self.now_ms);
        }
        self.worker.resume(id);
    }

    /// Whoever still holds an id that has ended does no harm with it.
    fn stale(&mut self, id: Id) -> Result<(), String> {
        self.counts.events += 4;
        self.counts.note(Kind::StaleId);
        let nothing = Want::NOTHING;
        let harmless = self
            .worker
            .on_bytes(id, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            == nothing
            && self.worker.on_bytes(id, b"") == nothing
            && self.worker.pending(id).is_empty()
            && self.worker.on_sent(id, 0) == nothing
            && self.worker.ended(id, orthant_core::Ended::Broken).is_none();
        self.worker.resume(id);
        match harmless {
            true => Ok(()),
            false => Err(format!("{id:?} finds something after its end")),
        }
    }

    /// What holds between two turns.
    fn keeps_its_word(&self) -> Result<(), String> {
        if self.hurried > HURRIED_MAX {
            return Err("it wants to be told the time again and again".to_owned());
        }
        let bytes_max = self.scenario.limits.regions_bytes_max(B::OWN_BYTES_MAX);
        let bytes = self.worker.regions_bytes();
        if bytes > bytes_max {
            return Err(format!(
                "{bytes} bytes of regions, where {bytes_max} are the most"
            ));
        }
        let live = self
            .sockets
            .iter()
            .filter(|socket| socket.id.is_some() && !socket.ended);
        if self.worker.live() != live.count() {
            return Err(format!("{} connections", self.worker.live()));
        }
        self.holds_no_more_than_it_needs()?;
        self.nobody_waits_in_vain()
    }

    /// Nobody waits for a region where none is lent, or where even the largest answer had its place.
    fn nobody_waits_in_vain(&self) -> Result<(), String> {
        let lent = self.worker.regions_lent();
        if lent > 0 && lent + LARGEST_REGIONS > self.scenario.limits.big_regions_max {
            return Ok(());
        }
        let notes = self.notes.borrow();
        for (number, socket) in self.sockets.iter().enumerate() {
            let Some(id) = socket.id.filter(|_| socket.live() && socket.over.is_none()) else {
                continue;
            };
            let flushed = socket.sending.is_none() && socket.want == Want::NOTHING;
            if flushed && notes.waits(id) == Waits::Room {
                return Err(format!("#{number} waits for room, and there is some"));
            }
        }
        Ok(())
    }

    /// Where nothing is pending anywhere, connections hold what idle ones do.
    fn holds_no_more_than_it_needs(&self) -> Result<(), String> {
        let mut open = 0;
        for socket in self
            .sockets
            .iter()
            .filter(|socket| socket.id.is_some() && !socket.ended)
        {
            let closes = socket.want.close() || socket.closing;
            if socket.want.send() || socket.sending.is_some() || closes {
                return Ok(());
            }
            open += 1;
        }
        let idle_bytes = open * B::IDLE_BYTES;
        let bytes = self.worker.regions_in_use_bytes();
        if bytes != idle_bytes || self.worker.regions_lent() > 0 {
            return Err(format!(
                "{bytes} bytes of regions in use, where nothing is pending"
            ));
        }
        Ok(())
    }

    /// What holds when nothing more happens.
    fn at_the_end(&mut self) -> Result<(), String> {
        if let Some(number) = self
            .sockets
            .iter()
            .position(|socket| socket.id.is_some() && !socket.ended)
        {
            return Err(format!(
                "#{number} never ends: {:?}",
                self.sockets[number].want
            ));
        }
        for (what, count) in [
            ("connections", self.worker.live()),
            ("regions lent", self.worker.regions_lent()),
            (
                "bytes of regions in use",
                self.worker.regions_in_use_bytes(),
            ),
            ("bytes of regions kept", self.worker.regions_bytes()),
        ] {
            if count > 0 {
                return Err(format!("{count} {what} at the end"));
            }
        }
        let notes = self.notes.borrow();
        for (count, kind) in [
            (notes.again, Kind::RegionWait),
            (notes.timed, Kind::Timed),
            (notes.quiet, Kind::Quiet),
            (notes.pieces, Kind::Streamed),
        ] {
            self.counts.note_times(kind, count);
        }
        Ok(())
    }

    fn push(&mut self, ms: u64, event: Event) {
        self.pushed += 1;
        self.queue.push(Reverse((ms, self.pushed, event)));
    }

    /// A socket has something to do in this turn, or in the next.
    fn soon(&mut self, number: usize) {
        let socket = &mut self.sockets[number];
        if socket.id.is_some() && !std::mem::replace(&mut socket.again, true) {
            self.again.push(number);
        }
    }

    fn trace(&mut self, line: impl FnOnce() -> String) {
        if self.tracing {
            if self.trace.len() == TRACE_LINES {
                self.trace.pop_front();
            }
            let line = format!("{:>8} ms  {}", self.now_ms, line());
            self.trace.push_back(line);
        }
    }
}

fn at(now_ms: u64) -> Now {
    Now {
        monotonic_ms: now_ms,
        unix_s: START_S + now_ms / 1_000,
    }
}
