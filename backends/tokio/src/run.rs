//! A worker's runtime: a task for each connection, one that keeps time, and the one that accepts.

use std::cell::RefCell;
use std::io;
use std::net::TcpStream;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use orthant_core::{Buffers, Handler, Now, Worker};
use orthant_tasks::{Socket, Tasks};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::sockets::{Listener, Stream};
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
    let buffer = Rc::new(RefCell::new(vec![0; tuning.receive_bytes]));
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .event_interval(tuning.event_interval)
        .max_io_events_per_tick(tuning.events)
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listeners = listeners.into_iter().map(Listener::new);
        let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
        let stop = tokio::net::UnixStream::from_std(stop)?;
        ready();
        let tasks = Tasks::new(worker, now);
        let timekeeper = tasks.clone();
        spawn_local(async move { timekeeper.keep_time(sleep).await });
        let serve = |id, socket| {
            let stream = tokio::net::TcpStream::from_std(TcpStream::from(socket))?;
            let socket = Socket::new(tasks.clone(), id, Stream(stream), buffer.clone());
            spawn_local(socket);
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
