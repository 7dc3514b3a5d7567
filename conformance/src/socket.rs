//! A target behind a TCP socket: one thread sends and receives at the same time, as `poll` allows.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket as Opening, Type};

use crate::target::{Closed, Conversation, Reading, Target};

/// A server that takes nothing for so long will not.
const SEND_MAX: Duration = Duration::from_secs(10);

/// How long a server may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A server that sends more than this has lost its way; a reset ends it.
const RECEIVED_BYTES_MAX: usize = 64 << 20;

/// Bytes read at one time.
const READ_BYTES: usize = 256 * 1024;

/// Room between server and client when the client reads slowly; the kernel takes twice as much.
const SLOW_ROOM_BYTES: usize = 4 * 1024;

/// A slow reader reads nothing for so long: by then the server has filled all the room there is.
const SLOW_START_MS: u64 = 200;

/// A server that listens.
#[derive(Clone, Debug)]
pub struct Socket {
    address: SocketAddr,
    host: String,
}

impl Socket {
    /// The server at this address. It is called `localhost` and its port, as its users call it.
    #[must_use]
    pub fn new(address: SocketAddr) -> Socket {
        Socket {
            address,
            host: format!("localhost:{}", address.port()),
        }
    }
}

impl Target for Socket {
    type Conversation<'t> = Connection;

    fn host(&self) -> &str {
        &self.host
    }

    fn open(&self, reading: Reading) -> io::Result<Connection> {
        let opening = Opening::new(Domain::for_address(self.address), Type::STREAM, None)?;
        if reading != Reading::AtOnce {
            opening.set_recv_buffer_size(SLOW_ROOM_BYTES)?;
        }
        opening.connect_timeout(&self.address.into(), CONNECT_MAX)?;
        opening.set_tcp_nodelay(true)?;
        opening.set_nonblocking(true)?;
        Ok(Connection {
            stream: opening.into(),
            reading,
            opened: Instant::now(),
            reads_from_ms: match reading {
                Reading::AtOnce => 0,
                Reading::Slowly { .. } => SLOW_START_MS,
            },
            received: Vec::new(),
            closed: None,
            buffer: Vec::new(),
        })
    }
}

/// A connection to a server behind a socket.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    reading: Reading,
    opened: Instant,
    /// A slow reader reads nothing before this.
    reads_from_ms: u64,
    received: Vec<u8>,
    closed: Option<Closed>,
    buffer: Vec<u8>,
}

impl Connection {
    fn close(&mut self, reset: bool) {
        let at_ms = self.now_ms();
        self.closed.get_or_insert(Closed { reset, at_ms });
    }

    /// Waits until the socket is ready for one of these; a socket that failed is ready, and says so when it is used.
    fn ready(&self, wishes: PollFlags, wait: Duration) -> PollFlags {
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let mut sockets = [PollFd::new(&self.stream, wishes)];
        match poll(&mut sockets, Some(&timeout)) {
            Ok(_) => sockets[0].revents(),
            // Interrupted by a signal: whoever waits looks again.
            Err(_) => PollFlags::empty(),
        }
    }

