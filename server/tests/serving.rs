//! The server over real sockets: the executable as somebody starts it, and the library.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use orthant::{
    Answer, Buffers, Handler, MediaType, Options, Outcome, Request, Server, Status, Tuning,
};

const TIMEOUT: Duration = Duration::from_secs(20);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orthant"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A server that does not outlive its test, however that ends.
struct Running(Child);

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has been waited for where all went well.
        if self.0.try_wait().unwrap().is_none() {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

impl Running {
    fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let killed = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
    }
}

/// A started server, and its address.
fn start(arguments: &[&str]) -> (Running, SocketAddr) {
    let mut child = Running(
        command(&[&["--listen", "127.0.0.1:0"], arguments].concat())
            .spawn()
            .unwrap(),
    );
    let address = announced(&mut child);
    (child, address)
}

/// The address that a server says it listens on.
fn announced(child: &mut Child) -> SocketAddr {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let (_, rest) = line
        .split_once(" listening on ")
        .unwrap_or_else(|| panic!("it said {line:?}"));
    let (address, workers) = rest.split_once(", ").unwrap();
    assert!(workers.starts_with(|first: char| first.is_ascii_digit()));
    address.parse().unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(TIMEOUT)).unwrap();
    client
}

fn read_answers(client: &mut TcpStream, count: usize) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while text.matches("\r\n\r\n").count() < count {
        let received = client.read(&mut buffer).unwrap();
        assert!(received > 0, "it closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..received]).unwrap());
    }
    text
}

