//! One slice of load on one target: the event loop of the load generator.
//!
//! ```text
//! settle        begin                                    ends                 over
//!   |-- ends of --|-- send, wait, read, check, send … ------|-- read, check ----|
//!   |   idle ones |                                         |   no new work     |
//! ```
//!
//! A connection has at most one exchange under way. The bytes of every read are checked where they are, in one buffer for
//! all connections, and one clock reading per read serves as completion of the answers in it and as send time of the
//! exchange that follows. An open loop sends what was intended before the end even afterwards: leaving it out would hide
//! the very requests that waited longest.
//!
//! A server that closes on its own account is not humoured: what it leaves unanswered is counted as that.
//!
//! Invariant: a socket has at most one event per wait and is replaced only while its own event is handled or between
//! waits, so no event can be taken for another socket's. One that outlives a reconnect of the same socket only makes us
//! read too early, which does no harm.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use anyhow::Context;

use super::{
    Slice,
    connection::{self, connect_error},
    driver::Driver,
    in_flight::InFlight,
    sys::{self, Event, Watch, now_ns},
};

/// A send this long after its intention, on an idle connection, shows a client that could not keep up.
const LATE_NS: u64 = 1_000_000;

/// What ends the sending.
pub(super) enum Extent {
    /// Time.
    Lasting(Duration),
    /// So many writes of each connection.
    Writes(u32),
}

/// One slice under way.
pub(super) struct Window<'a> {
    driver: &'a mut Driver,
    buffer: &'a mut [u8],
    slice: Slice,
    in_flight: InFlight,
    /// How long answers may still arrive once sending has ended.
    patience: Duration,
    /// When sending ends by the clock; 0 before it has begun.
    ends_ns: u64,
    /// Writes that each connection still has to make, where these end the sending.
    writes_left: Option<Vec<u32>>,
    last_answer_ns: u64,
    requests_per_write: u32,
}

