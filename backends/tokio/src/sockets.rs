//! The sockets of a worker's connections, each in the task of its connection, which does what it wants as far as that can be done now, then waits for the socket, or for a
//! change that came from elsewhere.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use orthant_core::{Buffers, Ended, Handler, Id, Now, Want};
use orthant_tasks::Tasks;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::sys;

/// A connection and its socket. Being ready means being over.
pub(crate) struct Socket<H: Handler, B: Buffers, N: Fn() -> Now> {
    tasks: Rc<Tasks<H, B, N>>,
    id: Id,
    stream: TcpStream,
    want: Want,
    /// What all connections of the thread receive into, one after the other.
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Socket<H, B, N> {
    pub(crate) fn new(
        tasks: Rc<Tasks<H, B, N>>,
        id: Id,
        stream: TcpStream,
        buffer: Rc<RefCell<Vec<u8>>>,
    ) -> Socket<H, B, N> {
        Socket {
            tasks,
            id,
            stream,
            want: Want::RECEIVE,
            buffer,
        }
    }

    /// Goes on as far as possible; ready when the connection is to be closed.
    fn go_on(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some(want) = self.tasks.changed(self.id, context) {
                self.want = want;
            }
            if self.want.close() {
                return Poll::Ready(Ok(()));
            }
            if self.want.send()
                && let Poll::Ready(sent) = self.send(context)
            {
                sent?;
            } else if self.want.shut() {
                sys::shut(&self.stream)?;
                self.want = Want::RECEIVE;
            } else if self.want.receive() {
                ready!(self.receive(context))?;
            } else {
                return Poll::Pending;
            }
        }
    }

    /// Sends what goes out at once.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut sent = Poll::Pending;
        let stream = Pin::new(&mut self.stream);
        self.want = self.tasks.event(self.id, |worker| {
            sent = stream.poll_write(context, worker.pending(self.id));
            let bytes = match sent {
                Poll::Ready(Ok(bytes)) => bytes,
                _ => 0,
            };
            worker.on_sent(self.id, bytes)
        });
        sent.map_ok(drop)
    }

    /// Receives what is there.
    fn receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = self.buffer.borrow_mut();
        let mut buffer = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.want = self
            .tasks
            .event(self.id, |worker| worker.on_bytes(self.id, buffer.filled()));
        Poll::Ready(Ok(()))
    }
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Future for Socket<H, B, N> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let how = match ready!(self.go_on(context)) {
            Ok(()) => Ended::Wanted,
            Err(_) => Ended::Broken,
        };
        self.tasks.ended(self.id, how);
        Poll::Ready(())
    }
}