fn output(arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

#[test]
fn it_serves_and_stops_on_either_signal() {
    for stop in ["-TERM", "-INT"] {
        let (mut child, address) = start(&["--workers", "2"]);
        let mut client = connect(address);
        client
            .write_all(&b"GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n".repeat(16))
            .unwrap();
        assert_eq!(
            read_answers(&mut client, 16)
                .matches("HTTP/1.1 200 OK")
                .count(),
            16
        );
        child.signal(stop);
        let mut rest = Vec::new();
        assert_eq!(
            client.read_to_end(&mut rest).unwrap(),
            0,
            "an idle connection is closed"
        );
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn an_answer_under_way_is_finished_while_stopping() {
    let (mut child, address) = start(&["--workers", "1", "--app", "probe"]);
    let mut client = connect(address);
    client
        .write_all(&b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n".repeat(8))
        .unwrap();
    let mut received = vec![0; 1000];
    client.read_exact(&mut received).unwrap();
    child.terminate();
    client.read_to_end(&mut received).unwrap();
    assert!(
        received.len() > 8 * 1024 * 1024,
        "{} bytes came",
        received.len()
    );
    assert!(child.wait().unwrap().success());
}

/// Refused clients that half-close must not cost others their answers: their descriptors are used again at once.
#[test]
fn refused_clients_harm_nobody() {
    let (mut child, address) = start(&["--workers", "1"]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..3_000u32 {
                let mut client = connect(address);
                client.write_all(b"BAD\r\n\r\n").unwrap();
                (0..turn % 97 * 20).for_each(|_| std::hint::spin_loop());
                client.shutdown(std::net::Shutdown::Write).unwrap();
            }
        });
        for turn in 0..3_000 {
            let mut client = connect(address);
            client
                .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            let received = client.read(&mut [0; 4096]).unwrap();
            assert!(received > 0, "request {turn} got no answer");
        }
    });
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// More connections come and go, and more at one time, than there are descriptors. Some may be turned away; once there is
/// room again everybody is served.
#[test]
fn it_recovers_when_descriptors_run_out() {
    let arguments = [
        "-c",
        "ulimit -n 40; exec \"$0\" --listen 127.0.0.1:0 --workers 1",
        env!("CARGO_BIN_EXE_orthant"),
    ];
    let mut child = Running(
        Command::new("sh")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let address = announced(&mut child);
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

#[test]
fn a_request_under_way_is_finished_while_stopping() {
    let (mut child, address) = start(&["--workers", "1"]);
    let mut idle = connect(address);
    let mut client = connect(address);
    client.write_all(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert_eq!(
        read_answers(&mut client, 1),
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    child.terminate();
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    client.write_all(b"abcd").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("Connection: close") && answer.ends_with("\r\n\r\n4"),
        "{answer}"
    );
    assert!(child.wait().unwrap().success());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn stopping_ends_at_its_deadline() {
    let (mut child, address) = start(&["--workers", "1", "--drain-ms", "50"]);
    let mut client = connect(address);
    client.write_all(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").unwrap();
    read_answers(&mut client, 1);
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_slow_reader_gets_every_byte() {
    let (mut child, address) = start(&["--workers", "1"]);
    let mut client = connect(address);
    let content: Vec<u8> = (0..4_000_000u32).map(|at| (at % 251) as u8).collect();
    client
        .write_all(
            format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                content.len()
            )
            .as_bytes(),
        )
        .unwrap();
    client.write_all(&content).unwrap();
    // More answers than fit any buffer between the two, before one of them is read.
    client
        .write_all(&b"GET /json/50?m=2 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000))
        .unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let (mut received, mut piece) = (Vec::new(), [0; 1_000]);
    while let count @ 1.. = client.read(&mut piece).unwrap() {
        received.extend_from_slice(&piece[..count]);
    }
    let start = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap()
        + 4;
    let (echo, rest) = received[start..].split_at(content.len());
    assert!(echo == content, "the echo differs");
    let answers: Vec<_> = std::str::from_utf8(rest)
        .unwrap()
        .split("HTTP/1.1 200 OK\r\n")
        .skip(1)
        .collect();
    assert_eq!(answers.len(), 1_000);
    let contents = answers
        .iter()
        .map(|answer| answer.split_once("\r\n\r\n").unwrap().1);
    assert!(
        contents
            .clone()
            .all(|content| content.ends_with("],\"count\":50}")
                && content == contents.clone().next().unwrap())
    );
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// With the smallest settings that a backend takes, buffers and queues run out all the time.
#[test]
fn the_smallest_settings_lose_nothing() {
    let smallest = |name: &str| {
        let fits = |value: &usize| Tuning::default().set(name, *value).is_ok();
        let value = (0..20).map(|power| 1 << power).find(fits).unwrap();
        format!("--tune={name}={value}")
    };
    let tunings: Vec<String> = Tuning::NAMES
        .iter()
        .map(|(name, _)| smallest(name))
        .collect();
    let arguments: Vec<&str> = ["--workers", "1"]
        .into_iter()
        .chain(tunings.iter().map(String::as_str))
        .collect();
    let (mut child, address) = start(&arguments);
    std::thread::scope(|scope| {
        for client in 0..16u32 {
            scope.spawn(move || {
                let content: Vec<u8> = (0..50_000)
                    .map(|at| ((at * 7 + client) % 251) as u8)
                    .collect();
                let head = format!(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                    content.len()
                );
                let mut connection = connect(address);
                for _ in 0..5 {
                    connection.write_all(head.as_bytes()).unwrap();
                    connection.write_all(&content).unwrap();
                }
                connection.shutdown(std::net::Shutdown::Write).unwrap();
                let mut received = Vec::new();
                connection.read_to_end(&mut received).unwrap();
                let echoes = received
                    .windows(content.len())
                    .filter(|window| *window == content)
                    .count();
                assert_eq!(echoes, 5, "client {client} got {} bytes", received.len());
            });
        }
    });
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn resets_leave_nothing_behind() {
    let (mut child, address) = start(&["--workers", "1"]);
    let descriptors = || {
        std::fs::read_dir(format!("/proc/{}/fd", child.id()))
            .unwrap()
            .count()
    };
    let before = {
        drop(connect(address));
        descriptors()
    };
    for turn in 0..200 {
        let mut client = connect(address);
        let request = b"GET /json/50 HTTP/1.1\r\nHost: a\r\n\r\n";
        client
            .write_all(&request[..turn % request.len() + 1])
            .unwrap();
        // With unread data in its buffer, or with linger 0, closing resets.
        socket2::SockRef::from(&client)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
    let mut client = connect(address);
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"));
    assert!(descriptors() <= before + 1, "descriptors stayed open");
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, complaint) in [
        (&["--listen", address.as_str()][..], "in use"),
        (
            &["--listen", "192.0.2.1:8080"],
            "an address of this machine",
        ),
        (&["--listen", "8080"], "invalid socket address"),
        (&["--workers", "0"], "0 is not in 1.."),
        (&["--app", "x"], "arena, probe"),
        (
            &["--dataset", "/nonexistent.json"],
            "failed to read /nonexistent.json",
        ),
        (&["--tune", "speed=9"], "has no setting speed"),
        (&["--tune", "speed"], "NAME=N"),
    ] {
        let (status, out, error) = output(arguments);
        assert_eq!(
            (status.code(), out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {error}"
        );
        assert!(error.contains(complaint), "{arguments:?}: {error}");
    }
}

#[test]
fn the_design_tells_which_allocator_serves() {
    let (status, out, _) = output(&["--design"]);
    let design: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(status.success());
    assert_eq!(design["allocator_serves"], true);
    let name = ["backend", "buffers", "allocator"]
        .map(|axis| design[axis].as_str().unwrap().to_owned())
        .join("+");
    assert_eq!(design["name"], name);
}

#[derive(Clone)]
struct Hello;

impl Handler for Hello {
    type Exchange = ();

    fn on_request(
        &mut self,
        request: &Request<'_>,
        _: &mut (),
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        answer.send(Status::OK, &MediaType::TEXT, request.head.path())
    }
}

#[test]
fn the_library_serves_and_stops() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(
        Options {
            listen,
            workers: Some(2),
            ..Options::default()
        },
        Hello,
    )
    .unwrap();
    let mut client = connect(server.address());
    client.write_all(b"GET /hello HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n/hello"));
    server.stop().unwrap();
    server.wait().unwrap();
}
