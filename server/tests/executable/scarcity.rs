//! What the kernel refuses: io_uring at start, and descriptors while it serves.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::limits::start_after;
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

/// More connections come and go, and more at one time, than there are descriptors. Some may be turned away; once there is
/// room again everybody is served.
#[test]
fn it_recovers_when_descriptors_run_out() {
    let (mut child, address) = start_after("ulimit -n 40", "1");
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
