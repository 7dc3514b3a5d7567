//! What a service manager is told (sd_notify(3)), and signals that say other things than to stop.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::time::{ClockId, clock_gettime};

use super::running::*;

/// A server with a manager, which listens at `address` and is called `name`.
fn managed(address: &SocketAddr, name: &str) -> (Running, std::net::SocketAddr, UnixDatagram) {
    let manager = UnixDatagram::bind_addr(address).unwrap();
    manager.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut command = command(&["--listen", "127.0.0.1:0", "--workers", "2"]);
    let mut child = Running(command.env("NOTIFY_SOCKET", name).spawn().unwrap());
    let address = announced(&mut child);
    (child, address, manager)
}

fn told(manager: &UnixDatagram) -> String {
    let mut state = [0; 4096];
    let length = manager.recv(&mut state).unwrap();
    String::from_utf8(state[..length].to_vec()).unwrap()
}

fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}

#[test]
fn a_manager_is_told_of_readiness_reloading_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let address = SocketAddr::from_pathname(&path).unwrap();
    let (mut child, address, manager) = managed(&address, path.to_str().unwrap());
    assert_eq!(told(&manager), "READY=1");
    let mut client = served(address);

    let before_us = monotonic_us();
    child.signal("-HUP");
    let reloading = told(&manager);
    let at_us = reloading
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap_or_else(|| panic!("it was told {reloading:?}"));
    let at_us: u64 = at_us.parse().unwrap();
    assert!((before_us..=monotonic_us()).contains(&at_us), "{at_us}");
    assert_eq!(told(&manager), "READY=1");

    // It stops as long as this is under way.
    client
        .write_all(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    read_answers(&mut client, 1);
    child.terminate();
    assert_eq!(told(&manager), "STOPPING=1");
    assert!(child.try_wait().unwrap().is_none());
    client.write_all(b"abcd").unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success());
    manager.set_nonblocking(true).unwrap();
    assert!(manager.recv(&mut [0]).is_err(), "and nothing else");
}

#[test]
fn a_manager_may_have_an_abstract_name() {
    let name = format!("orthant-{}-manager", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let (mut child, _, manager) = managed(&address, &format!("@{name}"));
    assert_eq!(told(&manager), "READY=1");
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_manager_that_cannot_be_told_is_served_without() {
    for name in ["/nonexistent/notify", "vsock:2:1234"] {
        let mut command = command(&["--listen", "127.0.0.1:0"]);
        let mut child = Running(command.env("NOTIFY_SOCKET", name).spawn().unwrap());
        drop(served(announced(&mut child)));
        child.terminate();
        let mut said = String::new();
        let mut errors = child.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        assert!(said.contains("NOTIFY_SOCKET"), "{said}");
        assert!(child.wait().unwrap().success());
    }
}

/// Neither idle connections, nor a request half received, nor one that is answered while it stops.
#[test]
fn a_hangup_disturbs_nobody() {
    let (mut child, address) = start(&["--workers", "1"]);
    let mut idle = served(address);
    let mut half = served(address);
    half.write_all(b"GET /pipeline HTTP/1.1\r\n").unwrap();
    for _ in 0..10 {
        child.signal("-HUP");
        drop(served(address));
    }
    half.write_all(b"Host: a\r\n\r\n").unwrap();
    assert!(read_answers(&mut half, 1).ends_with("ok"));
    idle.write_all(
        b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    )
    .unwrap();
    read_answers(&mut idle, 1);
    child.terminate();
    assert_eq!(half.read(&mut [0]).unwrap(), 0, "it stops");
    child.signal("-HUP");
    idle.write_all(b"abcd").unwrap();
    let mut answer = String::new();
    idle.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n4"), "{answer}");
    assert!(child.wait().unwrap().success());
}
