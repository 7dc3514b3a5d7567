//! The floor of this backend: what the kernel and the runtime alone cost. It receives, counts the heads of requests, and
//! sends the same 66 bytes for each, with the same operations and calls as the backend; it understands nothing.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use monoio::net::{TcpListener, TcpStream};

#[path = "../../floor.rs"]
mod floor;
#[path = "../src/sys.rs"]
#[expect(dead_code, reason = "the floor needs less than the backend")]
mod sys;
#[path = "../src/tuning.rs"]
#[expect(dead_code, unreachable_pub, reason = "the floor takes the defaults")]
mod tuning;

use floor::{Answers, Heads};
use sys::{Socket, poll, ring};
use tuning::Tuning;

fn main() -> io::Result<()> {
    let listener = floor::listen("monoio")?;
    listener.set_nonblocking(true)?;
    let tuning = Tuning::default();
    let buffer = Rc::new(RefCell::new(vec![0; tuning.receive_bytes]));
    ring::runtime(&tuning)?.block_on(async {
        let waited_for = TcpListener::from_std(listener.try_clone()?)?;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    drop(monoio::spawn(serve(
                        TcpStream::from_std(stream)?,
                        buffer.clone(),
                    )));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    waited_for.readable(true).await?;
                }
                Err(error) => return Err(error),
            }
        }
    })
}

/// Receives and answers until the peer has ended.
async fn serve(stream: TcpStream, buffer: Rc<RefCell<Vec<u8>>>) {
    let socket = Socket::new(stream);
    let (mut heads, mut answers) = (Heads::default(), Answers::default());
    let mut sending = pin!(None);
    let mut waiting = pin!(None);
    poll_fn(|context| {
        loop {
            if let Poll::Ready((sent, _)) = poll(&mut sending, context) {
                match sent {
                    Ok(bytes) => answers.sent(bytes),
                    Err(_) => return Poll::Ready(()),
                }
            } else if sending.is_none()
                && let Some(bytes) = answers.pending()
            {
                sending.set(Some(socket.send(bytes)));
            } else if waiting.is_none() {
                waiting.set(Some(socket.readable()));
            } else if poll(&mut waiting, context).is_ready() {
                match socket.receive(&mut buffer.borrow_mut()) {
                    Ok(None) => {}
                    Ok(Some(bytes)) if !bytes.is_empty() => answers.owe(heads.count(bytes)),
                    _ => return Poll::Ready(()),
                }
            } else {
                return Poll::Pending;
            }
        }
    })
    .await;
}
