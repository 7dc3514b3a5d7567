//! The sockets of a worker's connections, each in the task of its connection, which waits for three things at a time:
//! that there is something to receive, that what is being sent is sent, and a change that came from elsewhere.
//!
//! An operation that is under way stays in its place until it has ended: the send since it points to the worker's
//! memory, the wait for input since both are then shown to be over when the socket is closed.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use monoio::net::{TcpListener, TcpStream};
use orthant_core::{Buffers, Ended, Handler, Id, Now, Want};
use orthant_tasks::Tasks;
use rustix::net::Shutdown;

use crate::sys::{Lent, Socket, listening, poll};

/// A listening socket, of whichever family. It is in non-blocking mode, and monoio is asked only when somebody is there.
pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Listener> {
        let listener = std::net::TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        Ok(Listener(TcpListener::from_std(listener)?))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        listening(&self.0)
    }
}

impl orthant_tasks::Listener for Listener {
    /// An operation on a socket in that mode would fail where it has to wait.
    const NONBLOCKING: bool = false;

    async fn wait(&self) -> io::Result<()> {
        self.0.readable(true).await
    }

    /// The runtime enters the ring, and polls other tasks, only when its first future has to wait.
    async fn turn(&self) -> io::Result<()> {
        self.wait().await
    }
}

/// Serves a connection until it is closed. `buffer` is what all connections of the thread receive into, one after the
/// other. A block, since an `async fn` keeps what it is given twice: as it came, and as it is named.
pub(crate) fn serve<H: Handler + 'static, B: Buffers + 'static, N: Fn() -> Now + 'static>(
    tasks: Rc<Tasks<H, B, N>>,
    id: Id,
    stream: TcpStream,
    buffer: Rc<RefCell<Vec<u8>>>,
) -> impl Future<Output = ()> {
    let socket = Socket::new(stream);
    async move {
        let how = match exchange(&tasks, id, &socket, &buffer).await {
            Ok(()) => Ended::Wanted,
            Err(_) => Ended::Broken,
        };
        drop(socket);
        tasks.ended(id, how);
    }
}

/// Does what the connection wants until it is to be closed; nothing is under way any more when this returns.
async fn exchange<H: Handler + 'static, B: Buffers + 'static, N: Fn() -> Now + 'static>(
    tasks: &Rc<Tasks<H, B, N>>,
    id: Id,
    socket: &Socket,
    buffer: &RefCell<Vec<u8>>,
) -> io::Result<()> {
    let mut want = Want::RECEIVE;
    let mut sending = pin!(None);
    let mut waiting = pin!(None);
    let ended = poll_fn(|context| {
        let turn = tasks.turn();
        loop {
            if let Some(changed) = tasks.changed(id, context) {
                want = changed;
            }
            if let Poll::Ready((sent, lent)) = poll(&mut sending, context) {
                Lent::returned(lent);
                let sent = unless_interrupted(sent)?;
                want = turn.event(id, |worker| worker.on_sent(id, sent));
            } else if want.close() {
                if want.reset() {
                    orthant_tasks::discard_unsent(socket.fd());
                }
                return Poll::Ready(Ok(()));
            } else if want.send() && sending.is_none() {
                sending.set(Some(socket.send(Lent::new(tasks, id))));
            } else if want.shut() {
                socket.shut(Shutdown::Write)?;
                want = Want::RECEIVE;
            } else if want.receive() && waiting.is_none() {
                waiting.set(Some(socket.readable()));
            } else if want.receive()
                && let Poll::Ready(readable) = poll(&mut waiting, context)
            {
                readable?;
                let mut buffer = buffer.borrow_mut();
                if let Some(bytes) = socket.receive(&mut buffer)? {
                    want = turn.event(id, |worker| worker.on_bytes(id, bytes));
                }
            } else {
                return Poll::Pending;
            }
        }
    })
    .await;
    if sending.is_some() || waiting.is_some() {
        // Both are over soon: nothing can be sent any more, and there is an end to receive. A socket that cannot be
        // shut down is not connected any more, which ends them too.
        socket.shut(Shutdown::Both)?;
    }
    if let Some(sending) = sending.as_mut().as_pin_mut() {
        let (_, lent) = sending.await;
        Lent::returned(lent);
    }
    if let Some(waiting) = waiting.as_mut().as_pin_mut() {
        // What it says does not matter any more.
        let _ = waiting.await;
    }
    ended
}

/// How many bytes were sent: none where a signal came before the first.
fn unless_interrupted(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        sent => sent,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use monoio::buf::IoBuf;
    use orthant_core::{Answer, Flat, Limits, MediaType, Outcome, Request, Status, Worker};

    use super::*;

    struct Hello;

    impl Handler for Hello {
        type Exchange = ();

        fn on_request(
            &mut self,
            _: &Request<'_>,
            _: &mut (),
            answer: Answer<'_, impl Buffers>,
        ) -> Outcome {
            answer.send(Status::OK, &MediaType::TEXT, b"hello")
        }
    }

    fn now() -> Now {
        Now {
            monotonic_ms: 0,
            unix_s: 0,
        }
    }

    type Clock = fn() -> Now;

    /// Whether the worker is freed after what it has lent came to this end.
    fn is_freed(end: impl FnOnce(Lent<Hello, Flat, Clock>)) -> bool {
        let worker = Worker::new(Hello, Limits::DEFAULT, now());
        let tasks = Tasks::new(worker, now as Clock);
        let id = tasks.open(None).unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        tasks
            .turn()
            .event(id, |worker| worker.on_bytes(id, request));
        let lent = Lent::new(&tasks, id);
        assert!(lent.bytes_init() > 0, "an answer is pending");
        let worker = Rc::downgrade(&tasks);
        drop(tasks);
        assert!(worker.upgrade().is_some(), "what is lent keeps it");
        end(lent);
        worker.upgrade().is_none()
    }

    #[test]
    fn memory_that_did_not_come_back_is_never_freed() {
        assert!(is_freed(Lent::returned));
        // As where the runtime is dropped.
        assert!(!is_freed(|_| ()));
    }

    #[test]
    fn who_connects_holds_up_nobody() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |_| std::net::TcpStream::connect(address).unwrap();
        let clients: Vec<_> = (0..100).map(connect).collect();
        let tuning = crate::Tuning::default();
        let mut runtime = crate::sys::ring::runtime(&tuning).unwrap();
        runtime.block_on(async {
            let listeners = [Listener::new(listener.into()).unwrap()];
            let worker = Worker::<_, Flat>::new(Hello, Limits::DEFAULT, now());
            let tasks = Tasks::new(worker, now as Clock);
            let accepted = Rc::new(Cell::new(0));
            let (seen, counted) = (accepted.clone(), accepted.clone());
            let other = monoio::spawn(async move { seen.get() });
            let stop = async {
                let seen = other.await;
                assert!((1..clients.len()).contains(&seen), "at the {seen}th");
                Ok(())
            };
            let serve = move |_, _| {
                counted.set(counted.get() + 1);
                Ok(())
            };
            let accepting = tasks.accept(&listeners, stop, monoio::time::sleep, serve);
            accepting.await.unwrap();
            assert_eq!(accepted.get(), clients.len());
        });
    }

    /// The size of what such a function returns.
    fn size<A, B, C, D, F>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_task_is_small() {
        let bytes = size(serve::<Hello, Flat, Clock>);
        assert!(bytes <= 512, "{bytes}");
    }
}
