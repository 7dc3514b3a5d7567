//! The floor of this backend: what the kernel and the runtime alone cost. It receives, counts the heads of requests, and
//! sends the same 66 bytes for each, with the same calls in the same order as the backend; it understands nothing.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use glommio::{LocalExecutorBuilder, PoolPlacement, spawn_local};

#[path = "../../floor.rs"]
mod floor;

use floor::{Answers, Heads};

fn main() -> io::Result<()> {
    let listener = floor::listen("glommio")?;
    listener.set_nonblocking(true)?;
    let executor = LocalExecutorBuilder::default()
        .io_memory(0)
        .blocking_thread_pool_placement(PoolPlacement::Custom(Vec::new()))
        .make()?;
    executor.run(async {
        let buffer = Rc::new(RefCell::new(vec![0; 64 * 1024]));
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    spawn_local(serve(adopt(stream.into()), buffer.clone())).detach();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut listener = adopt(listener.try_clone()?.into());
                    poll_fn(|context| {
                        Pin::new(&mut listener)
                            .poll_read(context, &mut [0])
                            .map(drop)
                    })
                    .await;
                }
                Err(error) => return Err(error),
            }
        }
    })
}

fn adopt(socket: OwnedFd) -> TcpStream {
    // SAFETY: the descriptor is open, and `into_raw_fd` gives it away.
    unsafe { TcpStream::from_raw_fd(socket.into_raw_fd()) }
}

/// Receives and answers until the peer has ended.
async fn serve(mut stream: TcpStream, buffer: Rc<RefCell<Vec<u8>>>) {
    let (mut heads, mut answers) = (Heads::default(), Answers::default());
    poll_fn(|context| {
        loop {
            while let Some(bytes) = answers.pending() {
                match Pin::new(&mut stream).poll_write(context, bytes) {
                    Poll::Ready(Ok(sent)) => answers.sent(sent),
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let mut buffer = buffer.borrow_mut();
            match Pin::new(&mut stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(received @ 1..)) => answers.owe(heads.count(&buffer[..received])),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}
