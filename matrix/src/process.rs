//! One server under test: started, read, stopped.
//!
//! A server runs on one CPU from its first instruction, dies with the matrix whatever happens to it, and ends when its
//! [`Server`] is dropped. Its CPU time is read from the process's own clock, its memory and counters from `/proc`. What it
//! says on stderr is kept for the message that explains why it died. Nothing here knows about load.

mod proc;
mod sys;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use crate::error::{Fault, Faulty};

pub use proc::{Events, Memory};

/// A server has this long to print its address.
const START_MAX: Duration = Duration::from_secs(10);

/// An environment is padded by less than a page.
pub(crate) const PADDING_BYTES_MAX: usize = 4096;

/// The exit status of a server that cannot run on this machine.
const REFUSED: i32 = 2;

/// A server has this long to end after SIGTERM; servers drain connections, and ours are closed by then.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Between two looks at whether it ended.
const STOP_POLL: Duration = Duration::from_millis(1);

/// The words of a server that ended are there at once, unless a child of its own keeps its stderr open.
const WORDS_MAX: Duration = Duration::from_secs(1);

/// This much of its stderr is kept.
const WORDS_BYTES_MAX: u64 = 4096;

/// How a server ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum End {
    /// On SIGTERM, with success or by the signal itself.
    Stopped,
    /// Not on SIGTERM; it had to be killed.
    Killed,
    /// By itself, or with an error.
    Died {
        /// Its exit status and last words.
        what: String,
    },
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    clock: sys::CpuClock,
    words: mpsc::Receiver<String>,
    /// What it calls itself, such as `uring+split+mimalloc` or `uring+floor`; empty when it gives no name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts an executable with one worker on one CPU. `padding` fills its environment, which moves its stack: layout
    /// alone can make a program a percent faster (Mytkowicz et al. 2009), so chance decides it in each launch.
    ///
    /// # Errors
    /// With its stderr, when it does not say in time where it listens: [`Fault::Refused`] when it ends with status 2, as
    /// designs do that this machine cannot run, [`Fault::Start`] otherwise.
    pub fn start(executable: &Path, cpu: usize, padding: usize) -> Result<Server> {
        Server::start_as(&[], executable, cpu, padding)
    }

    /// Starts it with further arguments, such as `--app probe`.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_as(
        arguments: &[&str],
        executable: &Path,
        cpu: usize,
        padding: usize,
    ) -> Result<Server> {
        Server::start_within(None, arguments, executable, cpu, padding)
    }

    /// The same, with a limit to its descriptors (RLIMIT_NOFILE).
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_within(
        open_files: Option<u64>,
        arguments: &[&str],
        executable: &Path,
        cpu: usize,
        padding: usize,
    ) -> Result<Server> {
        let arguments = [&["--listen", "127.0.0.1:0", "--workers", "1"], arguments].concat();
        let mut command = Command::new(executable);
        command
            .args(&arguments)
            .env("ORTHANT_PADDING", "x".repeat(padding));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        sys::confine(&mut command, cpu, open_files);
        let shown = executable.display();
        let mut child = command
            .spawn()
            .with_context(|| {
                format!("failed to start {shown}, which has to be an executable for this machine")
            })
            .fault(Fault::Start)?;
        let lines = read_line_of(child.stdout.take().context("stdout was piped")?);
        let words = words_of(child.stderr.take().context("stderr was piped")?);
        let clock = sys::CpuClock::of(child.id());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let clock = clock.with_context(|| format!("failed to find the CPU clock of {shown}"))?;
        let mut server = Server {
            child,
            clock,
            words,
            name: String::new(),
            address: nowhere,
        };
        (server.name, server.address) = server
            .listening(&lines)
            .with_context(|| format!("failed to start {shown} {}", arguments.join(" ")))?;
        Ok(server)
    }

    /// Waits for the line that says who it is and where it listens.
    fn listening(&mut self, lines: &mpsc::Receiver<String>) -> Result<(String, SocketAddr)> {
        match lines.recv_timeout(START_MAX) {
            Ok(line) if !line.is_empty() => announced_in(&line).fault(Fault::Start),
            Ok(_) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().context("failed to wait for it")?;
                let fault = if status.code() == Some(REFUSED) {
                    Fault::Refused
                } else {
                    Fault::Start
                };
                Err(anyhow!(
                    "it ended before it listened: {}; run that command by hand to see more",
                    self.last_words(status)
                ))
                .fault(fault)
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let waited_s = START_MAX.as_secs();
                Err(anyhow!("it printed no line in {waited_s} s; run that command by hand to see what it does"))
                    .fault(Fault::Start)
            }
        }
    }

    /// CPU time of all its threads so far.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn cpu_ns(&self) -> Result<u64> {
        self.clock.now_ns().with_context(|| {
            format!(
                "failed to read the CPU clock of process {}",
                self.child.id()
            )
        })
    }

    /// Its memory now.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        proc::memory(self.child.id())
    }

    /// Connections that it holds now, those among them that have no descriptor.
    #[must_use]
    pub fn connections(&self) -> Option<usize> {
        proc::connections_to(self.address)
    }

    /// What can be read of it from another thread, as long as this lives.
    #[must_use]
    pub fn glass(&self) -> Glass {
        Glass(self.child.id())
    }

    /// Its counters now.
    #[must_use]
    pub fn events(&self) -> Option<Events> {
        proc::events(self.child.id())
    }

    /// Ends it: SIGTERM, some seconds, SIGKILL.
    ///
    /// # Errors
    /// When the kernel does not let us wait for it.
    pub fn stop(mut self) -> Result<End> {
        if let Some(status) = self.ended()? {
            return Ok(End::Died {
                what: self.last_words(status),
            });
        }
        sys::terminate(self.child.id()).context("failed to stop a server")?;
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline {
            // A server without a handler is ended by the signal itself, which is as good as stopping.
            match self.ended()? {
                Some(status) if status.success() || status.signal() == Some(sys::TERMINATE) => {
                    return Ok(End::Stopped);
                }
                Some(status) => {
                    let what = format!("on SIGTERM, {}", self.last_words(status));
                    return Ok(End::Died { what });
                }
                None => std::thread::sleep(STOP_POLL),
            }
        }
        Ok(End::Killed)
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("failed to wait for a server")
    }

    /// Its exit status and what it said on stderr.
    fn last_words(&self, status: ExitStatus) -> String {
        let words = self.words.recv_timeout(WORDS_MAX).unwrap_or_default();
        match words.trim() {
            "" => format!("{status}, nothing on stderr"),
            words => format!("{status}: {words}"),
        }
    }
}

