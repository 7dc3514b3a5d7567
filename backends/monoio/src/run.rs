//! A worker's runtime: a task for each connection, and one future that accepts and keeps time.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::rc::Rc;

use monoio::net::TcpStream;
use monoio::time::sleep;
use orthant_core::{Buffers, Handler, Now, Worker};
use orthant_tasks::Tasks;

use crate::sockets::{Listener, serve};
use crate::sys::ring;
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
    let buffer = Rc::new(RefCell::new(vec![0; tuning.receive_bytes]));
    let mut runtime = ring::runtime(tuning)?;
    runtime.block_on(async {
        let listeners = listeners.into_iter().map(Listener::new);
        let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
        let stop = monoio::net::UnixStream::from_std(stop)?;
        ready();
        let tasks = Tasks::new(worker, now);
        let mut keep_time = pin!(tasks.keep_time(sleep));
        let mut accept = pin!(async {
            let serve = |id, socket: OwnedFd| {
                let stream = TcpStream::from_std(socket.into())?;
                // Nobody waits for its end: `drained` does.
                drop(monoio::spawn(serve(
                    tasks.clone(),
                    id,
                    stream,
                    buffer.clone(),
                )));
                Ok(())
            };
            let stop = stop.readable(true);
            let accepted = tasks.accept(&listeners, stop, sleep, serve).await;
            drop(listeners);
            tasks.drained().await;
            accepted
        });
        // Not a task of its own, which would outlive the runtime.
        poll_fn(|context| {
            assert!(keep_time.as_mut().poll(context).is_pending(), "for ever");
            accept.as_mut().poll(context)
        })
        .await
    })
}
