//! Arms that are no designs of this checkout: what counts as a command's, how it ends, and what is said where an arm cannot
//! be started or built.
//!
//! The servers are the example `fixture`, alone or behind a shell.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use orthant_matrix::process::{End, Program, Server, usable_cpus};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Links the fixture under a name.
fn fixture(folder: &Path, name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples/fixture");
    let path = folder.join(name);
    std::fs::hard_link(built, &path).unwrap();
    path
}

/// A command that starts the fixture behind a shell, which does something before.
fn behind_a_shell(folder: &Path, before: &str) -> String {
    let script = folder.join("script");
    let fixture = fixture(folder, "honest");
    let text = format!("{before}\n{} --listen $1 &\nwait\n", fixture.display());
    std::fs::write(&script, text).unwrap();
    format!("sh {} {{address}}", script.display())
}

fn start(command: &str) -> Server {
    let program = Program::Command(command.to_owned());
    Server::start(&program, usable_cpus().unwrap()[0], 0).unwrap()
}

/// CPU time of the children in the second line of what the shell's `times` prints, such as `0m0.120000s 0m0.010000s`.
fn children_ns(times: &str) -> f64 {
    let of_word = |word: &str| -> f64 {
        let (minutes, seconds) = word.trim_end_matches('s').split_once('m').unwrap();
        60.0 * minutes.parse::<f64>().unwrap() + seconds.parse::<f64>().unwrap()
    };
    let words = times.lines().nth(1).unwrap().split_whitespace();
    words.map(of_word).sum::<f64>() * 1e9
}

#[test]
fn every_process_of_a_command_counts_and_ends() {
    let folder = folder();
    let times = folder.path().join("times");
    // Children that burn until the shell itself sees a tenth of a second.
    let burn = "sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'";
    let times_shown = times.display();
    let enough = format!("times >{times_shown}; sed -n 2p {times_shown} | grep -qv '^0m0[.]0'");
    let command = behind_a_shell(folder.path(), &format!("until {enough}; do {burn}; done"));
    let mut server = start(&command);
    // A child that has ended: its parent knows its time in hundredths of a second, of user and of system.
    let ended_ns = children_ns(&std::fs::read_to_string(times).unwrap());
    let cpu_ns = server.cpu_ns().unwrap() as f64;
    assert!(cpu_ns > ended_ns - 2e7, "{cpu_ns} {ended_ns}");
    // Two processes have more than a shell.
    let alone = start(&format!(
        "{} --listen {{address}}",
        folder.path().join("honest").display()
    ));
    let (both, one) = (server.memory().unwrap(), alone.memory().unwrap());
    assert!(
        both.resident_bytes > one.resident_bytes + (256 << 10),
        "{both:?} {one:?}"
    );
    let address = server.address;
    assert!(TcpStream::connect(address).is_ok());
    assert_eq!(server.stop().unwrap(), End::Stopped);
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(alone.stop().unwrap(), End::Stopped);
}

fn matrix(folder: &Path, arguments: &[&str]) -> Output {
    let shortly = ["--slice-ms", "10", "--rounds", "4", "--connections", "4"];
    Command::new(env!("CARGO_BIN_EXE_orthant-matrix"))
        .args(arguments)
        .args(shortly)
        .args(["--store".as_ref(), folder.as_os_str()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

/// The exit code, and all that was said.
fn told(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn a_command_is_an_arm_and_its_record_says_how_it_was_started() {
    let folder = folder();
    let command = behind_a_shell(folder.path(), ":");
    let peer = format!("hello={command}");
    let once = ["--launches", "1", "--format", "json", "--peer", &peer];
    let output = matrix(folder.path(), &[&["run", "hello"], &once[..]].concat());
    let (code, text) = told(&output);
    assert_eq!(code, 0, "{text}");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &shown["blocks"][0]["rows"][0];
    for figure in ["cpu_us_per_request", "private_mib"] {
        assert!(row[figure].as_f64().unwrap() > 0.0, "{figure} in {row}");
    }
    let record = std::fs::read_dir(folder.path()).unwrap().flatten();
    let mut record = record.filter(|entry| entry.path().extension().is_some());
    let record = std::fs::read_to_string(record.next().unwrap().path()).unwrap();
    let plan: serde_json::Value = serde_json::from_str(record.lines().next().unwrap()).unwrap();
    assert_eq!(plan["plan"]["arms"][0]["command"], command);
}

#[test]
fn a_peer_that_answers_otherwise_is_quoted_and_invalid() {
    let folder = folder();
    let wrong = fixture(folder.path(), "wrong");
    let honest = fixture(folder.path(), "honest");
    let peer = format!("other={} --listen {{address}}", wrong.display());
    let compare = [
        "compare",
        honest.to_str().unwrap(),
        "other",
        "--no-floor",
        "--peer",
        &peer,
    ];
    let (code, text) = told(&matrix(folder.path(), &compare));
    assert_eq!(code, 4, "{text}");
    assert!(
        text.contains("other: ") && text.contains("wrong answers; the first:"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_started_says_why() {
    let folder = folder();
    let dying = fixture(folder.path(), "dying");
    let dying = format!("x={} {{port}}", dying.display());
    for (peer, code, says) in [
        (
            "x=no-such-program --port {port}",
            5,
            "no program `no-such-program`",
        ),
        (
            &dying[..],
            5,
            "exit status: 1: the fixture is dying as it was told",
        ),
        ("y=true {port}", 2, "write y as an arm too"),
        ("x=true", 2, "not told where to listen"),
    ] {
        let (found, text) = told(&matrix(folder.path(), &["run", "x", "--peer", peer]));
        assert!(
            found == code && text.contains(says),
            "{peer}: {found} {text}"
        );
    }
}

#[test]
fn a_revision_that_lacks_a_design_says_so() {
    let folder = folder();
    let (code, text) = told(&matrix(folder.path(), &["run", "HEAD:no+such+design"]));
    assert_eq!(code, 5, "{text}");
    assert!(
        text.contains(":no+such+design as that revision has it: failed to find the design"),
        "{text}"
    );
}
