//! The sockets of a worker, as the ground of task backends drives them: of its connections, and its listeners.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::yield_now;

use crate::sys;

/// A socket of tokio.
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
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn shut(&mut self, _: &mut Context<'_>) -> io::Result<()> {
        sys::shut(&self.0)
    }

    fn reset(&mut self) {
        orthant_tasks::discard_unsent(&self.0);
    }
}

/// A listening socket. tokio has listeners that accept, and streams that only say when they are ready: so it is one of
/// those, of whichever family.
pub(crate) struct Listener(TcpStream);

impl Listener {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Listener> {
        let socket = std::net::TcpStream::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Listener(TcpStream::from_std(socket)?))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl orthant_tasks::Listener for Listener {
    const NONBLOCKING: bool = true;

    async fn wait(&self) -> io::Result<()> {
        self.0.readable().await?;
        // Until an event comes after this one. There is none on this thread before somebody is asked for.
        let nobody = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.0.try_io(Interest::READABLE, nobody);
        Ok(())
    }

    async fn turn(&self) -> io::Result<()> {
        yield_now().await;
        Ok(())
    }
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

    #[test]
    fn a_task_is_small() {
        let bytes = size_of::<Socket<Nothing, Split, fn() -> Now, Stream>>();
        assert!(bytes <= 64, "{bytes} bytes");
    }
}
