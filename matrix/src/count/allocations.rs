//! Allocations: read from a static of an executable that counts them, while it runs and without its help.
//!
//! Asking the server over a connection would allocate. Its memory can be read instead (`/proc/PID/mem`), at the address
//! that its table of symbols names. Any executable that has such a static offers the count; `orthant-counting` puts it into
//! builds of designs.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectKind, ObjectSegment, ObjectSymbol};

use super::{Pass, spans};
use crate::process::{self, Server};
use crate::record::AllocationSpan;

/// The static: 64-bit numbers, blocks and bytes asked for, then, not in every executable, those given back.
pub(super) const SYMBOL: &str = "orthant_allocation_counts";

/// Where an executable of this name keeps its counts; none where it does not count.
pub(crate) fn offered(executable: &Path) -> Result<Option<Place>> {
    let bytes =
        fs::read(executable).with_context(|| format!("failed to read {}", executable.display()))?;
    let Ok(file) = object::File::parse(&*bytes) else {
        return Ok(None);
    };
    let symbol = file
        .symbols()
        .find(|symbol| symbol.name() == Ok(SYMBOL) && symbol.is_definition());
    let first = file.segments().map(|segment| segment.address()).min();
    Ok(symbol.zip(first).map(|(symbol, first)| match file.kind() {
        // It is loaded anywhere.
        ObjectKind::Dynamic => Place::BehindStart(symbol.address() - first),
        _ => Place::Fixed(symbol.address()),
    }))
}

/// Where the counts lie in a process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// At this address.
    Fixed(u64),
    /// So far behind where the executable begins.
    BehindStart(u64),
}

impl Place {
    /// Bytes that a process has asked for and not given back.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub(crate) fn live_bytes(self, process: u32) -> Result<u64> {
        let [_, taken, _, given_back] = Counts::of(process, self)?.now()?;
        Ok(taken.saturating_sub(given_back))
    }
}

/// Counts the allocations of one server.
pub(super) fn pass(pass: &Pass, place: Place) -> Result<Vec<AllocationSpan>> {
    pass.is_one_process()?;
    let server = Server::start(&pass.program, pass.server_cpu, 0)?;
    let counts = Counts::of(server.process(), place)?;
    let seen = spans(pass, &server, || counts.now::<2>())?;
    server.stop()?;
    let span = |(requests, before, after): (u64, [u64; 2], [u64; 2])| AllocationSpan {
        requests,
        allocations: after[0] - before[0],
        bytes: after[1] - before[1],
    };
    Ok(seen.into_iter().map(span).collect())
}

/// The counts of a running server.
struct Counts {
    memory: File,
    address: u64,
}

impl Counts {
    fn of(process: u32, place: Place) -> Result<Counts> {
        let address = match place {
            Place::Fixed(address) => address,
            Place::BehindStart(offset) => start_of(process)? + offset,
        };
        let path = format!("/proc/{process}/mem");
        let memory = File::open(&path).with_context(|| {
            format!("failed to open {path}: reading the memory of a child has to be allowed (kernel.yama.ptrace_scope below 2)")
        })?;
        Ok(Counts { memory, address })
    }

    /// The first numbers.
    fn now<const COUNT: usize>(&self) -> Result<[u64; COUNT]> {
        let mut numbers = [0; COUNT];
        for (number, offset) in numbers.iter_mut().zip((0..).step_by(8)) {
            let mut bytes = [0; 8];
            let read = self.memory.read_exact_at(&mut bytes, self.address + offset);
            read.context("failed to read the counts in the memory of a server")?;
            *number = u64::from_ne_bytes(bytes);
        }
        Ok(numbers)
    }
}

/// The lowest address at which a process maps its executable.
fn start_of(id: u32) -> Result<u64> {
    let path = format!("/proc/{id}/maps");
    let maps = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    let executable = process::executable(id)?;
    let file = executable.to_string_lossy();
    let Some(line) = maps.lines().find(|line| line.ends_with(&*file)) else {
        bail!("failed to find {file} in {path}");
    };
    let start = line.split('-').next().unwrap_or_default();
    u64::from_str_radix(start, 16).with_context(|| format!("failed to read {line:?} of {path}"))
}
