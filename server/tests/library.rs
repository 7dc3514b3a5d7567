//! The library over real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use orthant::{
    Answer, Buffers, Event, Handler, Limits, MediaType, Options, Outcome, Request, Server, Status,
};

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

#[derive(Clone)]
struct Panics;

impl Handler for Panics {
    type Exchange = ();

    fn on_request(&mut self, _: &Request<'_>, _: &mut (), _: Answer<'_, impl Buffers>) -> Outcome {
        panic!("this test's handler panics");
    }
}

#[test]
fn a_panicking_handler_stops_all_workers_and_is_passed_on() {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let options = Options {
        listen,
        workers: Some(2),
        ..Options::default()
    };
    let server = Server::start(options, Panics).unwrap();
    let mut client = TcpStream::connect(server.address().unwrap()).unwrap();
    client.write_all(b"GET /hello HTTP/1.0\r\n\r\n").unwrap();
    let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.wait()));
    assert!(waited.is_err(), "the panic is passed on to whoever waits");
}

/// Not a test of its own: what the next ones start.
#[test]
#[ignore = "started by other tests"]
fn serves_until_a_signal_and_goes_on() {
    let options = Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..Options::default()
    };
    let say = |event: Event<'_>| match event {
        Event::Listening(_) => println!("\nserving"),
        Event::Hangup => println!("\nhung up"),
        Event::Stopping => {}
    };
    for _ in 0..2 {
        orthant::serve_with(options.clone(), Hello, say).unwrap();
    }
    println!("\nserved");
    loop {
        std::thread::park();
    }
}

/// Starts that, sends a signal after each line for which there is one, and returns the signal that ended it.
fn signalled(signals: &[(&str, &str)]) -> Option<i32> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "serves_until_a_signal_and_goes_on",
            "--ignored",
            "--nocapture",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let id = child.id().to_string();
    let mut signals = signals.iter();
    let mut next = signals.next();
    for line in said {
        if let Some((_, signal)) = next.filter(|(at, _)| *at == line.as_deref().unwrap()) {
            let mut kill = Command::new("kill");
            assert!(kill.args([signal, &id[..]]).status().unwrap().success());
            next = signals.next();
        }
    }
    assert_eq!(next, None, "it ended before that was said");
    child.wait().unwrap().signal()
}

#[test]
fn a_program_that_has_served_can_serve_again_and_be_stopped() {
    let signals = [
        ("serving", "-TERM"),
        ("serving", "-TERM"),
        ("served", "-TERM"),
    ];
    assert_eq!(signalled(&signals), Some(libc::SIGTERM));
}

#[test]
fn a_hangup_is_told_while_serving_and_ends_a_program_that_does_not() {
    let signals = [
        ("serving", "-HUP"),
        ("hung up", "-HUP"),
        ("hung up", "-TERM"),
        ("serving", "-TERM"),
        ("served", "-HUP"),
    ];
    assert_eq!(signalled(&signals), Some(libc::SIGHUP));
}

#[test]
fn the_library_serves_and_stops() {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let server = Server::start(
        Options {
            listen,
            workers: Some(2),
            ..Options::default()
        },
        Hello,
    )
    .unwrap();
    let mut client = TcpStream::connect(server.address().unwrap()).unwrap();
    client.write_all(b"GET /hello HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n/hello"));
    server.stop().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_server_of_no_connections_stops_as_well() {
    let options = Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        workers: Some(1),
        limits: Limits {
            connections_max: 0,
            ..Limits::DEFAULT
        },
        ..Options::default()
    };
    let server = Server::start(options, Hello).unwrap();
    let mut client = TcpStream::connect(server.address().unwrap()).unwrap();
    server.stop().unwrap();
    server.wait().unwrap();
    // Only the kernel had heard of it.
    let given_up = client.read(&mut [0]).unwrap_err();
    assert_eq!(given_up.kind(), ErrorKind::ConnectionReset);
}