/// Looks at a running server. After its end it sees nothing.
#[derive(Clone, Copy, Debug)]
pub struct Glass(u32);

impl Glass {
    /// Its memory now.
    #[must_use]
    pub fn memory(self) -> Option<Memory> {
        proc::memory(self.0)
    }

    /// Its descriptors now; those of an io_uring are not among them.
    #[must_use]
    pub fn descriptors(self) -> Option<usize> {
        proc::descriptors(self.0)
    }

    /// Lets the peak of its memory count from now on.
    ///
    /// # Errors
    /// When the kernel does not allow it: then it counts from the start.
    pub fn forget_peak(self) -> Result<()> {
        proc::forget_peak(self.0).context("failed to reset the peak of a server's memory")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The name and the address in `orthant uring+split+mimalloc listening on 127.0.0.1:41233, 1 worker`.
fn announced_in(line: &str) -> Result<(String, SocketAddr)> {
    let announced = line
        .split_once("listening on ")
        .and_then(|(before, after)| {
            let name = before.split_whitespace().last().unwrap_or_default();
            let address = after.split([',', ' ', '\n']).next()?.parse().ok()?;
            Some((name.to_owned(), address))
        });
    announced.ok_or_else(|| {
        anyhow!("its first line is {line:?}, expected one like `NAME listening on 127.0.0.1:41233, 1 worker`")
    })
}

/// Sends the first line, empty at the end of the stream; then reads on, so that the server never blocks on a full pipe.
fn read_line_of(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        // A line that is no UTF-8 is as good as none.
        let _ = reader.read_line(&mut line);
        // It fails when the server was given up, by the time-out or the caller: then nobody is left to tell.
        let _ = sender.send(line);
        // An error ends the stream as its end would, and with it the need to read on.
        let _ = std::io::copy(&mut reader, &mut std::io::sink());
    });
    receiver
}

fn words_of(mut stderr: ChildStderr) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut words = Vec::new();
        // What could be read before an error is all there is.
        let _ = stderr
            .by_ref()
            .take(WORDS_BYTES_MAX)
            .read_to_end(&mut words);
        // It fails when the server was stopped and dropped, as nearly all are: then nobody asks for its last words.
        let _ = sender.send(String::from_utf8_lossy(&words).into_owned());
        // An error ends the stream as its end would, and with it the need to read on.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    });
    receiver
}

/// CPU time of this process so far.
///
/// # Errors
/// When the kernel has no such clock.
pub fn own_cpu_ns() -> Result<u64> {
    sys::CpuClock::of_this_process()
        .now_ns()
        .context("failed to read the CPU clock of this process")
}

