//! The floor of this backend: what the kernel and the runtime alone cost. It receives, counts the heads of requests, and
//! sends the same 66 bytes for each, with the same operations in the same order as the backend; it understands nothing.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_uring::{Runtime, spawn};

#[path = "../../floor.rs"]
mod floor;
#[path = "../src/sys.rs"]
#[expect(dead_code, reason = "the floor needs less than the backend")]
mod sys;

use floor::{Answers, Heads};
use sys::{Lent, Line, Send};

fn main() -> io::Result<()> {
    let listener = floor::listen("tokio-uring")?;
    listener.set_nonblocking(true)?;
    let runtime = Runtime::new(&tokio_uring::builder())?;
    runtime.block_on(async {
        let copy = OwnedFd::from(listener.try_clone()?);
        let readiness = tokio::net::TcpStream::from_std(copy.into())?;
        let buffer = Rc::new(RefCell::new(vec![0; 64 * 1024]));
        loop {
            let accepted = readiness.async_io(Interest::READABLE, || listener.accept());
            let (stream, _) = accepted.await?;
            let mut connection = Connection::new(stream, buffer.clone())?;
            spawn(poll_fn(move |context| connection.go_on(context)));
        }
    })
}

struct Connection {
    line: AsyncFd<Rc<Line<()>>>,
    heads: Heads,
    answers: Answers,
    sending: Option<Send<()>>,
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl Connection {
    fn new(stream: TcpStream, buffer: Rc<RefCell<Vec<u8>>>) -> io::Result<Connection> {
        Ok(Connection {
            line: sys::watch(Rc::new(Line { stream, keeper: () }))?,
            heads: Heads::default(),
            answers: Answers::default(),
            sending: None,
            buffer,
        })
    }

    /// Receives and answers until the peer has ended. A send may outlive that, since its bytes are static.
    fn go_on(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(send) = &mut self.sending
                && let Poll::Ready(sent) = Pin::new(send).poll(context)
            {
                self.sending = None;
                match sent {
                    Ok(bytes) => self.answers.sent(bytes),
                    Err(_) => return Poll::Ready(()),
                }
            }
            if self.sending.is_none()
                && let Some(bytes) = self.answers.pending()
            {
                self.sending = Some(sys::send(self.line.get_ref(), Lent::of(bytes)));
                continue;
            }
            let mut buffer = self.buffer.borrow_mut();
            match ready!(sys::poll_receive(&self.line, context, &mut buffer)) {
                Ok(bytes @ 1..) => self.answers.owe(self.heads.count(&buffer[..bytes])),
                _ => return Poll::Ready(()),
            }
        }
    }
}
