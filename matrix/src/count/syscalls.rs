//! Calls of the kernel, by name: the server runs under a tracer of ours that stops it at each of them.
//!
//! That needs no privileges and nothing installed, where counters of the kernel need both. It makes every call several
//! microseconds longer: the server is then slower than its client, and finds all connections ready whenever it waits.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use syscalls::Sysno;

use super::sys::{self, Stop};
use super::{Pass, spans};
use crate::process::Server;
use crate::record::SyscallSpan;

/// How often each call was made, by its number.
type Counts = BTreeMap<u64, u64>;

/// Counts the calls of one server.
pub(super) fn pass(pass: &Pass) -> Result<Vec<SyscallSpan>> {
    pass.is_one_process()?;
    let server = Server::start(&pass.program, pass.server_cpu, 0)?;
    let tracer = Tracer::of(&server)?;
    let seen = spans(pass, &server, || Ok(tracer.counts()))?;
    tracer.end(&server)?;
    server.stop()?;
    let span = |(requests, before, after): (u64, Counts, Counts)| SyscallSpan {
        requests,
        calls: added(&before, after),
    };
    Ok(seen.into_iter().map(span).collect())
}

fn added(before: &Counts, after: Counts) -> BTreeMap<String, u64> {
    let since = |(number, count): (u64, u64)| {
        let added = count - before.get(&number).unwrap_or(&0);
        (added > 0).then(|| (name(number), added))
    };
    after.into_iter().filter_map(since).collect()
}

fn name(number: u64) -> String {
    let known = usize::try_from(number).ok().and_then(Sysno::new);
    known.map_or_else(|| number.to_string(), |call| call.name().to_owned())
}

/// A thread that traces a server until it is told to let it go.
struct Tracer {
    counts: Arc<Mutex<Counts>>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Tracer {
    fn of(server: &Server) -> Result<Tracer> {
        let counts: Arc<Mutex<Counts>> = Arc::default();
        let is_over: Arc<AtomicBool> = Arc::default();
        let (began, begun) = mpsc::channel();
        let process = server.process();
        let (its_counts, its_end) = (counts.clone(), is_over.clone());
        let thread = std::thread::spawn(move || {
            let mut threads = seized(process)?;
            // Nobody waits for it where the pass was given up.
            let _ = began.send(());
            trace(&mut threads, &its_counts, &its_end)
        });
        if begun.recv().is_err() {
            let failed = thread.join().map_err(|_| anyhow!("the tracer panicked"))?;
            let why = "failed to trace the server: ptrace(2) has to be allowed (kernel.yama.ptrace_scope below 3, and in a \
                       container CAP_SYS_PTRACE or a seccomp profile that lets it through)";
            failed.context(why)?;
            return Err(anyhow!("{why}"));
        }
        Ok(Tracer {
            counts,
            is_over,
            thread,
        })
    }

    fn counts(&self) -> Counts {
        let counts = self.counts.lock();
        counts.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the server go.
    fn end(self, server: &Server) -> Result<()> {
        self.is_over.store(true, Ordering::Release);
        sys::nudge(server.process()).context("failed to wake a traced server")?;
        let traced = self.thread.join();
        traced
            .map_err(|_| anyhow!("the tracer panicked"))?
            .context("failed to trace the server to its end")
    }
}

/// Seizes every thread of a process, those too that start meanwhile.
fn seized(process: u32) -> io::Result<BTreeSet<i32>> {
    let mut threads = BTreeSet::new();
    loop {
        let before = threads.len();
        for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let name = task?.file_name();
            let thread = name.to_string_lossy().parse().map_err(io::Error::other)?;
            if !threads.contains(&thread) {
                sys::seize(thread)?;
                sys::interrupt(thread)?;
                threads.insert(thread);
            }
        }
        if threads.len() == before {
            return Ok(threads);
        }
    }
}

/// Lets the threads run from call to call, and counts, until it is told that this is over.
fn trace(
    threads: &mut BTreeSet<i32>,
    counts: &Mutex<Counts>,
    is_over: &AtomicBool,
) -> io::Result<()> {
    let mut is_leaving = false;
    while !threads.is_empty() {
        let (thread, stop) = sys::wait()?;
        if matches!(stop, Stop::Ended) {
            threads.remove(&thread);
            continue;
        }
        threads.insert(thread);
        if is_over.load(Ordering::Acquire) && !is_leaving {
            is_leaving = true;
            let others = threads.iter().filter(|other| **other != thread);
            others.copied().try_for_each(sys::interrupt)?;
        }
        let signal = match stop {
            Stop::Signal(signal) => signal,
            Stop::Call | Stop::Other | Stop::Ended => 0,
        };
        if is_leaving {
            threads.remove(&thread);
            sys::release(thread, signal)?;
            continue;
        }
        if matches!(stop, Stop::Call)
            && let Some(number) = sys::entered(thread)?
        {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(number).or_default() += 1;
        }
        sys::resume(thread, signal)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_name_and_only_what_was_added() {
        let number = |call: Sysno| call.id() as u64;
        let before: Counts = [(number(Sysno::read), 5), (number(Sysno::write), 7)].into();
        let after = [
            (number(Sysno::read), 9),
            (number(Sysno::write), 7),
            (9999, 2),
        ]
        .into();
        let expected = [("read".to_owned(), 4), ("9999".to_owned(), 2)].into();
        assert_eq!(added(&before, after), expected);
    }
}
