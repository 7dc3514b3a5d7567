//! Where the resident memory of a server is: every page belongs to a class, or is named as unaccounted.
//!
//! ```text
//!   /proc/PID/smaps ───▶ text, constants, data, libraries, stacks, rings, and what allocators mapped
//!   the allocator's own counters (admin address) ───▶ of that: what is handed out, and what it holds
//!   a start without connections ───▶ of what is handed out: what connections and their buffers add
//!   the executable's word for itself (--design) ───▶ of the rest: what a worker receives into
//! ```
//! Each class is as large as its source says and no larger than what is left of the memory it lies in, so that classes and
//! unaccounted are exactly what is resident. Further starts, each with one factor changed, say what follows from what.
//!
//! What is handed out need not have been touched: so much of it may belong to nobody, and as much more be free.

mod classes;
mod smaps;
mod told;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;

use crate::error::{Fault, Faulty};
use crate::load::{self, Answers, Load, Model};
use crate::process::{self, Program, Server};
use crate::workload::Workload;

pub use classes::{Class, Place};
use smaps::Mapping;

/// Requests of each connection before memory is read.
const REQUESTS: u32 = 140;

/// Between the last answer and the reading: the threads wait by then.
const REST: Duration = Duration::from_millis(20);

/// Further connections, as a factor of those of the triage.
const CONNECTIONS_TIMES: u32 = 16;

/// Descriptors beside those of the connections.
const DESCRIPTORS_OWN: u64 = 64;

/// What is looked at, and how it is loaded.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The executable.
    pub executable: PathBuf,
    /// Whether it is a design: it has an admin address then and says what it is made of.
    pub is_design: bool,
    /// What is right.
    pub answers: Answers,
    /// The load.
    pub workload: Workload,
    /// Connections to it.
    pub connections: u32,
    /// The CPU of the server.
    pub server_cpu: usize,
    /// An executable that differs from this one in one value of an axis, and its name.
    pub siblings: Vec<(String, PathBuf)>,
    /// The same design built so that it counts what goes through its allocator, where the allocator counts nothing.
    pub counting: Option<PathBuf>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Triage {
    /// All resident memory, by smaps.
    pub resident_bytes: u64,
    /// It again, by class; `unaccounted` is the last.
    pub classes: Vec<Class>,
    /// The share of it that is not unaccounted.
    pub explained_share: f64,
    /// Where the memory of the allocator lies.
    pub places: Vec<Place>,
    /// Memory for the process that is not resident in it.
    pub beside: Vec<Place>,
    /// What changes with one factor.
    pub factors: Vec<Factor>,
}

