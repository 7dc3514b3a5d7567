//! The floor of this backend: what the kernel and the runtime alone cost. It receives, counts the heads of requests, and
//! sends the same 66 bytes for each, with the same calls in the same order as the backend; it understands nothing.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

#[path = "../../floor.rs"]
mod floor;

use floor::{Answers, Heads};

fn main() -> io::Result<()> {
    let listener = floor::listen("tokio")?;
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_current_thread()
        .enable_io()
        .max_io_events_per_tick(256)
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let buffer = Rc::new(RefCell::new(vec![0; 64 * 1024]));
        loop {
            let (stream, _) = listener.accept().await?;
            spawn_local(serve(stream, buffer.clone()));
        }
    })
}

/// Receives and answers until the peer has ended.
async fn serve(mut stream: TcpStream, buffer: Rc<RefCell<Vec<u8>>>) {
    let (mut heads, mut answers) = (Heads::default(), Answers::default());
    std::future::poll_fn(|context| {
        loop {
            while let Some(bytes) = answers.pending() {
                match Pin::new(&mut stream).poll_write(context, bytes) {
                    Poll::Ready(Ok(sent)) => answers.sent(sent),
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let mut buffer = buffer.borrow_mut();
            let mut buffer = ReadBuf::new(&mut buffer);
            match Pin::new(&mut stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    answers.owe(heads.count(buffer.filled()));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}
