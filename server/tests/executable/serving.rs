//! What is sent comes back, however slowly and in whichever pieces; mistakes of the command line are told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use orthant::Tuning;

use super::running::*;

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
    while let count @ 1.. = read(&mut client, &mut piece) {
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
            let answer = read_answers(&mut client, 1);
            assert!(
                answer.starts_with("HTTP/1.1 204"),
                "request {turn}: {answer}"
            );
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
    // A worker that answers has all that it needs.
    drop(served(address));
    let before = descriptors();
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
    for _ in 0..20 {
        // The one behind the answer is parked for a minute.
        let mut client = connect(address);
        let parked =
            "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /delay/60000 HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(parked.as_bytes()).unwrap();
        read_answers(&mut client, 1);
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
    // A client may be answered before everybody that was reset has been looked at.
    let begun = Instant::now();
    while descriptors() > before {
        assert!(begun.elapsed() < TIMEOUT / 2, "descriptors stayed open");
        std::thread::yield_now();
    }
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
        (&["--listen", "8080"], "write it as 127.0.0.1:8080"),
        (&["--workers", "0"], "0 is not in 1.."),
        (&["--app", "x"], "arena, probe"),
        (
            &["--dataset", "/nonexistent.json"],
            "failed to read /nonexistent.json",
        ),
        (&["--tune", "speed=9"], "has no setting speed"),
        (&["--tune", "speed"], "NAME=N"),
        (&["--limit", "speed=9"], "there is no limit speed"),
        (&["--limit", "head-bytes-max=9"], "from 64 to 1048576"),
        (
            &["--limit", "head-bytes-max=8192"],
            "request-line-bytes-max has to be less",
        ),
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
    let value = |axis: &str| design[axis].as_str().unwrap().to_owned();
    let mut name = ["backend", "buffers", "allocator"].map(value).join("+");
    // The usual policy is not named.
    if value("policy") != "balanced" {
        name = format!("{name}+{}", value("policy"));
    }
    assert_eq!(design["name"], name);
}

/// How long each of 32 requests took that were sent at one time, against how long it was to take, in milliseconds.
fn delays(address: std::net::SocketAddr) -> Vec<(u64, u64)> {
    let ask = |delay_ms: u64| {
        let mut client = connect(address);
        let request = format!("GET /delay/{delay_ms} HTTP/1.1\r\nHost: a\r\n\r\n");
        let begun = Instant::now();
        client.write_all(request.as_bytes()).unwrap();
        assert!(read_answers(&mut client, 1).ends_with("ok"));
        (delay_ms, begun.elapsed().as_millis() as u64)
    };
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..32)
            .map(|nth| scope.spawn(move || ask(20 + nth * 271 % 600)))
            .collect();
        asked.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

/// Never too early. Too late is the machine's doing where it happens once, and ours where it happens every time.
#[test]
fn delays_are_kept_and_hold_up_nobody() {
    let (mut child, address) = start(&["--workers", "1"]);
    let late = |&(delay_ms, took_ms): &(u64, u64)| took_ms > delay_ms + delay_ms / 2 + 20;
    let kept = (0..5).any(|_| {
        let delays = delays(address);
        for (delay_ms, took_ms) in &delays {
            assert!(
                *took_ms * 10 >= delay_ms * 9,
                "{delay_ms} ms took {took_ms}"
            );
        }
        !delays.iter().any(late)
    });
    assert!(kept, "some came late each time");
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// More connections than a runtime has tasks run in a row always have something to receive.
#[test]
fn an_answer_does_not_wait_for_the_end_of_uploads() {
    let mut arguments = vec!["--workers", "1"];
    // Many small receives keep a worker busy that shares one buffer among its connections.
    if Tuning::default().set("receive-bytes", 1024).is_ok() {
        arguments.push("--tune=receive-bytes=1024");
    }
    let (mut child, address) = start(&arguments);
    let over = AtomicBool::new(false);
    let upload = || {
        let clients: Vec<_> = (0..100).map(|_| connect(address)).collect();
        let head = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
        for mut client in &clients {
            client.write_all(head).unwrap();
            client.set_nonblocking(true).unwrap();
        }
        while !over.load(Ordering::Relaxed) {
            for mut client in &clients {
                match client.write(&[b'a'; 64 * 1024]) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    written => drop(written.unwrap()),
                }
            }
        }
    };
    let mut client = connect(address);
    let answered = std::thread::scope(|scope| {
        let uploads = [scope.spawn(upload), scope.spawn(upload)];
        let mut answered = 0;
        let (begun, mut received) = (Instant::now(), [0; 1024]);
        let asked = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
        while begun.elapsed() < Duration::from_secs(1) || answered < 3 {
            client.write_all(asked).unwrap();
            match client.read(&mut received) {
                Ok(1..) => answered += 1,
                _ => break,
            }
        }
        over.store(true, Ordering::Relaxed);
        for upload in uploads {
            upload.join().unwrap();
        }
        answered
    });
    assert!(answered >= 3, "{answered} answers in {TIMEOUT:?}");
    child.terminate();
    assert!(child.wait().unwrap().success());
}
