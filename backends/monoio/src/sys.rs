//! The unsafe code of this backend: the worker's bytes as memory that monoio may own, and a socket that is used for two
//! operations at a time.
//!
//! Three questions are answered where memory is lent: who owns the bytes while the kernel has them, what happens on
//! drop, and what proves that the operation has ended.

// By path, since the floor includes this file from another folder.
#[path = "sys/ring.rs"]
pub(crate) mod ring;

use std::cell::UnsafeCell;
use std::future::Future;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use monoio::BufResult;
use monoio::buf::IoBuf;
use monoio::io::AsyncWriteRent;
use monoio::net::{TcpListener, TcpStream};
use orthant_core::{Buffers, Handler, Id, Now};
use orthant_tasks::Tasks;
use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown};

/// Bytes of a worker, lent to the kernel for one send.
///
/// Owner: the worker, which keeps them in place until `on_sent` for that connection (the contract of `Worker`); a share
/// in the worker keeps the worker itself. On drop: the share stays, and with it the bytes, for ever. monoio drops this
/// where the runtime is dropped by a panic while the kernel may still read. End: `returned`, for which monoio has to
/// have given it back, which it does on completion.
pub(crate) struct Lent<H: Handler, B: Buffers, N> {
    start: *const u8,
    length: usize,
    worker: ManuallyDrop<Rc<Tasks<H, B, N>>>,
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Lent<H, B, N> {
    /// What is pending on a connection. Nobody calls `on_sent` or `ended` for it until this has returned.
    pub(crate) fn new(tasks: &Rc<Tasks<H, B, N>>, id: Id) -> Lent<H, B, N> {
        let (start, length) = tasks.pending(id, |bytes| (bytes.as_ptr(), bytes.len()));
        let worker = ManuallyDrop::new(tasks.clone());
        Lent {
            start,
            length,
            worker,
        }
    }

    /// The kernel has finished with the bytes.
    pub(crate) fn returned(lent: Lent<H, B, N>) {
        drop(ManuallyDrop::into_inner(lent.worker));
    }
}

// SAFETY: the bytes keep their address and stay initialised for as long as this exists, see above.
unsafe impl<H: Handler + 'static, B: Buffers + 'static, N: 'static> IoBuf for Lent<H, B, N> {
    fn read_ptr(&self) -> *const u8 {
        self.start
    }

    fn bytes_init(&self) -> usize {
        self.length
    }
}

/// A listener as the kernel knows it.
pub(crate) fn listening(listener: &TcpListener) -> BorrowedFd<'_> {
    // SAFETY: the listener keeps its descriptor open for as long as it is borrowed.
    unsafe { BorrowedFd::borrow_raw(listener.as_raw_fd()) }
}

/// A socket on which something may be waited for and sent at the same time. monoio asks for the stream as a whole to
/// send, so that two sends cannot mix; there is only one at a time here.
pub(crate) struct Socket(UnsafeCell<TcpStream>);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Socket {
        Socket(UnsafeCell::new(stream))
    }

    /// Waits until there is something to receive, or the end of it. It has to be polled before anything else is done
    /// with the socket.
    pub(crate) fn readable(&self) -> impl Future<Output = io::Result<()>> {
        // SAFETY: no exclusive reference exists, since that of `send` ends within `send`. When one is made later, this
        // one is not used any more: `readable` takes a share of the descriptor when it is first polled, and needs
        // nothing else.
        let stream = unsafe { &*self.0.get() };
        stream.readable(true)
    }

    /// Sends some of the bytes. The operation is asked for at once, and polling only waits for it.
    pub(crate) fn send<T: IoBuf>(&self, bytes: T) -> impl Future<Output = BufResult<usize, T>> {
        // SAFETY: nobody else uses the stream before this returns. What is returned owns a share of the descriptor, and
        // does not use the stream any more, though its type would let it.
        let stream = unsafe { &mut *self.0.get() };
        stream.write(bytes)
    }

    /// Receives what is there, without waiting; `None` when there is nothing.
    pub(crate) fn receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        match rustix::net::recv(self.fd(), &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((bytes, _)) => Ok(Some(&buffer[..bytes])),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Closes one direction, or both. A peer that is gone already needs no more of it.
    pub(crate) fn shut(&self, directions: Shutdown) -> io::Result<()> {
        match rustix::net::shutdown(self.fd(), directions) {
            Err(Errno::NOTCONN) => Ok(()),
            done => Ok(done?),
        }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: as in `readable`, and it ends here.
        let stream = unsafe { &*self.0.get() };
        // SAFETY: the stream keeps its descriptor open for as long as it is borrowed.
        unsafe { BorrowedFd::borrow_raw(stream.as_raw_fd()) }
    }
}

/// Asks an operation, if there is one, whether it is over; if so its place is free.
pub(crate) fn poll<F: Future>(
    operation: &mut Pin<&mut Option<F>>,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    let Some(under_way) = operation.as_mut().as_pin_mut() else {
        return Poll::Pending;
    };
    let result = under_way.poll(context);
    if result.is_ready() {
        operation.set(None);
    }
    result
}
