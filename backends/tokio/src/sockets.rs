//! The sockets of a worker's connections, as the ground of task backends drives them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

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
