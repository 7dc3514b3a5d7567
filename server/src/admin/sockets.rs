//! A worker driven by poll(2), for a handful of connections. It is no backend: it looks at every socket in every turn,
//! which is simple, and enough for so few.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use orthant_core::{Ended, Handler, Id, Leased, Limits, Now, REST_MS, Refused, Want, Worker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::clock;

/// Bytes that are received at one time: whoever asks for a page sends few.
const RECEIVE_BYTES: usize = 4 * 1024;

/// How often one connection is received from and sent to before the others have their turn.
const TURN_CALLS: usize = 16;

/// Serves until `stop` ends, then finishes what is under way.
///
/// # Errors
/// What the kernel says of the listener, or of waiting.
pub(super) fn serve<H: Handler>(
    handler: H,
    limits: Limits,
    listener: TcpListener,
    stop: BorrowedFd<'_>,
) -> io::Result<()> {
    let now = clock::now();
    Loop {
        worker: Worker::new(handler, limits, now),
        listener: Some(listener),
        rest_until_ms: 0,
        sockets: Vec::new(),
        buffer: vec![0; RECEIVE_BYTES],
    }
    .run(now, stop)
}

struct Loop<H: Handler> {
    worker: Worker<H, Leased>,
    /// `None` once it stops.
    listener: Option<TcpListener>,
    /// Accepting rests until then: the kernel had no room.
    rest_until_ms: u64,
    sockets: Vec<Socket>,
    buffer: Vec<u8>,
}

struct Socket {
    id: Id,
    stream: TcpStream,
    want: Want,
    ended: bool,
}

/// What waiting told.
struct Told {
    stop: bool,
    accept: bool,
    /// In the order of the sockets.
    sockets: Vec<PollFlags>,
}

impl<H: Handler> Loop<H> {
    fn run(mut self, mut now: Now, stop: BorrowedFd<'_>) -> io::Result<()> {
        self.worker.tick(now);
        while self.listener.is_some() || self.worker.live() > 0 {
            let told = self.wait(stop, now)?;
            now = clock::now();
            self.worker.tick(now);
            for (index, flags) in told.sockets.into_iter().enumerate() {
                self.ready(index, flags);
            }
            if told.accept {
                self.accept(now)?;
            }
            if told.stop {
                self.listener = None;
                self.worker.drain();
            }
            while let Some((id, want)) = self.worker.next_changed() {
                if let Some(index) = self.sockets.iter().position(|socket| socket.id == id) {
                    self.sockets[index].want = want;
                    self.serve(index, PollFlags::IN | PollFlags::OUT);
                }
            }
            self.sockets.retain(|socket| !socket.ended);
        }
        Ok(())
    }

    /// Waits for whatever comes first: a socket, a deadline, the end.
    fn wait(&self, stop: BorrowedFd<'_>, now: Now) -> io::Result<Told> {
        let rests = self.rest_until_ms > now.monotonic_ms;
        let rest_ms = rests.then_some(self.rest_until_ms);
        let next_ms = self.worker.next_ms().into_iter().chain(rest_ms).min();
        let timeout = next_ms.map(|next_ms| {
            let wait_ms = next_ms.saturating_sub(now.monotonic_ms);
            Timespec {
                tv_sec: (wait_ms / 1_000) as i64,
                tv_nsec: (wait_ms % 1_000 * 1_000_000) as i64,
            }
        });
        // While it has as many connections as it may, the kernel's queue holds who comes.
        let accept = match &self.listener {
            Some(_) if self.worker.accepting() && !rests => PollFlags::IN,
            _ => PollFlags::empty(),
        };
        let mut fds: Vec<PollFd<'_>> = self.sockets.iter().map(Socket::poll_fd).collect();
        if let Some(listener) = &self.listener {
            fds.push(PollFd::new(listener, accept));
            fds.push(PollFd::from_borrowed_fd(stop, PollFlags::IN));
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut flags = fds.iter().map(PollFd::revents);
        Ok(Told {
            sockets: flags.by_ref().take(self.sockets.len()).collect(),
            accept: flags.next().is_some_and(|flags| !flags.is_empty()),
            stop: flags.next().is_some_and(|flags| !flags.is_empty()),
        })
    }

    /// Accepts who is there, as far as there is room.
    fn accept(&mut self, now: Now) -> io::Result<()> {
        while let Some(listener) = self.listener.as_ref().filter(|_| self.worker.accepting()) {
            let accepted = listener.accept().and_then(|(stream, peer)| {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                Ok((stream, peer))
            });
            match accepted {
                Ok((stream, peer)) => {
                    let id = self.worker.open(Some(peer));
                    self.sockets.extend(id.map(|id| Socket {
                        id,
                        stream,
                        want: Want::RECEIVE,
                        ended: false,
                    }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => match Refused::from(&error) {
                    Refused::Connection => {}
                    Refused::Listener => return Err(error),
                    Refused::Now => {
                        self.rest_until_ms = now.monotonic_ms + REST_MS;
                        break;
                    }
                },
            }
        }
        Ok(())
    }

    fn ready(&mut self, index: usize, flags: PollFlags) {
        // Nobody waits for what a socket that is wanted for nothing has to say, and it would be said for ever.
        let idle = self.sockets[index].want == Want::NOTHING;
        if flags.intersects(PollFlags::ERR | PollFlags::NVAL)
            || (idle && flags.contains(PollFlags::HUP))
        {
            self.end(index, Ended::Broken);
        } else if !flags.is_empty() {
            self.serve(index, flags);
        }
    }

    /// Does for a connection what it wants and what can be done now: it is tried, as far as `flags` do not say otherwise.
    fn serve(&mut self, index: usize, flags: PollFlags) {
        let (mut writable, mut readable) = (
            flags.contains(PollFlags::OUT),
            flags.intersects(PollFlags::IN | PollFlags::HUP),
        );
        for _ in 0..TURN_CALLS {
            let socket = &mut self.sockets[index];
            let (id, want) = (socket.id, socket.want);
            if want.close() {
                return self.end(index, Ended::Wanted);
            }
            let done = if want.send() && writable {
                let sent = socket.stream.write(self.worker.pending(id));
                writable = sent.is_ok();
                socket.want = self.worker.on_sent(id, *sent.as_ref().unwrap_or(&0));
                sent.map(drop)
            } else if want.shut() {
                socket.want = Want::RECEIVE;
                socket.stream.shutdown(Shutdown::Write)
            } else if want.receive() && readable {
                let received = socket.stream.read(&mut self.buffer);
                readable = received.is_ok();
                received.map(|bytes| {
                    socket.want = self.worker.on_bytes(id, &self.buffer[..bytes]);
                })
            } else {
                return;
            };
            if done.is_err_and(|error| {
                !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
            }) {
                return self.end(index, Ended::Broken);
            }
        }
    }

    fn end(&mut self, index: usize, how: Ended) {
        let socket = &mut self.sockets[index];
        if !socket.ended {
            socket.ended = true;
            // It is closed at the end of the turn, before anybody is accepted in its place.
            self.worker.ended(socket.id, how);
        }
    }
}

impl Socket {
    fn poll_fd(&self) -> PollFd<'_> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::OUT, self.want.send());
        flags.set(PollFlags::IN, self.want.receive());
        PollFd::from_borrowed_fd(self.stream.as_fd(), flags)
    }
}
