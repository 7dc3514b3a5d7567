//! What the kernel refuses: descriptors, io_uring, locked memory.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::running::*;

/// Backends that cannot do without io_uring, of whichever design is tested.
const ON_IO_URING: [&str; 4] = ["uring", "glommio", "monoio", "tokio-uring"];

/// A server that a shell limits before it starts.
fn after(limit: &str) -> Command {
    let script = format!("{limit} && exec \"$0\" --listen 127.0.0.1:0 --workers 1");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_orthant")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start_after(limit: &str) -> (Running, std::net::SocketAddr) {
    let mut child = Running(after(limit).stderr(Stdio::inherit()).spawn().unwrap());
    let address = announced(&mut child);
    (child, address)
}

#[test]
fn it_takes_the_descriptors_that_it_may_have() {
    let (mut child, address) = start_after("ulimit -Sn 40");
    let mut clients: Vec<_> = (0..100).map(|_| connect(address)).collect();
    // Twice: nobody had to go so that somebody else could come.
    for turn in 0..200 {
        let client = &mut clients[turn % 100];
        client
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        assert!(read_answers(client, 1).starts_with("HTTP/1.1 204"));
    }
    drop(clients);
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// Runs `then` where making an io_uring fails with this error. A filter is inherited by what the thread starts, and ends
/// with it.
fn without_io_uring<R: Send>(error: i32, then: impl FnOnce() -> R + Send) -> R {
    let rules = BTreeMap::from([(libc::SYS_io_uring_setup, Vec::new())]);
    let refused = SeccompAction::Errno(error as u32);
    let machine = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, machine).unwrap();
    let filter = BpfProgram::try_from(filter).unwrap();
    std::thread::scope(|scope| {
        let filtered = scope.spawn(|| {
            apply_filter(&filter).unwrap();
            then()
        });
        filtered.join().unwrap()
    })
}

#[test]
fn it_says_what_to_do_where_io_uring_is_denied() {
    let (_, design, _) = output(&["--design"]);
    let design: serde_json::Value = serde_json::from_str(&design).unwrap();
    let needs_it = ON_IO_URING.contains(&design["backend"].as_str().unwrap());
    for (error, complaint) in [
        (libc::EPERM, "io_uring_disabled"),
        (libc::ENOSYS, "has no io_uring"),
        (libc::ENOMEM, "ulimit -l"),
    ] {
        without_io_uring(error, || {
            if needs_it {
                let (status, out, said) = output(&["--listen", "127.0.0.1:0"]);
                assert_eq!((status.code(), out.as_str()), (Some(2), ""));
                assert_eq!(said.lines().count(), 1, "{said}");
                assert!(said.contains(complaint) && said.contains("epoll"), "{said}");
            } else {
                let (mut child, _) = start(&["--workers", "1"]);
                child.terminate();
                assert!(child.wait().unwrap().success());
            }
        });
    }
}

/// Some runtimes start with so much lockable memory only (ulimit -l counts KiB), whether they use it or not.
#[test]
fn it_starts_with_the_locked_memory_that_it_asks_for() {
    let mut child = Running(after("ulimit -l 64").spawn().unwrap());
    let (mut told, mut said) = (String::new(), String::new());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut told).unwrap();
    if told.is_empty() {
        let mut errors = child.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(2), "{said}");
        let (_, number) = said
            .split_once("`ulimit -l ")
            .unwrap_or_else(|| panic!("{said}"));
        let (number, _) = number.split_once('`').unwrap();
        assert!(number.parse::<u32>().unwrap() <= 8192, "{said}");
        (child, _) = start_after(&format!("ulimit -l {number}"));
    }
    child.terminate();
    assert!(child.wait().unwrap().success());
    let (mut child, _) = start_after("ulimit -l 8192");
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// More connections come and go, and more at one time, than there are descriptors. Some may be turned away; once there is
/// room again everybody is served.
#[test]
fn it_recovers_when_descriptors_run_out() {
    let (mut child, address) = start_after("ulimit -n 40");
    let ask = |client: &mut TcpStream| {
        let mut answer = String::new();
        let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let asked = client
            .write_all(request)
            .and_then(|()| client.read_to_string(&mut answer));
        asked.is_ok() && answer.starts_with("HTTP/1.1 204")
    };
    for _ in 0..200 {
        let client = connect(address);
        socket2::SockRef::from(&client)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
    let mut clients: Vec<_> = (0..60).map(|_| connect(address)).collect();
    let served = clients
        .iter_mut()
        .filter_map(|client| ask(client).then_some(()))
        .count();
    assert!(served >= 20, "{served} of 60 were served");
    drop(clients);
    assert!(
        (0..100).all(|_| ask(&mut connect(address))),
        "it did not recover"
    );
    child.terminate();
    assert!(child.wait().unwrap().success());
}
