//! Which processes a server is: one, or all of a session.
//!
//! An executable is one process, as the contract of designs says. A command may start others, as a shell or a master of
//! workers does: it becomes the leader of a session of its own, and whatever stays in that session counts. Who leaves it
//! (`setsid`, as daemons do) is not seen; [`Extent::listens_on`] tells.
//!
//! The memory of several processes is the sum of their proportional set sizes: a page that n processes map counts for
//! 1/n in each, so what they share among themselves, as a fork leaves it, counts once. A single process is read as
//! designs are.

use std::collections::BTreeMap;
use std::io;

use super::proc::{self, Events, Memory};
use super::sys::{self, CpuClock};
use crate::machine::JIFFY_NS;

/// The processes of a server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    /// That one.
    Process(u32),
    /// Those of the session that it leads.
    Session(u32),
}

impl Extent {
    pub(super) fn is_session(self) -> bool {
        matches!(self, Extent::Session(_))
    }

    pub(super) fn pids(self) -> Vec<u32> {
        match self {
            Extent::Process(pid) => vec![pid],
            Extent::Session(leader) => {
                let members = proc::session(leader).into_iter();
                members.map(|member| member.pid).collect()
            }
        }
    }

    pub(super) fn memory(self) -> Option<Memory> {
        match self.pids()[..] {
            [pid] => proc::memory(pid),
            ref pids => proc::shared_memory(pids),
        }
    }

    pub(super) fn events(self) -> Option<Events> {
        let all: Vec<Events> = self.pids().into_iter().filter_map(proc::events).collect();
        all.into_iter().reduce(|sum, events| sum.and(&events))
    }

    pub(super) fn descriptors(self) -> Option<usize> {
        let counts: Vec<usize> = self
            .pids()
            .into_iter()
            .filter_map(proc::descriptors)
            .collect();
        (!counts.is_empty()).then(|| counts.iter().sum())
    }

    pub(super) fn forget_peak(self) -> io::Result<()> {
        self.pids().into_iter().try_for_each(proc::forget_peak)
    }

    /// Whether one of its processes listens on this port.
    pub(super) fn listens_on(self, port: u16) -> bool {
        let sockets = proc::listening_on(port);
        !sockets.is_empty()
            && self
                .pids()
                .into_iter()
                .any(|pid| proc::holds(pid, &sockets))
    }

    /// Sends a signal to each of them; who has ended meanwhile needs none.
    pub(super) fn signal(self, signal: i32) {
        for pid in self.pids() {
            let _ = sys::signal(pid, signal);
        }
    }
}

/// Adds up the CPU time of a server.
#[derive(Debug)]
pub(super) enum Meter {
    /// The clock of a process has it.
    Clock(CpuClock),
    /// Of a session it has to be put together.
    Session(Session),
}

/// The CPU time of a session: the clocks of its processes, and what is known of those that have ended.
#[derive(Debug)]
pub(super) struct Session {
    leader: u32,
    /// What each process had taken when it was seen last.
    seen_ns: BTreeMap<proc::Key, u64>,
    total_ns: u64,
}

impl Session {
    pub(super) fn of(leader: u32) -> Session {
        Session {
            leader,
            seen_ns: BTreeMap::new(),
            total_ns: 0,
        }
    }

    /// Of those that have ended it is what their parents say when they have waited for them (in hundredths of a second),
    /// or what was seen of them last, whichever is more: parents that do not wait are told nothing, and who came and went
    /// between two readings was never seen. It never goes back.
    fn now_ns(&mut self) -> u64 {
        let (mut living_ns, mut waited_ns) = (0, 0);
        let mut ended_ns: u64 = self.seen_ns.values().sum();
        for member in proc::session(self.leader) {
            waited_ns += member.waited_jiffies * JIFFY_NS;
            let Ok(now_ns) = CpuClock::of(member.pid).and_then(CpuClock::now_ns) else {
                continue;
            };
            living_ns += now_ns;
            ended_ns -= self.seen_ns.insert(member.key(), now_ns).unwrap_or(0);
        }
        self.total_ns = self.total_ns.max(living_ns + ended_ns.max(waited_ns));
        self.total_ns
    }
}

impl Meter {
    pub(super) fn now_ns(&mut self) -> io::Result<u64> {
        match self {
            Meter::Clock(clock) => clock.now_ns(),
            Meter::Session(session) => Ok(session.now_ns()),
        }
    }
}
