//! The sockets of a worker: of its connections, each in the task of its connection, which does what it wants as far as
//! that can be done now, then waits for the socket, or for a change that came from elsewhere; and its listener.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use orthant_core::{Buffers, Ended, Handler, Id, Now, Want};
use orthant_tasks::Tasks;

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
                // Its only error is that the peer is gone (ENOTCONN), who needs no more of it.
                let _ = Pin::new(&mut self.stream).poll_close(context);
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
        let received = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.want = self.tasks.event(self.id, |worker| {
            worker.on_bytes(self.id, &buffer[..received])
        });
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

/// Accepts a connection from a listener that does not block.
///
/// Not by glommio: its accept calls the kernel four times for a connection, and one that is given up while the kernel is
/// at it loses the connection that it may have got.
pub(crate) async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    glommio::yield_if_needed().await;
    loop {
        match accept_now(listener) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                readable(listener.try_clone()?.into()).await;
            }
            accepted => return accepted,
        }
    }
}

/// The same without waiting.
pub(crate) fn accept_now(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    Ok(sys::adopt(stream.into()))
}

/// Waits until a socket has something to tell: data, its end, or a connection to accept. glommio offers no such wait,
/// but its stream begins with one, and only then receives.
pub(crate) async fn readable(socket: OwnedFd) {
    let mut stream = sys::adopt(socket);
    poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut [0]).map(drop)).await;
}

#[cfg(test)]
mod tests {
    use orthant_core::{Answer, Outcome, Request, Split};

    use super::*;

    struct Nothing;

    impl Handler for Nothing {
        type Exchange = ();

        fn on_request(
            &mut self,
            _: &Request<'_>,
            _: &mut (),
            _: Answer<'_, impl Buffers>,
        ) -> Outcome {
            unreachable!("nobody asks")
        }
    }

    /// Half of it are the timeouts that a stream of glommio could have.
    #[test]
    fn a_task_is_small() {
        let bytes = size_of::<Socket<Nothing, Split, fn() -> Now>>();
        assert!(bytes <= 160, "{bytes} bytes");
    }
}
