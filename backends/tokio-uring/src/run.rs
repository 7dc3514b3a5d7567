//! A worker's runtime: a task for each connection, one that keeps time, and the one that accepts.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use orthant_core::{Buffers, Ended, Handler, Limits, Now, Worker};
use orthant_tasks::Tasks;
use tokio::io::Interest;
use tokio::time::sleep;
use tokio_uring::{Runtime, no_op, spawn};

use crate::sockets::Socket;
use crate::sys;
use crate::tuning::Tuning;

/// How many connections are accepted until the ring has to say something, for the reason that stands at
/// `sockets::RECEIVES_MAX`.
const ACCEPTS_MAX: u32 = 16;

/// Runs `worker` on `listener` until `stop` becomes readable, then until everything under way is finished.
///
/// # Errors
/// What the kernel says of the runtime itself; a failing connection ends alone.
pub fn run<H: Handler + 'static, B: Buffers + 'static>(
    worker: Worker<H, B>,
    listener: TcpListener,
    stop: BorrowedFd<'_>,
    now: impl Fn() -> Now + 'static,
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
        let accepted = Cell::new(0);
        let accept = async || {
            if accepted.replace((accepted.get() + 1) % ACCEPTS_MAX) == 0 {
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

/// Says whether this machine can run the backend: makes a runtime as `run` will.
///
/// # Errors
/// A sentence that says what to do.
pub fn available(tuning: &Tuning, _: &Limits) -> Result<(), String> {
    let Err(error) = runtime(tuning) else {
        return Ok(());
    };
    Err(match error.raw_os_error() {
        Some(libc::EPERM) => {
            "io_uring is denied here: set the sysctl kernel.io_uring_disabled to 0, or allow io_uring_setup in the \
             seccomp profile of the container, or choose a design with the backend epoll"
                .to_owned()
        }
        Some(libc::ENOSYS) => {
            "this kernel has no io_uring: run Linux 5.10 or newer, or choose a design with the backend epoll".to_owned()
        }
        Some(libc::ENOMEM) => format!(
            "a ring of {} entries takes {} KiB of locked memory, which the limit does not leave: raise it with `ulimit -l` \
             by so much for each worker, lower --tune ring-entries, or choose a design with the backend epoll",
            tuning.ring_entries,
            ring_bytes(tuning.ring_entries).div_ceil(1024)
        ),
        Some(libc::EMFILE | libc::ENFILE) => format!(
            "a worker takes {DESCRIPTORS} descriptors besides those of its connections, which the limit does not leave: raise \
             it with `ulimit -n` by so many for each worker"
        ),
        _ => format!("failed to set up io_uring: {error}; choose a design with the backend epoll"),
    })
}

/// What a worker opens: its listener, the stop signal, the ring, and of tokio the epoll instance, twice, and its waker.
const DESCRIPTORS: usize = 6;

/// Memory of a ring in the kernel, which before Linux 5.12 counts as locked: the entries of both queues, the indices of
/// the first and the heads of both, each in whole pages (io_uring_setup(2)).
fn ring_bytes(entries: u32) -> usize {
    let (entries, page) = (entries as usize, 4096);
    let submissions = entries * 64;
    let completions = 2 * entries * 16 + entries * 4 + 320;
    submissions.next_multiple_of(page) + completions.next_multiple_of(page)
}
