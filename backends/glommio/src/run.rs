//! A worker's executor: a task for each connection, one that keeps time, and the one that accepts.

use std::cell::RefCell;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use glommio::timer::sleep;
use glommio::{LocalExecutor, LocalExecutorBuilder, PoolPlacement, spawn_local};
use orthant_core::{Buffers, Handler, Now, Worker};
use orthant_tasks::{Socket, Tasks};

use crate::sockets::{Listener, Stream, readable};
use crate::sys;
use crate::tuning::Tuning;

/// A sleep that leaves the executor a turn of its reactor at least.
const TURN: Duration = Duration::from_millis(1);

/// Runs `worker` on `listeners`, stream sockets of any family that listen, until `stop` becomes readable, then until
/// everything under way is finished. Says that it is `ready` once the kernel gave what that takes.
///
/// # Errors
/// What the kernel says of the executor itself; a failing connection ends alone.
pub fn run<H: Handler + 'static, B: Buffers + 'static>(
    worker: Worker<H, B>,
    listeners: Vec<OwnedFd>,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now + 'static,
    ready: impl FnOnce(),
    tuning: &Tuning,
) -> io::Result<()> {
    let stop = stop.try_clone_to_owned()?;
    let listeners = listeners.into_iter().map(Listener::new);
    let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
    let buffer = Rc::new(RefCell::new(vec![0; tuning.receive_bytes]));
    executor(tuning)?.run(async {
        ready();
        let tasks = Tasks::new(worker, now);
        let timekeeper = tasks.clone();
        let timekeeper = spawn_local(async move { timekeeper.keep_time(sleep).await });
        // The first sleep of a process waits until the kernel has registered it for membarrier(2), some 10 ms: not in the
        // midst of clients.
        sleep(TURN).await;
        let stop = async {
            readable(stop).await;
            Ok(())
        };
        let serve = |id, socket| {
            let stream = Stream(sys::adopt(socket));
            spawn_local(Socket::new(tasks.clone(), id, stream, buffer.clone())).detach();
            Ok(())
        };
        let accepted = tasks.accept(&listeners, stop, sleep, serve).await;
        drop(listeners);
        tasks.drained().await;
        // An executor leaks the tasks that it is dropped with, and this one holds the worker.
        timekeeper.cancel().await;
        // Sockets stay open until the kernel hears, in the next turn, that nobody waits for them any more.
        sleep(TURN).await;
        accepted
    })
}

/// An executor on this thread, which the server has bound to its CPU. Where a ring is refused glommio would panic.
fn executor(tuning: &Tuning) -> io::Result<LocalExecutor> {
    sys::try_ring(tuning.ring_entries as u32)?;
    Ok(LocalExecutorBuilder::default()
        // For files; sockets use none of it. It is rounded up to 64 KiB.
        .io_memory(0)
        .ring_depth(tuning.ring_entries)
        .preempt_timer(Duration::from_millis(tuning.preempt_ms))
        // No thread for calls that block: there are none.
        .blocking_thread_pool_placement(PoolPlacement::Custom(Vec::new()))
        .make()?)
}