    /// Reads what is there; a slow reader as much as it takes at a time.
    fn receive(&mut self) {
        let bytes = match self.reading {
            Reading::AtOnce => READ_BYTES,
            Reading::Slowly { bytes, gap_ms } => {
                self.reads_from_ms = self.now_ms() + gap_ms;
                bytes
            }
        };
        self.buffer.resize(bytes, 0);
        match self.stream.read(&mut self.buffer) {
            Ok(0) => self.close(false),
            Ok(bytes) => self.received.extend_from_slice(&self.buffer[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.close(true),
        }
        if self.received.len() > RECEIVED_BYTES_MAX {
            self.close(true);
        }
    }

    /// What a send failed on: whatever the peer sent before it closed is still read.
    fn broken(&mut self) {
        while self.closed.is_none() {
            let before = self.received.len();
            self.receive();
            if self.received.len() == before {
                self.close(true);
            }
        }
    }
}

impl Conversation for Connection {
    fn send(&mut self, mut bytes: &[u8]) {
        let until = Instant::now() + SEND_MAX;
        while !bytes.is_empty() && Instant::now() < until {
            let reads = self.closed.is_none() && self.now_ms() >= self.reads_from_ms;
            let wishes = if reads {
                PollFlags::OUT | PollFlags::IN
            } else {
                PollFlags::OUT
            };
            let ready = self.ready(wishes, Duration::from_millis(200));
            if reads && ready.intersects(PollFlags::IN) {
                self.receive();
            }
            if self.closed.is_some_and(|closed| closed.reset) {
                return;
            }
            if ready.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::HUP) {
                match self.stream.write(bytes) {
                    Ok(sent) => bytes = &bytes[sent..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return self.broken(),
                }
            }
        }
    }

    fn finish(&mut self) {
        // It fails when the peer has reset the connection, which shows when it is read from.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn wait(&mut self, until_ms: u64) {
        let now_ms = self.now_ms();
        if self.closed.is_some() || now_ms >= until_ms {
            return;
        }
        if now_ms < self.reads_from_ms {
            let pause_ms = self.reads_from_ms.min(until_ms) - now_ms;
            std::thread::sleep(Duration::from_millis(pause_ms));
            return;
        }
        let ready = self.ready(PollFlags::IN, Duration::from_millis(until_ms - now_ms));
        if !ready.is_empty() {
            self.receive();
        }
    }

    fn now_ms(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }

    fn received(&self) -> &[u8] {
        &self.received
    }

    fn closed(&self) -> Option<Closed> {
        self.closed
    }

    fn reset(self) {
        // It fails on a connection that is gone already, which is all that was wanted.
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::case::Case;
    use crate::judge::{Verdict, judge, sentence};
    use crate::pieces::Pieces;
    use crate::run::run;
    use crate::script::Script;

    /// Plays a case against a server that does this with its first connection.
    fn played(case: &str, serve: impl FnOnce(TcpStream) + Send + 'static) -> (Verdict, String) {
        let case: Case = serde_json::from_str(case).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Socket::new(listener.local_addr().unwrap());
        let server = std::thread::spawn(move || serve(listener.accept().unwrap().0));
        let script = Script::of(&case, target.host());
        let observed = run(&target, &case, &script, Pieces::Cut(2)).unwrap();
        server.join().unwrap();
        (
            judge(&case, &observed, target.host()),
            sentence(&case, &observed),
        )
    }

    fn case(send: &str, allowed: &str) -> String {
        format!(
            r#"{{"id":"x","name":"","group":"","level":"MUST","ref":"","origin":"","send":[{send}],"allowed":[{allowed}]}}"#
        )
    }

    fn read_to(client: &mut TcpStream, end: &[u8]) {
        let mut text = Vec::new();
        while !text.ends_with(end) {
            let mut byte = [0];
            assert_eq!(client.read(&mut byte).unwrap(), 1);
            text.push(byte[0]);
        }
    }

    #[test]
    fn an_answer_and_an_end_are_seen() {
        let asked = case(
            r#"{"text":"GET\n"}"#,
            r#"{"answers":["200"],"contents":["a"],"closed":true}"#,
        );
        let (verdict, sentence) = played(&asked, |mut client| {
            read_to(&mut client, b"GET\n");
            client
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
                .unwrap();
        });
        assert_eq!(verdict, Verdict::Passed, "{sentence}");
    }

    #[test]
    fn a_half_close_reaches_the_server() {
        let asked = case(
            r#"{"text":"GET\n"},"finish""#,
            r#"{"answers":["400"],"closed":true}"#,
        );
        let (verdict, sentence) = played(&asked, |mut client| {
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            client
                .write_all(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
        });
        assert_eq!(verdict, Verdict::Passed, "{sentence}");
    }

    #[test]
    fn a_reset_is_seen_as_one() {
        let asked = case(r#"{"text":"GET\n"}"#, r#"{"closed":true}"#);
        let reset_on = |mut client: TcpStream, answer: &[u8]| {
            read_to(&mut client, b"GET\n");
            client.write_all(answer).unwrap();
            socket2::SockRef::from(&client)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        };
        let (verdict, sentence) = played(&asked, move |client| reset_on(client, b""));
        assert!(sentence.contains("reset after"), "{sentence}");
        assert_eq!(verdict, Verdict::Passed);
        // Whether the answer arrives before the reset or is lost to it is chance; neither passes.
        let asked = case(
            r#"{"text":"GET\n"}"#,
            r#"{"answers":["200"],"closed":true}"#,
        );
        let (verdict, sentence) = played(&asked, move |client| {
            reset_on(client, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
        });
        assert!(sentence.contains("reset after"), "{sentence}");
        assert_eq!(verdict, Verdict::Failed);
    }

    #[test]
    fn the_first_half_of_a_cut_arrives_alone() {
        let asked = case(r#"{"text":"GET\n"}"#, r#"{"closed":true}"#);
        let (sender, receiver) = std::sync::mpsc::channel();
        played(&asked, move |mut client| {
            let mut buffer = [0; 9];
            let bytes = client.read(&mut buffer).unwrap();
            sender.send(buffer[..bytes].to_vec()).unwrap();
        });
        assert_eq!(receiver.recv().unwrap(), b"GE");
    }
}
