//! Instructions of user space: the server runs under valgrind's callgrind, which writes a count whenever it is told to.
//!
//! It is told by `vgdb`, which comes with valgrind; a count begins anew behind each, so that start and end of the server are
//! in none of those that are kept. Nothing of the kernel is in it. Valgrind runs one thread at a time, some fifty times
//! slower than the machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{Pass, spans};
use crate::process::Server;
use crate::record::Span;

/// Counts the instructions of one server.
pub(super) fn pass(pass: &Pass<'_>) -> Result<Vec<Span>> {
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
        let told = silent("vgdb")
            .arg(&self.talk)
            .arg(format!("--pid={process}"))
            .arg("dump")
            .status();
        let told = told.context("failed to start vgdb")?;
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
    fn the_total_of_a_dump_is_its_last_word() {
        let dump = "events: Ir\nsummary: 7\n\nfn=(1) main\n12 5\n\ntotals: 5486\n";
        assert_eq!(total(dump), Some(5486));
        assert_eq!(total("events: Ir\nfn=(1) main\n12 5\n"), None);
    }
}
