//! Instructions of user space: the server runs under valgrind's callgrind, which writes a count whenever it is told to.
//!
//! It is told by `vgdb`, which comes with valgrind; a count begins anew behind each, so that start and end of the server are
//! in none of those that are kept. Nothing of the kernel is in it. Valgrind runs one thread at a time, some fifty times
//! slower than the machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Pass, spans};
use crate::process::{self, Server};
use crate::record::Span;

/// A server whose threads all wait is woken to tell, which takes it a fraction of a second.
const TELLING_MAX: Duration = Duration::from_secs(30);

/// Between two looks at whether it ended.
const POLL: Duration = Duration::from_millis(5);

/// Counts the instructions of one server.
pub(super) fn pass(pass: &Pass) -> Result<Vec<Span>> {
    pass.is_one_process()?;
    // Asked for its version alone, vgdb ends with an error.
    let is_there = |program| silent(program).arg("--version").status().is_ok();
    ensure!(
        is_there("valgrind") && is_there("vgdb"),
        "valgrind is not installed: install it, such as by `apt-get install valgrind`"
    );
    let folder = tempfile::tempdir().context("failed to make a folder for callgrind's counts")?;
    let dumps = Dumps::new(folder.path());
    let server = Server::start_under(&dumps.wrapper(), &pass.program, pass.server_cpu)?;
    let mut number = 0;
    let seen = spans(pass, &server, || {
        number += 1;
        dumps.taken(server.process(), number)
    })?;
    // It has told all it knows, and a design on io_uring does not end under valgrind when it is asked to.
    drop(server);
    // Each dump holds what came since the one before it.
    let span = |(requests, _, count): (u64, u64, u64)| Span { requests, count };
    Ok(seen.into_iter().map(span).collect())
}

/// Where callgrind writes and `vgdb` talks to it.
struct Dumps {
    file: PathBuf,
    talk: OsString,
}

impl Dumps {
    fn new(folder: &Path) -> Dumps {
        let mut talk = OsString::from("--vgdb-prefix=");
        talk.push(folder.join("vgdb"));
        Dumps {
            file: folder.join("callgrind"),
            talk,
        }
    }

    /// What stands before the server's own command.
    fn wrapper(&self) -> Vec<OsString> {
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(&self.file);
        ["valgrind", "--quiet", "--tool=callgrind"]
            .map(OsString::from)
            .into_iter()
            .chain([self.talk.clone(), file])
            .collect()
    }

    /// What was counted since the last time; this is time `number`, from 1.
    fn taken(&self, process: u32, number: u32) -> Result<u64> {
        let mut vgdb = silent("vgdb");
        vgdb.arg(&self.talk)
            .arg(format!("--pid={process}"))
            .arg("dump");
        let told = ended(&mut vgdb, TELLING_MAX).context("failed to run vgdb")?;
        ensure!(
            told.success(),
            "failed to have callgrind write its counts: vgdb ended with {told}"
        );
        let path = self.file.with_extension(number.to_string());
        let dump = std::fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        total(&dump).with_context(|| format!("failed to find the total in {}", path.display()))
    }
}

/// The total of a dump (callgrind's format, "totals").
fn total(dump: &str) -> Option<u64> {
    let totals = dump
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    totals.trim().parse().ok()
}

/// Runs it to its end; what takes too long, or longer than the user waits, is killed.
fn ended(command: &mut Command, max: Duration) -> Result<ExitStatus> {
    let mut child = command.spawn()?;
    let deadline = Instant::now() + max;
    while Instant::now() < deadline && !process::is_interrupted() {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    ensure!(!process::is_interrupted(), "interrupted");
    bail!("it did not end in {max:?}")
}

fn silent(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_killed() {
        let quick = ended(&mut silent("true"), Duration::from_secs(60));
        assert!(quick.expect("it ends").success());
        let endless = ended(silent("sleep").arg("600"), Duration::from_millis(1));
        let error = endless.expect_err("it was killed").to_string();
        assert_eq!(error, "it did not end in 1ms");
    }

    #[test]
    fn the_total_of_a_dump_is_its_last_word() {
        let dump = "events: Ir\nsummary: 7\n\nfn=(1) main\n12 5\n\ntotals: 5486\n";
        assert_eq!(total(dump), Some(5486));
        assert_eq!(total("events: Ir\nfn=(1) main\n12 5\n"), None);
    }
}
