//! The invariants of core hold for inputs that nobody thought of: each target of `core/fuzz` on its corpus, and on so many
//! inputs made from it by a fixed seed that a second run does the same. `--minutes` makes it a search: no seed, so long for
//! each target, and what was found is kept below `target/fuzz/found` for the next one.
//!
//! libFuzzer is linked with the toolchain that builds everything else: coverage comes from the compiler's own pass, and no
//! sanitizer is needed, since core has next to no unsafe code. Where no C++ compiler is there for libFuzzer, the summary
//! says that nothing was run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, output, printed, run};

const FOLDER: &str = "core/fuzz";

/// Each target, and how many inputs take it some seconds.
const TARGETS: [(&str, u64); 4] = [
    ("head", 20_000),
    ("chunked", 30_000),
    ("connection", 20_000),
    ("differential", 500_000),
];

/// What libFuzzer asks of the compiler: counters for edges, a table of where they are, and the operands of comparisons.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Longer inputs cost more than they find: limits that they would reach are set nearer.
const INPUT_BYTES_MAX: usize = 512;

pub(super) fn step(checkout: &Checkout, options: Options) -> Result<Option<String>> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let mut ask = Command::new(&compiler);
    let asked = ask.arg("--version").stdout(Stdio::null()).status();
    if !asked.is_ok_and(|status| status.success()) {
        return Ok(Some(format!(
            "NOT run: no C++ compiler `{compiler}` for libFuzzer (Debian: apt-get install g++)"
        )));
    }
    let programs = build(checkout)?;
    let mut notes = Vec::new();
    for (target, runs) in TARGETS {
        notes.push(fuzz(
            checkout,
            &programs.join(target),
            target,
            runs,
            options,
        )?);
    }
    Ok(Some(notes.join("; ")))
}

/// Builds all targets, without warnings; returns the folder of the programs.
fn build(checkout: &Checkout) -> Result<PathBuf> {
    let version = printed(
        Command::new("rustc")
            .arg("-vV")
            .current_dir(checkout.root()),
    )?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("failed to find the host in what `rustc -vV` printed")?;
    let folder = checkout.target().join("fuzz");
    let manifest = format!("{FOLDER}/Cargo.toml");
    for (subcommand, lints) in [("build", &[][..]), ("clippy", &["--", "-D", "warnings"])] {
        let mut command = cargo(checkout, [subcommand, "--release", "--locked"]);
        command.args(["--manifest-path", &manifest]);
        // With a target named, the flags are not those of build scripts.
        command.args(["--target", host]).arg("--target-dir");
        command.arg(&folder).args(lints);
        command.env("RUSTFLAGS", FLAGS.join(" "));
        run(&mut command)?;
    }
    Ok(folder.join(host).join("release"))
}

/// Runs one target; says in a few words what it did.
fn fuzz(
    checkout: &Checkout,
    program: &Path,
    target: &str,
    runs: u64,
    options: Options,
) -> Result<String> {
    let folder = checkout.target().join("fuzz");
    let (found, failed) = (folder.join("found").join(target), folder.join("failed"));
    if options.minutes.is_none() && found.is_dir() {
        // What an earlier run left behind would make this one another.
        fs::remove_dir_all(&found)
            .with_context(|| format!("failed to remove {}", found.display()))?;
    }
    for folder in [&found, &failed] {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
    }
    let mut command = Command::new(program);
    command
        .current_dir(checkout.root())
        .arg(format!("-dict={FOLDER}/http.dict"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/{target}-", failed.display()))
        .arg("-timeout=10")
        // What panicked stands in the last lines, and not what called it.
        .env("RUST_BACKTRACE", "0");
    match options.minutes {
        Some(minutes) => command.arg(format!("-max_total_time={}", minutes * 60)),
        None => command.args(["-seed=1".to_owned(), format!("-runs={runs}")]),
    };
    // New inputs go to the first folder, the others are read.
    command.arg(&found).arg(format!("{FOLDER}/corpus/{target}"));
    let output = output(&mut command)?;
    let log = String::from_utf8_lossy(&output.stderr);
    let last = log.lines().rev().take(30).collect::<Vec<_>>();
    ensure!(
        output.status.success(),
        "failed to hold an invariant of `{target}`: {}; to see it again, give that program the file named here\n{}",
        program.display(),
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    );
    let done = log.lines().rev().find(|line| line.contains("DONE"));
    let done = done.with_context(|| format!("failed to find how far `{target}` came"))?;
    note(target, done).with_context(|| format!("failed to read `{done}`"))
}

/// Of a line such as `#20000 DONE   cov: 1398 ft: 5445 corp: …`.
fn note(target: &str, done: &str) -> Option<String> {
    let mut words = done.split_whitespace();
    let inputs = words.next()?.strip_prefix('#')?;
    let edges = words.skip_while(|word| *word != "cov:").nth(1)?;
    Some(format!("{target} {inputs} inputs, {edges} edges"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_last_is_understood() {
        let done =
            "#20000\tDONE   cov: 1398 ft: 5445 corp: 1534/182Kb lim: 272 exec/s: 4336 rss: 30Mb";
        assert_eq!(note("head", done).unwrap(), "head 20000 inputs, 1398 edges");
        assert_eq!(note("head", "#2\tDONE"), None);
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let root = Checkout::read().unwrap().root().join(FOLDER);
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
        for (target, _) in TARGETS {
            assert!(
                root.join(format!("fuzz_targets/{target}.rs")).is_file(),
                "{target}"
            );
            assert!(root.join("corpus").join(target).is_dir(), "{target}");
        }
    }
}
