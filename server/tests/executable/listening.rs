//! Several addresses, IPv6 and Unix sockets, and what is said where they cannot be listened on.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::thread::CapabilitySet;

use super::running::*;

/// A path for a socket, in a folder that goes with the first value.
fn path() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    (folder, path)
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// A server on a Unix socket alone.
fn start_unix(path: &Path, workers: &str) -> Running {
    let mut child = Running(
        command(&["--listen", &unix(path), "--workers", workers])
            .spawn()
            .unwrap(),
    );
    assert_eq!(announced_all(&mut child), [unix(path)]);
    child
}

/// Where io_uring held the socket, the kernel lets go of it a moment after the process has ended.
fn start_where_one_was_killed(path: &Path) -> Running {
    let begun = Instant::now();
    loop {
        let listen = unix(path);
        let mut child = Running(command(&["--listen", &listen]).spawn().unwrap());
        if listens(&mut child) {
            return child;
        }
        assert!(begun.elapsed() < TIMEOUT, "the dead one is still in use");
    }
}

fn stop(mut child: Running) {
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// What is said by a server that does not come to listen there.
fn complaint(listen: &str) -> String {
    let said = complaint_of(command(&["--listen", listen]));
    let begin = format!("orthant: failed to listen on {listen}: ");
    assert!(said.starts_with(&begin), "{said}");
    said
}

#[test]
fn it_listens_on_several_addresses_at_once() {
    let (_folder, path) = path();
    let mut child = Running(
        command(&["--listen", "127.0.0.1:0", "--listen", "[::1]:0"])
            .args(["--listen", &unix(&path), "--workers", "2"])
            .spawn()
            .unwrap(),
    );
    let said = announced_all(&mut child);
    let addresses = said[..2].iter().map(|said| said.parse().unwrap());
    let addresses: Vec<SocketAddr> = addresses.collect();
    assert!(addresses[0].is_ipv4() && addresses[1].is_ipv6());
    assert_eq!(said[2..], [unix(&path)]);
    // Enough for every worker to have some of each kind.
    let tcp = (0..32).map(|turn| served(addresses[turn % 2]));
    let (tcp, local): (Vec<_>, Vec<_>) = tcp
        .map(|client| (client, answered(connect_unix(&path))))
        .unzip();
    for client in tcp {
        answered(client);
    }
    for client in local {
        answered(client);
    }
    stop(child);
    assert!(!path.exists(), "its file goes with it");
}

/// So the other family may have the same port, unless somebody has that already.
#[test]
fn an_address_of_ipv6_is_of_ipv6_alone() {
    let both = (0..20).find_map(|_| {
        let mut child = Running(command(&["--listen", "[::]:0"]).spawn().unwrap());
        let port = announced(&mut child).port();
        let listen = format!("0.0.0.0:{port}");
        let mut other = Running(command(&["--listen", &listen]).spawn().unwrap());
        listens(&mut other).then_some((child, other, port))
    });
    let (child, other, port) = both.expect("each port of IPv4 is in use");
    drop(served(SocketAddr::new("::1".parse().unwrap(), port)));
    drop(served(SocketAddr::new("127.0.0.1".parse().unwrap(), port)));
    stop(other);
    drop(served(SocketAddr::new("::1".parse().unwrap(), port)));
    stop(child);
}

/// Workers share the one socket; whoever has connected before it stops is answered by one of them.
#[test]
fn workers_share_a_unix_socket_and_stop_with_it() {
    let (_folder, path) = path();
    let mut child = start_unix(&path, "3");
    for _ in 0..20 {
        let clients: Vec<_> = (0..20).map(|_| connect_unix(&path)).collect();
        clients
            .into_iter()
            .for_each(|client| drop(answered(client)));
    }
    child.signal("-STOP");
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let mut client = connect_unix(&path);
            let request = b"GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n";
            client.write_all(request).unwrap();
            client
        })
        .collect();
    child.terminate();
    child.signal("-CONT");
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer:?}");
    }
    assert!(child.wait().unwrap().success());
}