/// A start with one factor changed.
#[derive(Clone, Debug, Serialize)]
pub struct Factor {
    /// What was changed.
    pub name: String,
    /// All resident memory; none where it could not be had, and then why.
    pub resident_bytes: Option<u64>,
    /// What there is more of or less, the largest first.
    pub changes: Vec<(&'static str, i64)>,
    /// Why there is none.
    pub missing: Option<String>,
}

/// What was read of one start.
struct Reading {
    mappings: Vec<Mapping>,
    page_table_bytes: Option<u64>,
    cgroup_bytes: Option<u64>,
    live_bytes: Option<u64>,
    held_bytes: Option<u64>,
    mapped_bytes: Option<u64>,
}

/// Finds out.
///
/// # Errors
/// When the server cannot be started, answers wrong, or cannot be read.
pub fn triage(subject: &Subject, progress: &mut dyn FnMut(&str)) -> Result<Triage> {
    process::open_files_at_least(
        u64::from(subject.connections * CONNECTIONS_TIMES) + DESCRIPTORS_OWN,
    )?;
    let own_bytes = subject
        .is_design
        .then(|| told::own_bytes(&subject.executable));
    let own_bytes = own_bytes.transpose()?;
    progress("the server itself");
    let mut base = read(subject, subject.connections)?;
    progress("without connections");
    let mut without = read(subject, 0)?;
    if let Some(counting) = &subject.counting {
        let counts = Subject {
            executable: counting.clone(),
            ..subject.clone()
        };
        base.live_bytes = base.live_bytes.or(counted(&counts, subject.connections)?);
        without.live_bytes = without.live_bytes.or(counted(&counts, 0)?);
    }
    let mut factors = vec![changed(
        "no connections",
        &base,
        Ok(without_factor(&without)),
    )];
    let many = subject.connections * CONNECTIONS_TIMES;
    let mut factor = |name: &str, seen: &dyn Fn() -> Result<Reading>| {
        progress(name);
        factors.push(changed(name, &base, seen().map(|reading| reading.mappings)));
    };
    factor(&format!("{many} connections"), &|| read(subject, many));
    factor("two workers", &|| {
        read_with(subject, &["--workers", "2"], subject.connections)
    });
    if subject.is_design {
        let plain = Subject {
            is_design: false,
            ..subject.clone()
        };
        factor("no admin address", &|| read(&plain, subject.connections));
    }
    for (name, executable) in &subject.siblings {
        let sibling = Subject {
            executable: executable.clone(),
            ..subject.clone()
        };
        factor(name, &|| read(&sibling, subject.connections));
    }
    if process::is_interrupted() {
        return Err(anyhow!("interrupted")).fault(Fault::Interrupted);
    }
    let classes = classes::classes(&base, &without, own_bytes, subject.counting.is_some());
    let resident_bytes = resident(&base.mappings);
    let unaccounted = classes.last().map_or(0, |class| class.bytes);
    Ok(Triage {
        resident_bytes,
        explained_share: 1.0 - unaccounted as f64 / resident_bytes.max(1) as f64,
        places: classes::places(&base.mappings),
        beside: classes::beside(&base),
        classes,
        factors,
    })
}

fn resident(mappings: &[Mapping]) -> u64 {
    mappings.iter().map(|mapping| mapping.resident_bytes).sum()
}

fn without_factor(reading: &Reading) -> Vec<Mapping> {
    reading.mappings.clone()
}

fn changed(name: &str, base: &Reading, seen: Result<Vec<Mapping>>) -> Factor {
    let name = name.to_owned();
    match seen {
        Ok(mappings) => Factor {
            name,
            resident_bytes: Some(resident(&mappings)),
            changes: classes::changes(&base.mappings, &mappings),
            missing: None,
        },
        Err(error) => Factor {
            name,
            resident_bytes: None,
            changes: Vec::new(),
            missing: Some(format!("{error:#}")),
        },
    }
}

/// Starts it, drives so many connections, and reads it while they are open.
fn read(subject: &Subject, connections: u32) -> Result<Reading> {
    read_with(subject, &[], connections)
}

fn read_with(subject: &Subject, more: &[&str], connections: u32) -> Result<Reading> {
    let admin: &[&str] = match subject.is_design {
        true => &["--admin", "127.0.0.1:0"],
        false => &[],
    };
    let arguments = [admin, more].concat();
    let program = Program::Executable(subject.executable.clone(), Vec::new())
        .with(arguments.into_iter().map(str::to_owned));
    let server = Server::start(&program, subject.server_cpu, 0)?;
    let seen = driven(subject, &server, connections, || Reading::of(&server))?;
    server.stop()?;
    Ok(seen)
}

/// What is handed out in a build that counts it.
fn counted(subject: &Subject, connections: u32) -> Result<Option<u64>> {
    let place = crate::count::allocation_counts(&subject.executable)?;
    let Some(place) = place else { return Ok(None) };
    let program = Program::Executable(subject.executable.clone(), Vec::new())
        .with(["--admin", "127.0.0.1:0"].map(str::to_owned));
    let server = Server::start(&program, subject.server_cpu, 0)?;
    let live = driven(subject, &server, connections, || {
        place.live_bytes(server.process())
    })?;
    server.stop()?;
    Ok(Some(live))
}

fn driven<R>(
    subject: &Subject,
    server: &Server,
    connections: u32,
    read: impl FnOnce() -> Result<R>,
) -> Result<R> {
    let mut load = Load::new()?;
    if connections > 0 {
        let target = load.connect(load::Plan {
            address: server.address,
            workload: subject.workload,
            answers: subject.answers,
            model: Model::Closed,
            connections,
            seed: 0,
        })?;
        let slice = load.writes(target, REQUESTS / subject.workload.requests_per_write())?;
        let first = slice.first_wrong.as_deref().unwrap_or_default();
        ensure!(
            slice.wrong == 0 && slice.unanswered == 0,
            "{} wrong answers and {} missing ones: {first}",
            slice.wrong,
            slice.unanswered
        );
    }
    std::thread::sleep(REST);
    read()
}

impl Reading {
    fn of(server: &Server) -> Result<Reading> {
        let id = server.process();
        let path = format!("/proc/{id}/smaps");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("failed to read {path}; it takes the rights of the server's user")
        })?;
        let executable = process::executable(id)?;
        let mappings = smaps::mappings(&text, &executable, &told::stack_pointers(id))
            .with_context(|| format!("failed to understand {path}"))?;
        let counters = server.other_address().and_then(told::allocator);
        Ok(Reading {
            mappings,
            page_table_bytes: told::page_table_bytes(id),
            cgroup_bytes: server.memory().and_then(|memory| memory.cgroup_bytes),
            live_bytes: counters.and_then(|counters| counters.live_bytes),
            held_bytes: counters.and_then(|counters| counters.held_bytes),
            mapped_bytes: counters.and_then(|counters| counters.mapped_bytes),
        })
    }
}
