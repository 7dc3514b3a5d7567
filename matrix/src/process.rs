//! One server under test: started, read, stopped.
//!
//! A server runs on one CPU from its first instruction, dies with the matrix whatever happens to it, and ends when its
//! [`Server`] is dropped. Its CPU time is read from the process's own clock, its memory and counters from `/proc`. What it
//! says on stderr is kept for the message that explains why it died. Nothing here knows about load.
//!
//! A server that a command starts may be several processes, all of which count; see `extent`. Those beside the command
//! itself end with it in every case but one: when the matrix is killed outright (SIGKILL), they are not told.

mod cgroup;
mod extent;
mod lines;
mod proc;
mod program;
mod sys;

use std::ffi::OsString;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use crate::error::{Fault, Faulty};

use cgroup::Cgroup;
use extent::{Extent, Meter, Session};
use lines::{announced_in, read_line_of, words_of};
pub use proc::{Events, Memory};
pub use program::{Program, program_of, words};

/// A server has this long to print its address.
const START_MAX: Duration = Duration::from_secs(10);

/// A command has this long until it listens where it was told to: some start a virtual machine first.
const LISTEN_MAX: Duration = Duration::from_secs(30);

/// A server that something watches has this long.
const WATCHED_START_MAX: Duration = Duration::from_secs(60);

/// An environment is padded by less than a page.
pub(crate) const PADDING_BYTES_MAX: usize = 4096;

/// The exit status of a server that cannot run on this machine.
const REFUSED: i32 = 2;

/// A server has this long to end after SIGTERM; servers drain connections, and ours are closed by then.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Between two looks at whether it ended.
const POLL: Duration = Duration::from_millis(1);

/// Between two looks at whether a command listens; each reads the kernel's table of sockets.
const LISTEN_POLL: Duration = Duration::from_millis(5);

