//! What connections take of memory, held against what `--budget` says.

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;

use super::running::*;

const CONNECTIONS: usize = 2_000;

/// What one turn that answers all of them takes besides, and the allocator's rounding.
const SERVED_BYTES: usize = 512 * 1024;

/// Resident bytes that are the process's own (proc_pid_status(5)).
fn resident_bytes(child: &Running) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap();
    kib.parse::<usize>().unwrap() * 1024
}

/// The backend's part of it is a number that somebody has written down: tasks are as large as compilers make them.
#[test]
fn idle_connections_take_no_more_than_the_budget_says() {
    let limit = format!("connections-max={CONNECTIONS}");
    let options = [
        "--workers",
        "1",
        "--limit",
        &limit,
        "--limit",
        "big-regions-max=8",
    ];
    let (_, design, _) = output(&[&options[..], &["--design"]].concat());
    let design: serde_json::Value = serde_json::from_str(&design).unwrap();
    let bytes = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
    let of_core = CONNECTIONS * bytes(&design["idle_connection_bytes"]);
    let budget = of_core + bytes(&design["worker_bytes_max"]["sockets"]) + SERVED_BYTES;

    // Clients need descriptors, too. The server may take more than the soft limit of its own.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    // What the kernel gives by 2 MiB at a time says nothing of what is needed. The server inherits this.
    disable_transparent_huge_pages(true).unwrap();
    let (mut child, address) = start(&options);
    drop(served(address));
    let before = resident_bytes(&child);
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| connect(address)).collect();
    all_ask(&mut clients);
    let taken = resident_bytes(&child) - before;
    assert!(taken <= budget, "{taken} of {budget}");
    drop(clients);
    child.terminate();
    assert!(child.wait().unwrap().success());
}