/// The CPUs this process may use.
///
/// # Errors
/// When the kernel does not say.
pub fn usable_cpus() -> Result<Vec<usize>> {
    sys::affinity().context("failed to read the CPU affinity of this process")
}

/// Lets this thread run on all these CPUs again.
///
/// # Errors
/// When none of them may be used.
pub fn bind_to(cpus: &[usize]) -> Result<()> {
    sys::bind_to(cpus).with_context(|| format!("failed to run on CPUs {cpus:?}"))
}

/// Lets this process open so many descriptors; servers inherit it.
///
/// # Errors
/// When the hard limit is lower, or cannot be read.
pub fn open_files_at_least(count: u64) -> Result<()> {
    let (soft, hard) = sys::open_files().context("failed to read RLIMIT_NOFILE")?;
    if soft >= count {
        return Ok(());
    }
    ensure!(
        hard >= count,
        "failed to open {count} descriptors: {hard} are the most here; raise that with `ulimit -Hn {count}` as root, or \
         ask for fewer connections or designs"
    );
    sys::limit_open_files(count, hard)
        .with_context(|| format!("failed to raise RLIMIT_NOFILE from {soft} to {count}"))
}

/// The size of a page; none where the kernel does not say.
#[must_use]
pub fn page_bytes() -> Option<u64> {
    sys::page_bytes()
}

/// From now on the first Ctrl-C or SIGTERM is only noted.
pub fn catch_interrupts() {
    sys::catch_interrupts();
}

/// Whether one was noted.
#[must_use]
pub fn is_interrupted() -> bool {
    sys::is_interrupted()
}

/// Whether the kernel lets this process create an io_uring.
#[must_use]
pub fn io_uring_is_allowed() -> bool {
    sys::io_uring_is_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    }

    fn start(text: &str) -> Result<Server> {
        let (_folder, path) = script(text);
        loop {
            // Another test may have forked while the script was open for writing; its child holds it until it execs.
            match Server::start(&path, usable_cpus()?[0], 10) {
                Err(error) if format!("{error:#}").contains("Text file busy") => {
                    std::thread::yield_now()
                }
                result => return result,
            }
        }
    }

    const SAYS: &str = "echo 'orthant a+b listening on 127.0.0.1:4, 1 worker'";

    #[test]
    fn name_and_address_are_read_from_the_line() {
        let announced = |line| {
            announced_in(line)
                .map(|(name, address)| (name, address.port()))
                .ok()
        };
        let found = |name: &str, port| Some((name.to_owned(), port));
        assert_eq!(
            announced("orthant uring+floor listening on 127.0.0.1:41233, 1 worker\n"),
            found("uring+floor", 41233)
        );
        assert_eq!(announced("a listening on 127.0.0.1:5\n"), found("a", 5));
        assert_eq!(announced("listening on 127.0.0.1:5\n"), found("", 5));
        assert_eq!(announced("hello\n"), None);
        assert_eq!(announced("listening on nowhere"), None);
    }

    #[test]
    fn a_server_runs_on_its_cpu_with_its_padding_and_stops() {
        let server = start(&format!(
            "test ${{#ORTHANT_PADDING}} = 10 || exit 9\n{SAYS}\nwhile :; do :; done"
        ))
        .unwrap();
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let cpus = format!("Cpus_allowed_list:\t{}\n", usable_cpus().unwrap()[0]);
        assert!(status.contains(&cpus), "{status}");
        assert!(server.cpu_ns().unwrap() > 0);
        assert_eq!(server.stop().unwrap(), End::Stopped);
    }

    #[test]
    fn a_server_that_fails_on_sigterm_has_died() {
        let server = |status| {
            start(&format!(
                "trap 'exit {status}' TERM\n{SAYS}\nwhile :; do :; done"
            ))
            .unwrap()
        };
        assert_eq!(server(0).stop().unwrap(), End::Stopped);
        assert!(
            matches!(server(7).stop().unwrap(), End::Died { what } if what.contains("exit status: 7"))
        );
    }

    #[test]
    fn a_server_that_dies_is_quoted() {
        let error = start("echo 'io_uring is denied' >&2\nexit 2").unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("exit status: 2: io_uring is denied"),
            "{text}"
        );
        assert!(start("echo hello").is_err());
    }

    #[test]
    fn a_server_ends_with_its_handle() {
        let server = start(&format!("{SAYS}\nwhile :; do :; done")).unwrap();
        let folder = format!("/proc/{}", server.child.id());
        assert!(Path::new(&folder).exists());
        drop(server);
        assert!(!Path::new(&folder).exists());
    }
}
