//! The operations of this backend, which point into memory that is lent to the kernel, and the system calls that the
//! runtime does not offer.
//!
//! The runtime takes an operation of any kind by a function that is not marked unsafe, so what makes a send sound is said
//! at the functions that lead to it. Three questions are answered there: who owns the bytes while the kernel has them,
//! what happens on drop, and what proves that the operation has ended.

use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use io_uring_06::{cqueue, opcode, squeue, types};
use orthant_core::{Buffers, Handler, Id, Worker};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_uring::{InFlightOneshot, OneshotOutputTransform, UnsubmittedOneshot};

/// A socket, and the owner of the memory that is sent on it. A send holds a count on it until it has ended: so neither is
/// the descriptor another socket's by the time the kernel looks it up, nor is the memory freed.
pub(crate) struct Line<K> {
    /// Not in non-blocking mode, in which the kernel would fail a send that has to wait.
    pub(crate) stream: TcpStream,
    /// The owner of the memory.
    pub(crate) keeper: K,
}

impl<K> AsRawFd for Line<K> {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// Waits for the readiness of a socket, as far as there is something to receive.
pub(crate) fn watch<K>(line: Rc<Line<K>>) -> io::Result<AsyncFd<Rc<Line<K>>>> {
    // SAFETY: a `Line` has the same stream for as long as it is, and the `Rc` keeps it.
    Ok(unsafe { AsyncFd::register_with_interest(line, Interest::READABLE) }?)
}

/// Bytes that are lent to a send.
pub(crate) struct Lent {
    address: *const u8,
    length: u32,
}

impl Lent {
    /// What is pending on a connection: the worker keeps it in place until `on_sent`. `None` when nothing is.
    #[inline]
    pub(crate) fn pending<H: Handler, B: Buffers>(
        worker: &mut Worker<H, B>,
        id: Id,
    ) -> Option<Lent> {
        let pending = worker.pending(id);
        (!pending.is_empty()).then(|| Lent::of(pending))
    }

    /// Bytes that their owner keeps in place until the send has ended.
    pub(crate) fn of(bytes: &[u8]) -> Lent {
        Lent {
            address: bytes.as_ptr(),
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        }
    }
}

/// A send under way; ready when it has ended, with the number of bytes that it took.
pub(crate) type Send<K> = InFlightOneshot<Rc<Line<K>>, Sent<K>>;

/// Puts a send into the queue, which reaches the kernel when the thread has nothing else to do.
///
/// Owner: who lent the bytes, and the `Line` keeps him. On drop: the runtime holds the `Line` until the send has ended;
/// what happens when the runtime itself is dropped is said at `run`. End: it is ready.
#[inline]
pub(crate) fn send<K: 'static>(line: &Rc<Line<K>>, lent: Lent) -> Send<K> {
    let fd = types::Fd(line.as_raw_fd());
    let send = opcode::Send::new(fd, lent.address, lent.length).flags(libc::MSG_NOSIGNAL);
    submit(line, send.build())
}

/// The same of no bytes, without a call to the socket: ready when the queue has been handed over.
pub(crate) fn send_nothing<K: 'static>(line: &Rc<Line<K>>) -> Send<K> {
    submit(line, opcode::Nop::new().build())
}

#[inline]
fn submit<K: 'static>(line: &Rc<Line<K>>, entry: squeue::Entry) -> Send<K> {
    UnsubmittedOneshot::new(line.clone(), Sent(PhantomData), entry).submit()
}

/// Turns the completion of a send into its result.
pub(crate) struct Sent<K>(PhantomData<K>);

impl<K: 'static> OneshotOutputTransform for Sent<K> {
    type Output = io::Result<usize>;
    type StoredData = Rc<Line<K>>;

    #[inline]
    fn transform_oneshot_output(self, _: Rc<Line<K>>, cqe: cqueue::Entry) -> io::Result<usize> {
        usize::try_from(cqe.result()).map_err(|_| io::Error::from_raw_os_error(-cqe.result()))
    }
}

/// Receives what is there, or else waits until something is; 0 bytes are the end of input.
#[inline]
pub(crate) fn poll_receive<K>(
    line: &AsyncFd<Rc<Line<K>>>,
    context: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    loop {
        let mut readiness = ready!(line.poll_read_ready(context))?;
        let received = receive(line.get_ref(), buffer);
        match received {
            Err(ref error) if error.kind() == ErrorKind::WouldBlock => {
                readiness.clear_ready();
                continue;
            }
            // Fewer bytes than there was room for are all that was there. That the peer has ended stays noted.
            Ok(bytes) if 0 < bytes && bytes < buffer.len() => readiness.clear_ready(),
            _ => {}
        }
        return Poll::Ready(received);
    }
}

#[inline]
fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (fd, start, length) = (socket.as_raw_fd(), buffer.as_mut_ptr(), buffer.len());
    // SAFETY: the kernel writes at most `length` bytes to memory that is borrowed for the call.
    let received = unsafe { libc::recv(fd, start.cast(), length, libc::MSG_DONTWAIT) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

/// Closes directions of a socket. One that is not connected any more needs no more of it: a send that is under way on it
/// has failed already.
pub(crate) fn shut<K>(line: &Line<K>, direction: Shutdown) -> io::Result<()> {
    match line.stream.shutdown(direction) {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
        done => done,
    }
}
