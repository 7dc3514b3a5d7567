//! A worker's runtime: a task for each connection, one that keeps time, and the one that accepts.

use std::cell::RefCell;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use orthant_core::{Buffers, Handler, Now, Worker};
use orthant_tasks::Tasks;
use tokio::time::sleep;
use tokio_uring::{Runtime, spawn};

use crate::sockets::{Listener, Socket};
use crate::tuning::Tuning;

/// Runs `worker` on `listeners`, stream sockets of any family that listen, until `stop` becomes readable, then until
/// everything under way is finished. Says that it is `ready` once the kernel gave what that takes.
///
/// # Errors
/// What the kernel says of the runtime itself; a failing connection ends alone.
pub fn run<H: Handler + 'static, B: Buffers + 'static>(
    worker: Worker<H, B>,
    listeners: Vec<OwnedFd>,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now + 'static,
    ready: impl FnOnce(),
    tuning: &Tuning,
) -> io::Result<()> {
    let stop = UnixStream::from(stop.try_clone_to_owned()?);
    stop.set_nonblocking(true)?;
    // Made before the runtime, so dropped after it. A runtime that is dropped with operations under way, after an error
    // that is, waits for them; but what they hold it lets go of before that.
    let tasks = Tasks::new(worker, now);
    let runtime = runtime(tuning)?;
    runtime.block_on(async {
        let stop = tokio::net::UnixStream::from_std(stop)?;
        let timekeeper = tasks.clone();
        spawn(async move { timekeeper.keep_time(sleep).await });
        let listeners = listeners.into_iter().map(Listener::new);
        let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
        ready();
        let buffer = Rc::new(RefCell::new(vec![0; tuning.receive_bytes]));
        let serve = |id, socket: OwnedFd| {
            spawn(Socket::new(&tasks, id, socket.into(), &buffer)?);
            Ok(())
        };
        let accepted = tasks
            .accept(&listeners, stop.readable(), sleep, serve)
            .await;
        drop(listeners);
        tasks.drained().await;
        accepted
    })
}

fn runtime(tuning: &Tuning) -> io::Result<Runtime> {
    Runtime::new(tokio_uring::builder().entries(tuning.ring_entries))
}