impl<'a> Window<'a> {
    pub(super) fn new(
        driver: &'a mut Driver,
        buffer: &'a mut [u8],
        patience: Duration,
    ) -> Window<'a> {
        Window {
            patience,
            slice: Slice::new(driver.plan.model),
            requests_per_write: driver.plan.workload.requests_per_write(),
            in_flight: InFlight::default(),
            ends_ns: 0,
            writes_left: None,
            last_answer_ns: 0,
            driver,
            buffer,
        }
    }

    /// Loads the target to that extent, and waits for the answers outstanding.
    pub(super) fn run(mut self, extent: Extent) -> anyhow::Result<Slice> {
        let cpu_ns = sys::thread_cpu_ns();
        self.wait_and_handle(0)?; // settle: connections that ended since the last slice
        let begin_ns = now_ns();
        self.ends_ns = begin_ns;
        self.last_answer_ns = begin_ns;
        match extent {
            Extent::Lasting(duration) => self.ends_ns += duration.as_nanos() as u64,
            Extent::Writes(each) => {
                self.writes_left = Some(vec![each; self.driver.connections.len()]);
            }
        }
        self.begin(begin_ns)?;
        loop {
            self.send_due()?;
            let now_ns = now_ns();
            if self.over(now_ns) {
                break;
            }
            self.wait_and_handle(self.wait_ns(now_ns))?;
        }
        self.give_up();
        self.slice.elapsed_ns = self.last_answer_ns.max(begin_ns + 1) - begin_ns;
        self.slice.in_flight_requests = self.in_flight.average(self.slice.elapsed_ns);
        self.slice.client_cpu_ns = sys::thread_cpu_ns() - cpu_ns;
        Ok(self.slice)
    }

    fn begin(&mut self, begin_ns: u64) -> anyhow::Result<()> {
        match &mut self.driver.arrivals {
            Some(arrivals) => arrivals.begin(begin_ns),
            None => {
                for index in 0..self.driver.connections.len() {
                    self.send_next(index, now_ns())?;
                }
            }
        }
        Ok(())
    }

    fn over(&self, now_ns: u64) -> bool {
        // A queue has arrivals only while its connection is busy, so nothing outstanding means nothing queued.
        let answered = self.in_flight.outstanding() == 0;
        now_ns >= self.ends_ns && answered || now_ns >= self.last_chance_ns()
    }

    /// Where writes end the sending, a server has that long for each answer.
    fn last_chance_ns(&self) -> u64 {
        let since_ns = match self.writes_left {
            Some(_) => self.last_answer_ns,
            None => self.ends_ns,
        };
        since_ns + self.patience.as_nanos() as u64
    }

    fn wait_ns(&self, now_ns: u64) -> u64 {
        let until_ns = match &self.driver.arrivals {
            _ if now_ns >= self.ends_ns => self.last_chance_ns(),
            Some(arrivals) => arrivals.next_ns().min(self.ends_ns),
            None => self.ends_ns,
        };
        until_ns.saturating_sub(now_ns)
    }

    fn wait_and_handle(&mut self, most_ns: u64) -> anyhow::Result<()> {
        let count = self.driver.epoll.wait(most_ns).context(
            "failed to wait for events with epoll_pwait2; the load needs Linux 5.11 or later",
        )?;
        for index in 0..count {
            self.on_event(self.driver.epoll.event(index))?;
        }
        Ok(())
    }

    fn on_event(&mut self, event: Event) -> anyhow::Result<()> {
        let connection = &self.driver.connections[event.token];
        let bytes = &self.driver.script.exchanges[connection.exchange].bytes;
        let unsent = connection.outstanding > 0 && connection.sent_bytes < bytes.len();
        if unsent && (event.writable() || event.failed()) {
            self.flush(event.token)?;
        }
        if event.readable() || event.ended() {
            self.receive(event)?;
        }
        Ok(())
    }

    /// Reads until the socket has no more. A read that leaves room in the buffer has emptied it, and later bytes will
    /// raise another edge; the end of the stream will not, so once it is announced we read up to it.
    fn receive(&mut self, event: Event) -> anyhow::Result<()> {
        let index = event.token;
        while let Some(mut socket) = self.driver.connections[index].socket.as_ref() {
            match socket.read(self.buffer) {
                Ok(0) => return self.on_lost(index, "the server closed the connection"),
                Ok(count) => {
                    self.on_received(index, count)?;
                    if count < self.buffer.len() && !event.ended() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    return self.on_lost(index, &format!("the connection broke: {error}"));
                }
            }
        }
        Ok(())
    }

    fn on_received(&mut self, index: usize, count: usize) -> anyhow::Result<()> {
        let now_ns = now_ns();
        let connection = &mut self.driver.connections[index];
        let known = &mut self.driver.known[connection.exchange];
        let findings = known.check(&mut connection.progress, &self.buffer[..count]);
        let slice = &mut self.slice;
        slice.received_bytes += count as u64;
        if findings.right > 0 {
            let right = u64::from(findings.right);
            slice.requests += right;
            let latency_ns = now_ns.saturating_sub(connection.intended_ns);
            slice.latency_ns.saturating_record_n(latency_ns, right);
            if let Some(service_ns) = &mut slice.service_ns {
                service_ns.saturating_record_n(now_ns.saturating_sub(connection.sent_ns), right);
            }
        }
        let answered = findings.right + findings.wrong.len() as u32;
        if answered > 0 {
            self.last_answer_ns = now_ns;
        }
        connection.outstanding -= answered;
        self.in_flight.done(answered, now_ns);
        for (status, sentence) in findings.wrong {
            *slice.statuses.entry(status).or_default() += 1;
            slice.note_wrong(sentence);
        }
        if let Some(broken) = findings.broken {
            // The broken answer itself is wrong, not unanswered; it may also be one that nobody asked for.
            let answered = connection.outstanding.min(1);
            connection.outstanding -= answered;
            self.in_flight.done(answered, now_ns);
            slice.note_wrong(broken);
            return self.on_lost(index, "the connection was closed for broken framing");
        }
        if answered > 0 && connection.outstanding == 0 {
            connection.exchange = self.driver.script.next(connection.exchange);
            self.send_next(index, now_ns)?;
        }
        Ok(())
    }

    /// Gives up a connection and what was outstanding on it; the next exchange opens it again.
    fn on_lost(&mut self, index: usize, why: &str) -> anyhow::Result<()> {
        let connection = &mut self.driver.connections[index];
        connection.socket = None;
        let lost = connection.outstanding;
        connection.outstanding = 0;
        let now_ns = now_ns();
        self.in_flight.done(lost, now_ns);
        self.slice.note_unanswered(lost, why);
        self.send_next(index, now_ns)
    }

    /// Sends what an idle connection has to send next, if anything.
    fn send_next(&mut self, index: usize, now_ns: u64) -> anyhow::Result<()> {
        if self.driver.arrivals.is_some() {
            match self.driver.connections[index].queue.pop_front() {
                Some(intended_ns) => self.send(index, intended_ns, now_ns),
                None => Ok(()),
            }
        } else if self.may_begin(index, now_ns) {
            self.send(index, now_ns, now_ns)
        } else {
            Ok(())
        }
    }

    /// Whether a connection of a closed loop begins another write.
    fn may_begin(&mut self, index: usize, now_ns: u64) -> bool {
        match &mut self.writes_left {
            Some(left) if left[index] > 0 => {
                left[index] -= 1;
                true
            }
            Some(_) => false,
            None => now_ns < self.ends_ns,
        }
    }

    /// Hands the arrivals that are due to their connections, in turn.
    fn send_due(&mut self) -> anyhow::Result<()> {
        while let Some(arrivals) = &mut self.driver.arrivals {
            let now_ns = now_ns();
            let Some(intended_ns) = arrivals.take_before(self.ends_ns.min(now_ns + 1)) else {
                break;
            };
            let index = self.driver.turn;
            self.driver.turn = (index + 1) % self.driver.connections.len();
            let connection = &mut self.driver.connections[index];
            if connection.outstanding > 0 {
                connection.queue.push_back(intended_ns);
            } else {
                self.slice.late_sends += u64::from(now_ns - intended_ns > LATE_NS);
                self.send(index, intended_ns, now_ns)?;
            }
        }
        Ok(())
    }

    /// Begins an exchange on an idle connection, opening it first where it is closed or used up.
    fn send(&mut self, index: usize, intended_ns: u64, now_ns: u64) -> anyhow::Result<()> {
        let most = self.driver.plan.workload.requests_per_connection();
        let connection = &self.driver.connections[index];
        let used_up = most.is_some_and(|most| connection.used + self.requests_per_write > most);
        if used_up || connection.socket.is_none() {
            self.reopen(index)?;
        }
        let connection = &mut self.driver.connections[index];
        connection.begin(self.requests_per_write, intended_ns, now_ns);
        self.in_flight.sent(self.requests_per_write, now_ns);
        self.flush(index)
    }

    fn reopen(&mut self, index: usize) -> anyhow::Result<()> {
        let address = self.driver.plan.address;
        let connection = &mut self.driver.connections[index];
        if let Some(socket) = &connection.socket {
            connection::begin_reconnect(socket, address)
                .map_err(|error| connect_error(error, address))?;
        } else {
            let socket = connection::begin_connect(address)
                .map_err(|error| connect_error(error, address))?;
            self.driver
                .epoll
                .add(&socket, index, Watch::Reading)
                .context("failed to watch a connection")?;
            connection.socket = Some(socket);
        }
        connection.used = 0;
        self.slice.reconnects += 1;
        Ok(())
    }

    /// Sends what the kernel takes of the exchange under way; the rest when it has room again.
    fn flush(&mut self, index: usize) -> anyhow::Result<()> {
        let connection = &mut self.driver.connections[index];
        let Some(mut socket) = connection.socket.as_ref() else {
            return Ok(());
        };
        let bytes = &self.driver.script.exchanges[connection.exchange].bytes;
        match socket.write(&bytes[connection.sent_bytes..]) {
            Ok(count) => {
                connection.sent_bytes += count;
                self.slice.sent_bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Err(connect_error(error, self.driver.plan.address));
            }
            // The end of an open connection comes as an event of its own, after the answers that are still in it.
            Err(_) => return Ok(()),
        }
        if connection.sent_bytes < bytes.len() {
            self.driver
                .epoll
                .modify(socket, index, Watch::ReadingAndWriting)
                .context("failed to watch a connection")?;
        }
        Ok(())
    }

    /// Counts what is still unanswered, and closes those connections: a late answer must not meet a later request.
    fn give_up(&mut self) {
        let why = format!(
            "{:?} have passed since the last send was due",
            self.patience
        );
        for connection in &mut self.driver.connections {
            let queued = connection.queue.len() as u32 * self.requests_per_write;
            if connection.outstanding > 0 {
                let lost = connection.outstanding + queued;
                connection.socket = None;
                connection.outstanding = 0;
                connection.queue.clear();
                self.slice.note_unanswered(lost, &why);
            }
            self.slice.connections_open += u32::from(connection.socket.is_some());
        }
        if self.slice.requests > 0 {
            *self.slice.statuses.entry(200).or_default() += self.slice.requests;
        }
    }
}
