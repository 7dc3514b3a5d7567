//! The socket of a connection on a runtime that tells readiness: it does what the connection wants as far as that can be
//! done now, then waits for the socket, or for a change that came from elsewhere.
//!
//! The kernel holds no memory of ours beyond a call, so all connections of a thread receive into one buffer. Runtimes
//! whose operations own their memory have sockets of another kind.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use orthant_core::{Buffers, Ended, Handler, Id, Now, Want};

use crate::{Tasks, Turn};

/// How often a connection is received from and sent to before the others have their turn.
const TURN_CALLS: usize = 16;

/// A runtime's socket. What cannot be done now is done in a later call, for which the task is woken.
pub trait Stream: Unpin {
    /// Sends what goes out at once, some of it at least.
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Receives what is there; 0 bytes are the end of input.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Closes the sending direction. A peer that is gone already needs no more of it.
    fn shut(&mut self, context: &mut Context<'_>) -> io::Result<()>;

    /// Closing it, which follows, is to discard what the kernel has not sent: see [`discard_unsent`].
    fn reset(&mut self);
}

/// Closing this socket discards what the kernel has not sent, and resets the connection (SO_LINGER, socket(7)). Where that
/// cannot be, as with a socket that is none of TCP, it is closed as any other.
pub fn discard_unsent(socket: impl AsFd) {
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

/// A connection and its socket, to be a task. Being ready means being over.
pub struct Socket<H: Handler, B: Buffers, N: Fn() -> Now, S> {
    tasks: Rc<Tasks<H, B, N>>,
    id: Id,
    stream: S,
    want: Want,
    /// What all connections of the thread receive into, one after the other.
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl<H: Handler, B: Buffers, N: Fn() -> Now, S: Stream> Socket<H, B, N, S> {
    /// The socket of a connection that has just been opened.
    pub fn new(
        tasks: Rc<Tasks<H, B, N>>,
        id: Id,
        stream: S,
        buffer: Rc<RefCell<Vec<u8>>>,
    ) -> Socket<H, B, N, S> {
        Socket {
            tasks,
            id,
            stream,
            want: Want::RECEIVE,
            buffer,
        }
    }

    /// Goes on as far as possible; ready when the connection is to be closed.
    fn go_on(
        &mut self,
        turn: &Turn<'_, H, B, N>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(want) = self.tasks.changed(self.id, context) {
            self.want = want;
        }
        for _ in 0..TURN_CALLS {
            if self.want.close() {
                if self.want.reset() {
                    self.stream.reset();
                }
                return Poll::Ready(Ok(()));
            }
            if self.want.send()
                && let Poll::Ready(sent) = self.send(turn, context)
            {
                sent?;
            } else if self.want.shut() {
                self.stream.shut(context)?;
                self.want = Want::RECEIVE;
            } else if self.want.receive() {
                ready!(self.receive(turn, context))?;
            } else {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends what goes out at once.
    fn send(
        &mut self,
        turn: &Turn<'_, H, B, N>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut sent = Poll::Pending;
        self.want = turn.event(self.id, |worker| {
            sent = self.stream.poll_send(context, worker.pending(self.id));
            let bytes = match sent {
                Poll::Ready(Ok(bytes)) => bytes,
                _ => 0,
            };
            worker.on_sent(self.id, bytes)
        });
        sent.map_ok(drop)
    }

    /// Receives what is there.
    fn receive(
        &mut self,
        turn: &Turn<'_, H, B, N>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = self.buffer.borrow_mut();
        let received = ready!(self.stream.poll_receive(context, &mut buffer))?;
        self.want = turn.event(self.id, |worker| {
            worker.on_bytes(self.id, &buffer[..received])
        });
        Poll::Ready(Ok(()))
    }
}

impl<H: Handler, B: Buffers, N: Fn() -> Now, S: Stream> Future for Socket<H, B, N, S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let tasks = self.tasks.clone();
        let how = match ready!(self.go_on(&tasks.turn(), context)) {
            Ok(()) => Ended::Wanted,
            Err(_) => Ended::Broken,
        };
        tasks.ended(self.id, how);
        Poll::Ready(())
    }
}
