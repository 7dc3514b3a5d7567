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
    tracer.end()?;
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

/// A thread that traces a server until it is told to let it go, or this is dropped; the server has to outlive it.
struct Tracer {
    process: u32,
    counts: Arc<Mutex<Counts>>,
    is_over: Arc<AtomicBool>,
    /// None where it has ended.
    thread: Option<JoinHandle<io::Result<()>>>,
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
            trace(process.cast_signed(), &mut threads, &its_counts, &its_end)
        });
        if begun.recv().is_err() {
            let failed = thread.join().map_err(|_| anyhow!("the tracer panicked"))?;
            let why = "failed to trace the server: ptrace(2) has to be allowed (kernel.yama.ptrace_scope below 3, and in a \
                       container CAP_SYS_PTRACE or a seccomp profile that lets it through)";
            failed.context(why)?;
            return Err(anyhow!("{why}"));
        }
        Ok(Tracer {
            process,
            counts,
            is_over,
            thread: Some(thread),
        })
    }

    fn counts(&self) -> Counts {
        let counts = self.counts.lock();
        counts.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the server go.
    fn end(mut self) -> Result<()> {
        self.joined()
    }

    fn joined(&mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.is_over.store(true, Ordering::Release);
        sys::nudge(self.process).context("failed to wake a traced server")?;
        let traced = thread.join();
        traced
            .map_err(|_| anyhow!("the tracer panicked"))?
            .context("failed to trace the server to its end")
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // The pass was given up, and says why itself.
        let _ = self.joined();
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
    leader: i32,
    threads: &mut BTreeSet<i32>,
    counts: &Mutex<Counts>,
    is_over: &AtomicBool,
) -> io::Result<()> {
    let mut is_leaving = false;
    while !threads.is_empty() {
        let (thread, stop) = sys::wait(leader)?;
        if matches!(stop, Stop::Ended) {
            // The leader's end is told when it is the last.
            if thread == leader {
                return Ok(());
            }
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
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;
    use crate::process::{End, Program, usable_cpus};

    /// A server of nothing, that says where it listens and waits.
    fn server() -> (tempfile::TempDir, Server) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("server");
        let text = "#!/bin/sh\necho 'x listening on 127.0.0.1:1'\nexec sleep 60\n";
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let program = Program::Executable(path, Vec::new());
        let cpu = usable_cpus().unwrap()[0];
        loop {
            // Another test may have forked while the script was open for writing; its child holds it until it execs.
            match Server::start(&program, cpu, 0) {
                Err(error) if format!("{error:#}").contains("Text file busy") => {
                    std::thread::yield_now();
                }
                server => return (folder, server.unwrap()),
            }
        }
    }

    #[test]
    fn a_server_that_ends_under_its_tracer_is_left_to_be_waited_for() {
        let (_folder, server) = server();
        let mut tracer = Tracer::of(&server).unwrap();
        let process = server.process().to_string();
        let told = Command::new("kill").arg(process).status().unwrap();
        assert!(told.success());
        tracer.thread.take().unwrap().join().unwrap().unwrap();
        let end = server.stop().unwrap();
        assert!(
            matches!(&end, End::Died { what } if what.contains("signal: 15")),
            "{end:?}"
        );
    }

    #[test]
    fn a_tracer_that_is_given_up_lets_the_server_go() {
        let (_folder, server) = server();
        drop(Tracer::of(&server).unwrap());
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.process()));
        assert!(status.unwrap().contains("\nTracerPid:\t0\n"));
        assert_eq!(server.stop().unwrap(), End::Stopped);
    }

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
