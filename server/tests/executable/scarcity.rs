//! What the kernel refuses: io_uring at start, and descriptors while it serves.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::limits::{let_open, start_after};
use super::running::*;

/// Backends that cannot do without io_uring, of whichever design is tested.
const ON_IO_URING: [&str; 4] = ["uring", "glommio", "monoio", "tokio-uring"];

#[test]
fn it_takes_the_descriptors_that_it_may_have() {
    let (mut child, address) = start_after("ulimit -Sn 40", "1");
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

/// Of the design that is tested.
fn backend() -> String {
    let (_, design, _) = output(&["--design"]);
    let design: serde_json::Value = serde_json::from_str(&design).unwrap();
    design["backend"].as_str().unwrap().to_owned()
}

#[test]
fn it_says_what_to_do_where_io_uring_is_denied() {
    let needs_it = ON_IO_URING.contains(&&*backend());
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

/// Asks, and reads until the server closes.
fn is_answered(mut client: TcpStream) -> bool {
    let mut answer = String::new();
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let asked = client
        .write_all(request)
        .and_then(|()| client.read_to_string(&mut answer));
    asked.is_ok() && answer.starts_with("HTTP/1.1 204")
}

/// More connections come and go, and more at one time, than there are descriptors. Whoever finds none waits in the
/// kernel's queue, and nobody is turned away.
#[test]
fn it_recovers_when_descriptors_run_out() {
    let (mut child, address) = start(&["--workers", "1"]);
    let_open(&child, 40);
    for _ in 0..3 {
        for _ in 0..200 {
            let client = connect(address);
            socket2::SockRef::from(&client)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
        let clients: Vec<_> = (0..100).map(|_| connect(address)).collect();
        std::thread::scope(|scope| {
            let asked = clients.into_iter();
            let asked = asked.map(|client| scope.spawn(|| is_answered(client)));
            for answered in asked.collect::<Vec<_>>() {
                assert!(answered.join().unwrap(), "it was turned away");
            }
        });
    }
    assert!(
        (0..100).all(|_| is_answered(connect(address))),
        "it did not recover"
    );
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// How long the threads of a process have run (proc_pid_stat(5)).
fn cpu_time(child: &Running) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = |at| fields.split(' ').nth(at).unwrap().parse::<u64>().unwrap();
    // There are 100 of them in a second on every Linux.
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Those who have been served stay until they have been idle for too long; meanwhile others wait for their places.
fn others_wait_without_work(descriptors: u64, connections: &str) {
    let limit = format!("connections-max={connections}");
    let options = [&limit, "idle-timeout-ms=700", "linger-timeout-ms=100"];
    let options = options.iter().flat_map(|limit| ["--limit", limit]);
    let (mut child, address) = start(
        &["--workers", "1"]
            .into_iter()
            .chain(options)
            .collect::<Vec<_>>(),
    );
    let_open(&child, descriptors);
    let mut clients: Vec<_> = (0..100).map(|_| connect(address)).collect();
    let (begun, before) = (Instant::now(), cpu_time(&child));
    all_ask(&mut clients);
    let (took, worked) = (begun.elapsed(), cpu_time(&child) - before);
    assert!(took > Duration::from_millis(700), "nobody has waited");
    assert!(worked < took / 4, "it worked for {worked:?} of {took:?}");
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// Whoever asks for nothing and holds all descriptors keeps others waiting for `full-idle-ms`, and not for as long as it may
/// be idle.
#[test]
fn idle_clients_that_hold_all_descriptors_make_room() {
    let limits =
        "--limit full-idle-ms=200 --limit linger-timeout-ms=200 --limit idle-timeout-ms=60000";
    let (mut child, address) = start_after("ulimit -n 60", &format!("1 {limits}"));
    let idle: Vec<_> = (0..60).map(|_| connect(address)).collect();
    let begun = Instant::now();
    assert!(is_answered(connect(address)), "it was turned away");
    assert!(begun.elapsed() < Duration::from_secs(30));
    drop(idle);
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn waiting_for_descriptors_is_no_work() {
    // Its connections are direct descriptors, in a table that is made at the start: the limit is no matter afterwards.
    if backend() == "uring" {
        return;
    }
    others_wait_without_work(60, "1000");
}

#[test]
fn waiting_for_a_place_is_no_work() {
    others_wait_without_work(200, "40");
}
