//! The sockets of a worker, as the ground of task backends drives them: of its connections, and its listeners.

use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;

use crate::sys;

/// A socket of glommio.
pub(crate) struct Stream(pub(crate) TcpStream);

impl orthant_tasks::Stream for Stream {
    #[inline]
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    #[inline]
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }

    fn shut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        // Its only error is that the peer is gone (ENOTCONN), who needs no more of it.
        let _ = Pin::new(&mut self.0).poll_close(context);
        Ok(())
    }

    fn reset(&mut self) {
        orthant_tasks::discard_unsent(sys::descriptor(&self.0));
    }
}

/// A listening socket, of whichever family.
pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Listener> {
        let listener = TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        Ok(Listener(listener))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl orthant_tasks::Listener for Listener {
    /// Its own calls do not wait in any mode.
    const NONBLOCKING: bool = false;

    async fn wait(&self) -> io::Result<()> {
        readable(self.0.try_clone()?.into()).await;
        Ok(())
    }

    async fn turn(&self) -> io::Result<()> {
        glommio::executor().yield_task_queue_now().await;
        Ok(())
    }
}

/// Waits until a socket has something to tell: data, its end, or a connection to accept. glommio offers no such wait,
/// but its stream begins with one, and only then receives.
pub(crate) async fn readable(socket: OwnedFd) {
    let mut stream = sys::adopt(socket);
    poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut [0]).map(drop)).await;
}

#[cfg(test)]
mod tests {
    use orthant_core::{Answer, Buffers, Handler, Now, Outcome, Request, Split};
    use orthant_tasks::Socket;

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
        let bytes = size_of::<Socket<Nothing, Split, fn() -> Now, Stream>>();
        assert!(bytes <= 160, "{bytes} bytes");
    }
}