/// The words of a server that ended are there at once, unless a child of its own keeps its stderr open.
const WORDS_MAX: Duration = Duration::from_secs(1);

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
    /// Goes when the server has.
    cgroup: Option<Cgroup>,
    extent: Extent,
    meter: Meter,
    words: mpsc::Receiver<String>,
    /// What it calls itself, such as `uring+split+mimalloc` or `uring+floor`; empty when it gives no name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a program with one worker on one CPU. `padding` fills its environment, which moves its stack: layout
    /// alone can make a program a percent faster (Mytkowicz et al. 2009), so chance decides it in each launch.
    ///
    /// # Errors
    /// With its stderr, when it does not listen in time: [`Fault::Refused`] when it ends with status 2 before it says
    /// where, as designs do that this machine cannot run, [`Fault::Start`] otherwise.
    pub fn start(program: &Program, cpu: usize, padding: usize) -> Result<Server> {
        Server::start_within(None, program, cpu, padding)
    }

    /// The same, with a limit to its descriptors (RLIMIT_NOFILE).
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_within(
        open_files: Option<u64>,
        program: &Program,
        cpu: usize,
        padding: usize,
    ) -> Result<Server> {
        let (mut command, told) = program.command().fault(Fault::Start)?;
        command.env("ORTHANT_PADDING", "x".repeat(padding));
        Server::spawned(command, told, cpu, open_files, START_MAX)
    }

    /// Starts an executable under a program that watches it, such as `valgrind`, which has longer to start.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_under(wrapper: &[OsString], program: &Program, cpu: usize) -> Result<Server> {
        let (watched, told) = program.command().fault(Fault::Start)?;
        let mut words = wrapper.iter();
        let mut command = Command::new(words.next().context("a program to start it under")?);
        command
            .args(words)
            .arg(watched.get_program())
            .args(watched.get_args());
        Server::spawned(command, told, cpu, None, WATCHED_START_MAX)
    }

    fn spawned(
        mut command: Command,
        told: Option<SocketAddr>,
        cpu: usize,
        open_files: Option<u64>,
        start_max: Duration,
    ) -> Result<Server> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let cgroup = Cgroup::new();
        let entrance = cgroup.as_ref().and_then(Cgroup::entrance);
        sys::confine(&mut command, cpu, open_files, entrance);
        let shown = shown(&command);
        let mut child = command
            .spawn()
            .with_context(|| {
                format!("failed to start {shown}, which has to be an executable for this machine")
            })
            .fault(Fault::Start)?;
        let lines = read_line_of(child.stdout.take().context("stdout was piped")?);
        let words = words_of(child.stderr.take().context("stderr was piped")?);
        let pid = child.id();
        let clock = sys::CpuClock::of(pid)
            .with_context(|| format!("failed to find the CPU clock of {shown}"))?;
        let (extent, meter) = match told {
            None => (Extent::Process(pid), Meter::Clock(clock)),
            Some(_) => (Extent::Session(pid), Meter::Session(Session::of(pid))),
        };
        let mut server = Server {
            child,
            cgroup,
            extent,
            meter,
            words,
            name: String::new(),
            address: told.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
        };
        let listening = match told {
            None => server.announced(&lines, start_max),
            Some(address) => server.listening(address),
        };
        listening.with_context(|| format!("failed to start {shown}"))?;
        Ok(server)
    }

    /// Waits until one of its processes listens where it was told to. Until then nobody connects: an attempt could meet
    /// itself, as the kernel gives it any free port, and another program may have taken this one.
    fn listening(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + LISTEN_MAX;
        while Instant::now() < deadline && !is_interrupted() {
            if let Some(status) = self.ended()? {
                return Err(anyhow!(
                    "it ended before it listened on {address}: {}; it has to stay in the foreground, so run it by hand \
                     to see more",
                    self.last_words(status)
                ))
                .fault(Fault::Start);
            }
            if self.extent.listens_on(address.port()) && TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            std::thread::sleep(LISTEN_POLL);
        }
        if is_interrupted() {
            return Err(anyhow!("interrupted")).fault(Fault::Interrupted);
        }
        let waited_s = LISTEN_MAX.as_secs();
        let who = match proc::listening_on(address.port()).is_empty() {
            true => "nothing listened there",
            false => "who listens there is none of its processes, or not on that address",
        };
        Err(anyhow!(
            "in {waited_s} s it did not listen on {address}: {who}; use {{port}} or {{address}} in the command, and let it \
             stay in the foreground"
        ))
        .fault(Fault::Start)
    }

    /// Waits for the line that says who it is and where it listens.
    fn announced(&mut self, lines: &mpsc::Receiver<String>, start_max: Duration) -> Result<()> {
        match lines.recv_timeout(start_max) {
            Ok(line) if !line.is_empty() => {
                (self.name, self.address) = announced_in(&line).fault(Fault::Start)?;
                Ok(())
            }
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
                let waited_s = start_max.as_secs();
                Err(anyhow!("it printed no line in {waited_s} s; run that command by hand to see what it does"))
                    .fault(Fault::Start)
            }
        }
    }

    /// CPU time of all its threads so far; of a command, of all its processes.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn cpu_ns(&mut self) -> Result<u64> {
        self.meter.now_ns().with_context(|| {
            format!(
                "failed to read the CPU clock of process {}",
                self.child.id()
            )
        })
    }

    /// Its memory now.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let cgroup_bytes = self.cgroup.as_ref().and_then(Cgroup::bytes);
        let memory = self.extent.memory()?;
        Some(Memory {
            cgroup_bytes: cgroup_bytes.filter(|bytes| *bytes > 0),
            ..memory
        })
    }

    /// Connections that it holds now, those among them that have no descriptor.
    #[must_use]
    pub fn connections(&self) -> Option<usize> {
        proc::connections_to(self.address)
    }

    /// The id of its process, as long as this lives.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where else it listens, beside its own address: the first such place.
    #[must_use]
    pub fn other_address(&self) -> Option<SocketAddr> {
        let mut all = proc::listeners(self.child.id())?.into_iter();
        all.find(|address| *address != self.address)
    }

    /// What can be read of it from another thread, as long as this lives.
    #[must_use]
    pub fn glass(&self) -> Glass {
        Glass(self.extent)
    }

    /// Its counters now.
    #[must_use]
    pub fn events(&self) -> Option<Events> {
        self.extent.events()
    }

    /// Ends it, and every process of a command: SIGTERM, some seconds, SIGKILL.
    ///
    /// # Errors
    /// When the kernel does not let us wait for it.
    pub fn stop(mut self) -> Result<End> {
        if let Some(status) = self.ended()? {
            return Ok(End::Died {
                what: self.last_words(status),
            });
        }
        self.extent.signal(sys::TERMINATE);
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline {
            match self.ended()? {
                // Who leads a session may end before those that serve.
                None => std::thread::sleep(POLL),
                Some(_) if self.extent.is_session() && !self.extent.pids().is_empty() => {
                    std::thread::sleep(POLL);
                }
                // What others say when they are told to end is their own affair. A server without a handler is ended by the
                // signal itself, which is as good as stopping.
                Some(status)
                    if status.success()
                        || status.signal() == Some(sys::TERMINATE)
                        || self.extent.is_session() =>
                {
                    return Ok(End::Stopped);
                }
                Some(status) => {
                    let what = format!("on SIGTERM, {}", self.last_words(status));
                    return Ok(End::Died { what });
                }
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
pub struct Glass(Extent);

impl Glass {
    /// Its memory now.
    #[must_use]
    pub fn memory(self) -> Option<Memory> {
        self.0.memory()
    }

    /// Its descriptors now; those of an io_uring are not among them.
    #[must_use]
    pub fn descriptors(self) -> Option<usize> {
        self.0.descriptors()
    }

    /// Lets the peak of its memory count from now on.
    ///
    /// # Errors
    /// When the kernel does not allow it: then it counts from the start.
    pub fn forget_peak(self) -> Result<()> {
        self.0
            .forget_peak()
            .context("failed to reset the peak of a server's memory")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that is left in the session holds its number, so that nobody else's has it.
        if self.extent.is_session() {
            self.extent.signal(sys::KILL);
        }
        // Both fail only when it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command and its arguments, as somebody would write them.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether servers get a cgroup of their own.
#[must_use]
pub fn cgroup_can_be_made() -> bool {
    Cgroup::new().is_some()
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

/// CPU time of all processes that this one started and that have ended, and of what these started.
///
/// # Errors
/// When the kernel does not say.
pub fn children_cpu_ns() -> Result<u64> {
    sys::children_cpu_ns().context("failed to read the CPU time of ended processes")
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

/// The file that a process runs, under the name that its mappings have: whatever links led to it are followed.
///
/// # Errors
/// When the kernel does not say.
pub fn executable(process: u32) -> Result<PathBuf> {
    let path = format!("/proc/{process}/exe");
    std::fs::read_link(&path).with_context(|| format!("failed to read {path}"))
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
    use std::path::Path;

    use super::*;

    #[test]
    fn an_executable_is_known_by_its_own_path_whatever_links_led_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/bin/sleep", &link).unwrap();
        let mut running = Command::new(link).arg("60").spawn().unwrap();
        let found = executable(running.id());
        running.kill().unwrap();
        running.wait().unwrap();
        let own = Path::new("/bin/sleep").canonicalize().unwrap();
        assert_eq!(found.unwrap(), own);
    }

    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    }

    fn start(text: &str) -> Result<Server> {
        let (_folder, path) = script(text);
        let program = Program::Executable(path, Vec::new());
        loop {
            // Another test may have forked while the script was open for writing; its child holds it until it execs.
            match Server::start(&program, usable_cpus()?[0], 10) {
                Err(error) if format!("{error:#}").contains("Text file busy") => {
                    std::thread::yield_now()
                }
                result => return result,
            }
        }
    }

    const SAYS: &str = "echo 'orthant a+b listening on 127.0.0.1:4, 1 worker'";

    #[test]
    fn a_server_runs_on_its_cpu_with_its_padding_and_stops() {
        let mut server = start(&format!(
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
