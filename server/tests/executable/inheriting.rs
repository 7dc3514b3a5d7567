//! Sockets that somebody else opened for the server (sd_listen_fds(3)). A shell stands for systemd: it sets the variables,
//! and gives sockets that it has as standard input and as standard error the numbers that they are to have.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use super::running::*;

/// A server that inherits what is its standard input as descriptor 3.
fn activated(variables: &str, listen: &str, socket: OwnedFd) -> Command {
    let script = format!(
        "LISTEN_PID=$$ {variables} exec \"$0\" --workers 3 --listen {listen} 3<&0 0</dev/null"
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_orthant")])
        .stdin(socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The same, and what is its standard error as descriptor 4.
fn activated_twice(variables: &str, listen: &str, sockets: [OwnedFd; 2]) -> Running {
    let [first, second] = sockets;
    let mut command = activated(variables, &format!("{listen} 4<&2 2>/dev/null"), first);
    Running(command.stderr(second).spawn().unwrap())
}

fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn stop(mut child: Running) {
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn workers_share_the_sockets_that_they_inherit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let local = UnixListener::bind(&path).unwrap();
    let (listener, address) = tcp();
    let sockets = [listener.into(), local.into()];
    let mut child = activated_twice("LISTEN_FDS=2", "systemd", sockets);
    let unix = format!("unix:{}", path.display());
    assert_eq!(announced_all(&mut child), [address.to_string(), unix]);
    let mut clients = Vec::new();
    for _ in 0..32 {
        clients.push(served(address));
        drop(answered(connect_unix(&path)));
    }
    for client in clients {
        answered(client);
    }
    stop(child);
    assert!(path.exists(), "the file is of whoever made it");
}

#[test]
fn inherited_sockets_are_chosen_by_name() {
    let (first, _) = tcp();
    let (second, wanted) = tcp();
    let variables = "LISTEN_FDS=2 LISTEN_FDNAMES=admin:web";
    let mut child = activated_twice(variables, "systemd:web", [first.into(), second.into()]);
    assert_eq!(announced(&mut child), wanted);
    drop(served(wanted));
    stop(child);

    let (listener, inherited) = tcp();
    let mut child = Running(
        activated(
            "LISTEN_FDS=1",
            "systemd --listen 127.0.0.1:0",
            listener.into(),
        )
        .spawn()
        .unwrap(),
    );
    let said = announced_all(&mut child);
    assert_eq!(said[0], inherited.to_string());
    drop(served(said[1].parse().unwrap()));
    drop(served(inherited));
    stop(child);
}

/// Whoever opened it sees the same socket, and what was set of it for its connections.
#[test]
fn connections_of_inherited_sockets_are_set_as_others_are() {
    let (listener, address) = tcp();
    let kept = listener.try_clone().unwrap();
    let mut child = Running(
        activated("LISTEN_FDS=1", "systemd", listener.into())
            .spawn()
            .unwrap(),
    );
    assert_eq!(announced(&mut child), address);
    let kept = socket2::SockRef::from(&kept);
    assert!(kept.tcp_nodelay().unwrap());
    assert!(kept.tcp_user_timeout().unwrap().is_some());
    assert!(kept.tcp_notsent_lowat().unwrap() < 1024 * 1024);
    stop(child);
}

/// Whoever opened the socket keeps it: clients that come between two servers wait.
#[test]
fn a_restart_on_an_inherited_socket_turns_nobody_away() {
    let (listener, address) = tcp();
    let start = || {
        let socket = listener.try_clone().unwrap().into();
        let mut child = Running(
            activated("LISTEN_FDS=1", "systemd", socket)
                .spawn()
                .unwrap(),
        );
        assert_eq!(announced(&mut child), address);
        child
    };
    let mut child = start();
    let mut client = served(address);
    child.terminate();
    assert_eq!(read(&mut client, &mut [0]), 0, "it stops");
    assert!(child.wait().unwrap().success());
    let between: Vec<_> = (0..10).map(|_| connect(address)).collect();
    let child = start();
    between
        .into_iter()
        .for_each(|client| drop(answered(client)));
    stop(child);
}

#[test]
fn what_cannot_be_inherited_is_told_with_what_to_do() {
    let complaint = |variables: &str, listen: &str, socket: OwnedFd| {
        complaint_of(activated(variables, listen, socket))
    };
    let listener = || OwnedFd::from(tcp().0);
    for variables in ["", "LISTEN_FDS=0", "LISTEN_FDS=x"] {
        let said = complaint(variables, "systemd", listener());
        assert!(
            said.contains("was inherited: start it by a socket unit"),
            "{said}"
        );
    }
    let said = complaint("LISTEN_FDS=1 LISTEN_PID=1", "systemd", listener());
    assert!(said.contains("are for process 1 (LISTEN_PID)"), "{said}");
    let said = complaint("LISTEN_FDS=1 LISTEN_FDNAMES=web", "systemd:x", listener());
    assert!(
        said.contains("called x, only web: set FileDescriptorName="),
        "{said}"
    );

    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap().into();
    let (client, _) = tcp();
    let client = std::net::TcpStream::connect(client.local_addr().unwrap()).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap().into();
    for (socket, problem) in [
        (datagrams, "it is no socket of tcp"),
        (client.into(), "it does not listen"),
        (file, "on non-socket"),
    ] {
        let said = complaint("LISTEN_FDS=1", "systemd", socket).to_lowercase();
        assert!(said.contains("descriptor 3 (unknown)"), "{said}");
        assert!(
            said.contains(problem) && said.contains("accept=no"),
            "{said}"
        );
    }
    let said = complaint("LISTEN_FDS=2", "systemd", listener());
    assert!(
        said.contains("descriptor 4 (unknown)"),
        "nobody opened it: {said}"
    );
}
