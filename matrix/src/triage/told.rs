//! What a server and the kernel say beside smaps. What is not said is none.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// An admin address answers at once.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What an allocator counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) live_bytes: Option<u64>,
    pub(super) held_bytes: Option<u64>,
    pub(super) mapped_bytes: Option<u64>,
}

/// The counters of the allocator, by `/metrics` of an admin address.
pub(super) fn allocator(admin: SocketAddr) -> Option<Counters> {
    let mut client = TcpStream::connect_timeout(&admin, ANSWER_MAX).ok()?;
    client.set_read_timeout(Some(ANSWER_MAX)).ok()?;
    client
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: orthant\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut page = String::new();
    client.read_to_string(&mut page).ok()?;
    Some(counters_in(&page))
}

fn counters_in(page: &str) -> Counters {
    let gauge = |name: &str| {
        let mut lines = page.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(series, _)| *series == name)?.1.parse().ok()
    };
    Counters {
        live_bytes: gauge("orthant_allocator_live_bytes"),
        held_bytes: gauge("orthant_allocator_held_bytes"),
        mapped_bytes: gauge("orthant_allocator_mapped_bytes"),
    }
}

/// Bytes that a worker of a design receives into, by its own word.
pub(super) fn own_bytes(executable: &Path) -> Result<u64> {
    let shown = executable.display();
    let output = Command::new(executable)
        .arg("--design")
        .output()
        .with_context(|| format!("failed to start {shown} --design"))?;
    ensure!(
        output.status.success(),
        "failed to run {shown} --design: it ended with {}",
        output.status
    );
    let design: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("failed to read what {shown} --design prints"))?;
    design["worker_bytes_max"]["own"].as_u64().with_context(|| {
        format!("failed to find worker_bytes_max.own in what {shown} --design prints")
    })
}

/// Page tables of a process (proc_pid_status(5)).
pub(super) fn page_table_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmPTE:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Where the stacks of the threads are that wait (proc_pid_syscall(5)): the last but one number.
pub(super) fn stack_pointers(process: u32) -> Vec<u64> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let pointer = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("syscall")).ok()?;
        pointer_in(&text)
    };
    tasks
        .flatten()
        .filter_map(|task| pointer(task.path()))
        .collect()
}

fn pointer_in(text: &str) -> Option<u64> {
    let pointer = text.split_whitespace().rev().nth(1)?;
    u64::from_str_radix(pointer.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_their_whole_name() {
        let page = "HTTP/1.1 200 OK\r\n\r\n# HELP orthant_allocator_live_bytes what\n\
            orthant_allocator_live_bytes 123\nprocess_open_fds 3\n";
        assert_eq!(
            counters_in(page),
            Counters {
                live_bytes: Some(123),
                held_bytes: None,
                mapped_bytes: None
            }
        );
    }

    #[test]
    fn a_stack_pointer_is_the_last_but_one() {
        let text = "426 0x8 0x2 0x1 0x1 0x0 0x80 0x7fd18d9978a8 0x7fd18da9e829\n";
        assert_eq!(pointer_in(text), Some(0x7fd1_8d99_78a8));
        assert_eq!(pointer_in("running\n"), None);
    }
}
