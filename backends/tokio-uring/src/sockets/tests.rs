//! What is particular to these sockets; how they serve is tested with the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use orthant_core::{Answer, Limits, MediaType, Outcome, Request, Split, Status};

use super::*;
use crate::tuning::Tuning;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Answers with 16 KiB.
struct Large;

impl Handler for Large {
    type Exchange = ();

    fn on_request(
        &mut self,
        _: &Request<'_>,
        _: &mut (),
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        answer.send(Status::OK, &MediaType::TEXT, &[b'a'; 16 * 1024])
    }
}

/// A worker on a thread of its own.
struct Running {
    address: SocketAddr,
    stop: UnixStream,
    ended: Receiver<io::Result<()>>,
}

impl Running {
    fn start() -> Running {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = UnixStream::pair().unwrap();
        let (end, ended) = channel();
        thread::spawn(move || {
            let start = Instant::now();
            let now = move || Now {
                monotonic_ms: start.elapsed().as_millis() as u64,
                unix_s: 0,
            };
            let limits = Limits {
                drain_timeout_ms: 50,
                ..Limits::DEFAULT
            };
            let worker = Worker::<Large, Split>::new(Large, limits, now());
            end.send(crate::run(
                worker,
                vec![listener.into()],
                stopped.as_fd(),
                now,
                || {},
                &Tuning::default(),
            ))
        });
        Running {
            address,
            stop,
            ended,
        }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        client
    }

    fn stop(self) {
        drop(self.stop);
        let ended = self.ended.recv_timeout(TIMEOUT);
        ended.expect("it ends").unwrap();
    }
}

#[test]
fn a_task_is_small() {
    let bytes = size_of::<Socket<Large, Split, fn() -> Now>>();
    assert!(bytes <= 96, "{bytes} bytes for each connection");
}

/// The peer reads nothing of 64 MiB, so that a send is under way for ever.
#[test]
fn a_send_under_way_does_not_outlast_the_deadline_of_stopping() {
    let running = Running::start();
    let mut client = running.connect();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(&request.repeat(4096)).unwrap();
    // The first byte shows that it sends.
    client.read_exact(&mut [0]).unwrap();
    running.stop();
}
