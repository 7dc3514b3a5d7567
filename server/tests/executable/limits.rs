//! Limits of the process that are too low for a server: it says so before it says that it listens, with what it needs and
//! the command that raises the limit, and it starts with what it asks for.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use rustix::thread::CapabilitySet;

use super::running::*;

/// More than one, since what is enough for the first may be too little for all.
const WORKERS: &str = "3";

/// A server that a shell limits before it starts.
pub(super) fn after(limit: &str, workers: &str) -> Command {
    let script = format!("{limit} && exec \"$0\" --listen 127.0.0.1:0 --workers {workers}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_orthant")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// From now on it may open so many descriptors at one time (prlimit(2)), although it counted on more.
pub(super) fn let_open(child: &Running, descriptors: u64) {
    let limit = Rlimit {
        current: Some(descriptors),
        maximum: Some(descriptors),
    };
    let pid = Pid::from_child(&child.0);
    prlimit(Some(pid), Resource::Nofile, limit).unwrap();
}

pub(super) fn start_after(limit: &str, workers: &str) -> (Running, SocketAddr) {
    let command = after(limit, workers).stderr(Stdio::inherit()).spawn();
    let mut child = Running(command.unwrap());
    let address = announced(&mut child);
    (child, address)
}

/// Starts a server that may not come to listen; what it says then.
fn attempt(limit: &str) -> Result<Running, String> {
    let mut child = Running(after(limit, WORKERS).spawn().unwrap());
    if listens(&mut child) {
        return Ok(child);
    }
    let said = rest_of_errors(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(2), "{limit}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    Err(said)
}

fn complaint(limit: &str) -> String {
    attempt(limit)
        .err()
        .unwrap_or_else(|| panic!("it started after {limit}"))
}

/// The number that stands between these words.
fn number(said: &str, before: &str, after: &str) -> u32 {
    let (_, rest) = said.split_once(before).unwrap_or_else(|| panic!("{said}"));
    let (number, _) = rest.split_once(after).unwrap_or_else(|| panic!("{said}"));
    number.parse().unwrap_or_else(|_| panic!("{said}"))
}

/// What a server says until it ends.
fn rest_of_errors(child: &mut Running) -> String {
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    said
}

/// Each listener of each worker is one descriptor more.
#[test]
fn several_listeners_need_more_descriptors() {
    let needed = |listen: &str| {
        let workers = format!("{WORKERS} {listen}");
        let mut child = Running(after("ulimit -n 12", &workers).spawn().unwrap());
        assert!(!listens(&mut child));
        number(&rest_of_errors(&mut child), " need ", " descriptors")
    };
    let one = needed("");
    let three = "--listen 127.0.0.1:0 --listen 127.0.0.1:0";
    assert!(needed(three) >= one + 3 * 2);

    let needed = needed(three);
    let (limit, workers) = (format!("ulimit -n {needed}"), format!("{WORKERS} {three}"));
    let mut child = Running(after(&limit, &workers).spawn().unwrap());
    for address in announced_all(&mut child) {
        drop(served(address.parse().unwrap()));
    }
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn too_few_descriptors_are_told_and_those_asked_for_are_enough() {
    let said = complaint("ulimit -n 12");
    let needed = number(&said, " need ", " descriptors");
    assert!(said.starts_with("orthant: 3 workers with"), "{said}");
    assert!(said.contains("the limit is 12:"), "{said}");
    assert!(number(&said, "`ulimit -n ", "`") > needed, "{said}");
    complaint(&format!("ulimit -n {}", needed - 1));

    let (mut child, address) = start_after(&format!("ulimit -n {needed}"), WORKERS);
    drop(served(address));
    child.terminate();
    assert!(child.wait().unwrap().success());

    // It serves, and says what it cannot do.
    let said = |connections: &str| {
        let workers = format!("{WORKERS} --limit connections-max={connections}");
        let mut child = Running(after("ulimit -n 400", &workers).spawn().unwrap());
        assert!(listens(&mut child));
        child.terminate();
        rest_of_errors(&mut child)
    };
    let most = said("200");
    let each = number(
        &most,
        "3 workers may have ",
        " connections each instead of 200",
    );
    assert!((50..130).contains(&each), "{most}");
    let all = number(&most, "`ulimit -n ", "`");
    assert!((600..700).contains(&all), "{most}");
    assert!(!said("30").contains("may have"));
}

/// Some runtimes start with so much lockable memory only (ulimit -l counts KiB), whether they use it or not; and kernels
/// before 5.12 and from 6.14 on count rings. Whatever a server finds, it serves or says what it needs. Other programs of
/// the user share the limit, and so do servers that have just ended: what is asked for may be too little once or twice.
#[test]
fn too_little_lockable_memory_is_told_and_what_is_asked_for_is_enough() {
    // Locked memory is counted then.
    without(CapabilitySet::IPC_LOCK, || {
        for least_kib in [0, 64, 256] {
            let mut limit_kib = least_kib;
            let listening = (0..4).find_map(|_| {
                let said = match attempt(&format!("ulimit -l {limit_kib}")) {
                    Ok(child) => return Some(child),
                    Err(said) => said,
                };
                let needed_kib = number(&said, " need ", " KiB of lockable memory");
                assert!(
                    said.contains(&format!("share the {limit_kib} KiB")),
                    "{said}"
                );
                limit_kib = number(&said, "`ulimit -l ", "`");
                assert!((needed_kib..=8192).contains(&limit_kib), "{said}");
                None
            });
            let mut child = listening.expect("what is asked for is not enough");
            child.terminate();
            let failed = rest_of_errors(&mut child);
            assert!(
                child.wait().unwrap().success(),
                "with {limit_kib} KiB: {failed}"
            );
        }
        let (mut child, address) = start_after("ulimit -l 8192", "8");
        drop(served(address));
        child.terminate();
        assert!(child.wait().unwrap().success());
    });
}
