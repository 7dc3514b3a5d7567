//! The sockets of a worker's connections, each in the task of its connection, which waits for three things.
//!
//! ```text
//!            ┌─ tokio's readiness, unless it sends: then it receives, into the buffer of the thread
//!  task ─────┼─ its send: the kernel reads what is pending, and says so through the ring
//!            └─ a change that came from elsewhere
//! ```
//! A send is never abandoned: a connection ends by shutting its socket down, which makes the send complete, and only then
//! is the worker told and the socket closed.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use orthant_core::{Buffers, Ended, Handler, Id, Now, Want, Worker};
use orthant_tasks::{Tasks, Turn};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_uring::no_op;

use crate::sys::{self, Lent, Line, Send};

/// A listening socket, of whichever family. tokio has listeners that accept, and streams that only say when they are ready:
/// so it is one of those.
pub(crate) struct Listener(tokio::net::TcpStream);

impl Listener {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Listener> {
        let socket = TcpStream::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Listener(tokio::net::TcpStream::from_std(socket)?))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl orthant_tasks::Listener for Listener {
    /// In that mode the kernel would fail a send that has to wait.
    const NONBLOCKING: bool = false;

    async fn wait(&self) -> io::Result<()> {
        self.0.readable().await?;
        // Until an event comes after this one. There is none on this thread before somebody is asked for.
        let nobody = || Err::<(), _>(ErrorKind::WouldBlock.into());
        let _ = self.0.try_io(Interest::READABLE, nobody);
        Ok(())
    }

    /// Until the ring has said something, for the reason that stands at `RECEIVES_MAX`.
    async fn turn(&self) -> io::Result<()> {
        no_op().await
    }
}

/// What owns the memory that is lent to the kernel.
type Keeper<H, B, N> = Rc<Tasks<H, B, N>>;

/// How often a connection receives until the ring has to say something to it. The runtime hands the ring's queue over when
/// no task has anything to do; as long as receiving never ends, that would be never, and all sends would wait.
const RECEIVES_MAX: u8 = 4;

/// A connection and its socket. Being ready means being over.
pub(crate) struct Socket<H: Handler + 'static, B: Buffers + 'static, N: 'static> {
    id: Id,
    line: AsyncFd<Rc<Line<Keeper<H, B, N>>>>,
    want: Want,
    sending: Option<Send<Keeper<H, B, N>>>,
    /// How often it has received since its last send ended.
    received: u8,
    /// It is over as soon as no send is under way.
    ending: Option<Ended>,
    /// What all connections of the thread receive into, one after the other.
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Socket<H, B, N> {
    pub(crate) fn new(
        tasks: &Keeper<H, B, N>,
        id: Id,
        stream: TcpStream,
        buffer: &Rc<RefCell<Vec<u8>>>,
    ) -> io::Result<Socket<H, B, N>> {
        let line = Rc::new(Line {
            stream,
            keeper: tasks.clone(),
        });
        Ok(Socket {
            id,
            line: sys::watch(line)?,
            want: Want::RECEIVE,
            sending: None,
            received: 0,
            ending: None,
            buffer: buffer.clone(),
        })
    }

    /// Goes on as far as possible; ready when the connection is over.
    fn go_on(&mut self, turn: &Turn<'_, H, B, N>, context: &mut Context<'_>) -> Poll<Ended> {
        loop {
            if let Some(send) = &mut self.sending
                && let Poll::Ready(sent) = Pin::new(send).poll(context)
            {
                self.sending = None;
                self.received = 0;
                self.sent(turn, sent);
            } else if let Some(how) = self.ending {
                return match self.sending {
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(how),
                };
            } else if self.want.close() {
                if self.want.reset() {
                    orthant_tasks::discard_unsent(&self.line.get_ref().stream);
                }
                self.end(Ended::Wanted);
            } else if self.want.send() && self.sending.is_none() {
                let want = self.want;
                self.event(turn, |_, _| want);
            } else if self.want.shut() {
                match sys::shut(self.line.get_ref(), Shutdown::Write) {
                    Ok(()) => self.want = Want::RECEIVE,
                    Err(_) => self.end(Ended::Broken),
                }
            } else if self.sending.is_some() || !self.want.receive() {
                // Not while it sends: the peer may have the answers, and have asked again, before the ring says so. What is
                // answered then stands behind answers that are out already, and soon finds no room.
                return Poll::Pending;
            } else if self.received < RECEIVES_MAX {
                ready!(self.receive(turn, context));
            } else {
                self.sending = Some(sys::send_nothing(self.line.get_ref()));
            }
        }
    }

    fn receive(&mut self, turn: &Turn<'_, H, B, N>, context: &mut Context<'_>) -> Poll<()> {
        let buffer = self.buffer.clone();
        let mut buffer = buffer.borrow_mut();
        let received = ready!(sys::poll_receive(&self.line, context, &mut buffer));
        self.received += 1;
        match received {
            Ok(bytes) => self.event(turn, |worker, id| worker.on_bytes(id, &buffer[..bytes])),
            Err(_) => self.end(Ended::Broken),
        }
        Poll::Ready(())
    }

    fn sent(&mut self, turn: &Turn<'_, H, B, N>, sent: io::Result<usize>) {
        match sent.map_err(|error| error.kind()) {
            _ if self.ending.is_some() => {}
            Ok(bytes) => self.event(turn, |worker, id| worker.on_sent(id, bytes)),
            Err(ErrorKind::Interrupted | ErrorKind::WouldBlock) => {
                self.event(turn, |worker, id| worker.on_sent(id, 0))
            }
            Err(_) => self.end(Ended::Broken),
        }
    }

    /// Tells the worker of an event, and sends what is pending after it.
    #[inline]
    fn event(&mut self, turn: &Turn<'_, H, B, N>, act: impl FnOnce(&mut Worker<H, B>, Id) -> Want) {
        let mut pending = None;
        self.want = turn.event(self.id, |worker| {
            let want = act(worker, self.id);
            if want.send() && self.sending.is_none() {
                pending = Lent::pending(worker, self.id);
            }
            want
        });
        if let Some(pending) = pending {
            self.sending = Some(sys::send(self.line.get_ref(), pending));
        }
    }

    /// Ends the connection; a send that is under way is made to complete.
    fn end(&mut self, how: Ended) {
        self.ending = Some(how);
        if self.sending.is_some() {
            let shut = sys::shut(self.line.get_ref(), Shutdown::Both);
            shut.expect("a socket that is open can be shut down");
        }
    }
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Future for Socket<H, B, N> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let tasks = self.line.get_ref().keeper.clone();
        if let Some(want) = tasks.changed(self.id, context) {
            self.want = want;
        }
        let how = ready!(self.go_on(&tasks.turn(), context));
        tasks.ended(self.id, how);
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
