//! Stopping: on either signal, with something under way, at the deadline, at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::running::*;

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
        drop(client);
        assert!(child.wait().unwrap().success());
    }
}

/// The kernel accepts and receives for a server that does not run; who asked before the signal is answered after it.
#[test]
fn what_waits_in_the_kernel_is_answered_before_stopping() {
    let (mut child, address) = start(&["--workers", "1"]);
    let request = b"GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut clients: Vec<_> = (0..50).map(|_| connect(address)).collect();
    for client in &mut clients {
        client.write_all(request).unwrap();
        read_answers(client, 1);
    }
    child.signal("-STOP");
    clients.extend((0..50).map(|_| connect(address)));
    for client in &mut clients {
        client.write_all(request).unwrap();
    }
    child.terminate();
    child.signal("-CONT");
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"),
            "{answer:?}"
        );
    }
    assert!(child.wait().unwrap().success());
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

/// Of two servers with a request that nothing else would end in time, the one with the shorter deadline is gone first.
#[test]
fn stopping_ends_at_its_deadline() {
    let stopping = |drain: &str| {
        let (child, address) = start(&["--workers", "1", "--limit", drain]);
        let mut client = served(address);
        client
            .write_all(b"GET /delay/60000 HTTP/1.1\r\nHost: a\r\n\r\nGET /")
            .unwrap();
        // Its own answer shows that the worker has read what was sent before.
        drop(served(address));
        child.terminate();
        (child, client)
    };
    let (mut patient, _parked) = stopping("drain-timeout-ms=60000");
    let (mut hasty, _parked_too) = stopping("drain-timeout-ms=50");
    assert!(hasty.wait().unwrap().success());
    assert!(patient.try_wait().unwrap().is_none());
}

/// What is being sent when the time is over is in the hands of the kernel, or of a runtime, and has to come back first.
#[test]
fn stopping_ends_what_nobody_takes() {
    let (mut child, address) = start(&["--workers", "1", "--limit", "drain-timeout-ms=50"]);
    let mut client = connect(address);
    client
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    // Until nothing moves any more: answers fill all buffers between the two, then requests do.
    let batch = b"GET /json/50?m=2 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    while client.write(&batch).is_ok() {}
    child.terminate();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for stop in ["-TERM", "-INT"] {
        // A minute and more to drain, of which it must not make use.
        let (mut child, address) = start(&["--workers", "1", "--limit", "drain-timeout-ms=100000"]);
        let mut client = connect(address);
        client.write_all(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").unwrap();
        read_answers(&mut client, 1);
        let mut idle = served(address);
        child.signal(stop);
        assert_eq!(idle.read(&mut [0]).unwrap(), 0, "it stops");
        child.signal(stop);
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
        assert_eq!(child.wait().unwrap().code(), None, "the signal ended it");
    }
}

/// Sends batches of 16 until an answer says that the server closes; counts the answers to each. Who pauses is idle, and may
/// be left, so what comes after a pause does not count.
fn batches(address: std::net::SocketAddr) -> Vec<usize> {
    let mut client = connect(address);
    let batch = b"GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n".repeat(16);
    let mut counts = Vec::new();
    let mut buffer = [0; 8 * 1024];
    let mut text = String::new();
    let mut before = Instant::now();
    while !text.contains("Connection: close") {
        let written = client.write_all(&batch);
        let paused = before.elapsed() > Duration::from_millis(100);
        before = Instant::now();
        text.clear();
        while written.is_ok() && text.matches("\r\n\r\nok").count() < 16 {
            match client.read(&mut buffer) {
                Ok(received @ 1..) => {
                    text.push_str(std::str::from_utf8(&buffer[..received]).unwrap())
                }
                _ => break,
            }
        }
        let count = text.matches("\r\n\r\nok").count();
        if paused && count < 16 {
            break;
        }
        counts.push(count);
        if count < 16 {
            break;
        }
    }
    counts
}

/// A batch is one small write, which arrives in one piece, so a server that has read a part of it has read all of it.
#[test]
fn what_was_read_before_stopping_is_answered() {
    let (mut child, address) = start(&["--workers", "2"]);
    // The answer to the first request shows that the half of the second has been read with it.
    let (whole, half) = (
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /pipeline HTTP/1.1\r\n",
    );
    let mut halves: Vec<_> = (0..50)
        .map(|_| {
            let mut client = connect(address);
            client.write_all([whole, half].concat().as_bytes()).unwrap();
            read_answers(&mut client, 1);
            client
        })
        .collect();
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..16).map(|_| scope.spawn(|| batches(address))).collect();
        let mut watcher = connect(address);
        // Under load for a while, which is measured in answers.
        for _ in 0..300 {
            watcher.write_all(whole.as_bytes()).unwrap();
            read_answers(&mut watcher, 1);
        }
        child.terminate();
        for load in loads {
            let counts = load.join().unwrap();
            assert!(counts.len() > 1, "it was under load");
            assert!(counts.iter().all(|count| *count == 16), "{counts:?}");
        }
    });
    for client in &mut halves {
        client.write_all(b"Host: a\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(
            answer.contains("Connection: close") && answer.ends_with("ok"),
            "{answer}"
        );
    }
    drop(halves);
    assert!(child.wait().unwrap().success());
}
