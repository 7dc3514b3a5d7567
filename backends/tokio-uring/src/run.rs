//! A worker's runtime: a task for each connection, one that keeps time, and the one that accepts.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use orthant_core::{Buffers, Ended, Handler, Now, Worker};
use orthant_tasks::Tasks;
use tokio::io::Interest;
use tokio::time::sleep;
use tokio_uring::{Runtime, no_op, spawn};

use crate::sockets::Socket;
use crate::sys;
use crate::tuning::Tuning;

/// How many connections are accepted until the ring has to say something, for the reason that stands at
/// `sockets::RECEIVES_MAX`.
const TURN_ACCEPTS: u32 = 16;

/// Runs `worker` on `listener` until `stop` becomes readable, then until everything under way is finished. Says that it is
/// `ready` once the kernel gave what that takes.
///
/// # Errors
/// What the kernel says of the runtime itself; a failing connection ends alone.
pub fn run<H: Handler + 'static, B: Buffers + 'static>(
    worker: Worker<H, B>,
    listener: TcpListener,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now + 'static,
    ready: impl FnOnce(),
    tuning: &Tuning,
) -> io::Result<()> {
    let stop = UnixStream::from(stop.try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    stop.set_nonblocking(true)?;
    // Made before the runtime, so dropped after it. A runtime that is dropped with operations under way, after an error
    // that is, waits for them; but what they hold it lets go of before that.
    let tasks = Tasks::new(worker, now);
    let runtime = runtime(tuning)?;
    runtime.block_on(async {
        let stop = tokio::net::UnixStream::from_std(stop)?;
        let timekeeper = tasks.clone();
        spawn(async move { timekeeper.keep_time(sleep).await });
        let listener = sys::watch_listener(listener)?;
        ready();
        let accepted = Cell::new(0);
        let accept = async || {
            if accepted.replace((accepted.get() + 1) % TURN_ACCEPTS) == 0 {
                no_op().await?;
            }
            let accepting = listener.async_io(Interest::READABLE, TcpListener::accept);
            accepting.await.map(|(stream, _)| stream)
        };
        let accept_now = || Ok(listener.get_ref().accept()?.0);
        let buffer = Rc::new(RefCell::new(vec![0; tuning.receive_bytes]));
        let serve = |id, stream| match Socket::new(&tasks, id, stream, &buffer) {
            Ok(socket) => drop(spawn(socket)),
            Err(_) => tasks.ended(id, Ended::Broken),
        };
        tasks
            .accept(accept, accept_now, stop.readable(), sleep, serve)
            .await?;
        drop(listener);
        tasks.drained().await;
        Ok(())
    })
}

fn runtime(tuning: &Tuning) -> io::Result<Runtime> {
    Runtime::new(tokio_uring::builder().entries(tuning.ring_entries))
}