/// Whoever is woken and may not accept must not be the only one.
#[test]
fn a_full_worker_leaves_a_shared_socket_to_the_others() {
    let (_folder, path) = path();
    let listen = unix(&path);
    let mut command = command(&["--listen", &listen, "--workers", "3"]);
    command.arg("--limit=connections-max=2");
    let mut child = Running(command.spawn().unwrap());
    assert_eq!(announced_all(&mut child), [unix(&path)]);
    let mut clients: Vec<_> = (0..6).map(|_| answered(connect_unix(&path))).collect();
    for _ in 0..6 {
        drop(clients.remove(0));
        clients.push(answered(connect_unix(&path)));
    }
    drop(clients);
    stop(child);
}

#[test]
fn a_dead_unix_socket_is_replaced_and_a_live_one_is_not() {
    let (_folder, path) = path();
    let mut child = start_unix(&path, "1");
    assert!(complaint(&unix(&path)).contains("in use"));
    drop(answered(connect_unix(&path)));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(path.exists(), "nobody removed it");
    let child = start_where_one_was_killed(&path);
    drop(answered(connect_unix(&path)));
    // Somebody makes room for another server: that one's file is not ours.
    fs::remove_file(&path).unwrap();
    let other = start_unix(&path, "1");
    stop(child);
    drop(answered(connect_unix(&path)));
    stop(other);
    assert!(!path.exists());
}

/// It does not accept, and its queue is full, and still it is alive.
#[test]
fn a_unix_socket_that_is_slow_to_accept_is_in_use() {
    let (_folder, path) = path();
    let busy = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    busy.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    busy.listen(0).unwrap();
    let _waiting = connect_unix(&path);
    assert!(complaint(&unix(&path)).contains("in use"));
    assert!(path.exists());
}

#[test]
fn a_path_that_cannot_be_listened_on_is_told_with_what_to_do() {
    let (folder, path) = path();
    let long = unix(&folder.path().join("x".repeat(100)));
    assert!(complaint(&long).contains("the most is 107; listen on a shorter path"));
    let missing = unix(&folder.path().join("a/b"));
    assert!(complaint(&missing).contains("make the folder first"));
    fs::write(&path, "precious").unwrap();
    assert!(complaint(&unix(&path)).contains("no socket is there; remove what is there"));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert!(complaint(&unix(&path.join("a"))).contains("make the folder first"));
    let link = folder.path().join("link");
    let _target = UnixListener::bind(folder.path().join("target")).unwrap();
    std::os::unix::fs::symlink("target", &link).unwrap();
    assert!(complaint(&unix(&link)).contains("no socket is there"));

    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    let denied = without(CapabilitySet::DAC_OVERRIDE, || {
        complaint(&unix(&closed.join("socket")))
    });
    assert!(
        denied.contains("let this user write to the folder"),
        "{denied}"
    );
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (listen, todo) in [
        (taken.as_str(), "listen on another port"),
        ("192.0.2.1:8080", "such as 127.0.0.1"),
        ("[2001:db8::1]:8080", "such as [::1]"),
        ("[fe80::1]:8080", "name its interface"),
    ] {
        let said = complaint(listen);
        assert!(said.contains(todo), "{said}");
    }
}

#[test]
fn a_privileged_port_is_told_with_what_to_do() {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if first.trim().parse::<u16>().unwrap() < 2 {
        eprintln!("every port is free for everybody here: there is nothing to see");
        return;
    }
    let said = without(CapabilitySet::NET_BIND_SERVICE, || complaint("127.0.0.1:1"));
    for todo in ["from 1024 on", "CAP_NET_BIND_SERVICE", "a socket unit"] {
        assert!(said.contains(todo), "{said}");
    }
}

/// One place that cannot be listened on is enough, and the others are given back.
#[test]
fn it_listens_everywhere_or_nowhere() {
    let (_folder, path) = path();
    complaint_of(command(&[
        "--listen",
        &unix(&path),
        "--listen",
        "192.0.2.1:80",
    ]));
    assert!(!path.exists(), "its file goes with it");
}
