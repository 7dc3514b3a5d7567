//! A worker shared by the tasks of one thread: the ground of backends whose runtime is built on tasks.
//!
//! Such a runtime has a task for each connection, and no loop that could call `tick` and `next_changed` once per turn. So
//! every poll of a task begins a [`Turn`], which tells the time, and every event goes through it, which afterwards wakes
//! the tasks whose connections it changed; and one further task, [`Tasks::keep_time`], sleeps until the next deadline.
//!
//! ```text
//!  task of connection 7 ── event ──▶ worker        and whatever else has changed by it: 9
//!                                                                                  │
//!  task of connection 9 ◀── woken; finds its new wishes by `changed` ──────────────┘
//! ```
//! Runtimes that tell readiness share [`Socket`] too, the task of a connection, and each implements [`Stream`].
//!
//! Nothing of the runtime is known here but `Waker`. Nothing is borrowed while a task waits, and a waker that is woken
//! only puts its task in line, so no event happens within another.

#![forbid(unsafe_code)]

mod accept;
mod seats;
mod sockets;
mod turn;

pub use accept::Listener;
pub use sockets::{Socket, Stream, discard_unsent};
pub use turn::Turn;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use orthant_core::{Buffers, Ended, Handler, Id, Now, Want, Worker};

use seats::Seats;

/// A worker, and the tasks that wait for it.
pub struct Tasks<H: Handler, B: Buffers, N> {
    worker: RefCell<Worker<H, B>>,
    now: N,
    seats: RefCell<Seats>,
    /// Until when the task that keeps time sleeps.
    sleeps_until_ms: Cell<u64>,
    timekeeper: Cell<Option<Waker>>,
    /// The task that accepts, and then waits for the last connection to end.
    main: Cell<Option<Waker>>,
    /// How many connections have ended, round and round.
    ends: Cell<u32>,
    /// The main task has to be woken when one does.
    awaits_end: Cell<bool>,
    /// A handler has panicked. A runtime may keep that to itself, so the main task panics too.
    failed: Cell<bool>,
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Tasks<H, B, N> {
    /// Shares a worker; `now` reads the clocks.
    pub fn new(worker: Worker<H, B>, now: N) -> Rc<Tasks<H, B, N>> {
        Rc::new(Tasks {
            worker: RefCell::new(worker),
            now,
            seats: RefCell::default(),
            sleeps_until_ms: Cell::new(u64::MAX),
            timekeeper: Cell::new(None),
            main: Cell::new(None),
            ends: Cell::new(0),
            awaits_end: Cell::new(false),
            failed: Cell::new(false),
        })
    }

    /// A socket has been accepted. `None`: it is not wanted, close it.
    pub fn open(&self, peer: Option<SocketAddr>) -> Option<Id> {
        let id = self.turn().on_worker(|worker| worker.open(peer))?;
        self.seats.borrow_mut().add(id);
        Some(id)
    }

    /// Shows what is pending on this connection, as `Worker::pending` does.
    #[inline]
    pub fn pending<R>(&self, id: Id, show: impl FnOnce(&[u8]) -> R) -> R {
        show(self.worker.borrow_mut().pending(id))
    }

    /// What this connection wants since somebody else's event changed it. The task is woken when one does so from now on.
    #[inline]
    pub fn changed(&self, id: Id, context: &mut Context<'_>) -> Option<Want> {
        self.seats.borrow_mut().change_or_wait(id, context.waker())
    }

    /// The socket is closed, or will be when the poll that says so ends, and nobody holds memory of it any more.
    pub fn ended(&self, id: Id, how: Ended) {
        self.seats.borrow_mut().remove(id);
        self.ends.set(self.ends.get().wrapping_add(1));
        if self.turn().on_worker(|worker| {
            worker.ended(id, how);
            worker.live() == 0
        }) | self.awaits_end.take()
        {
            wake(&self.main);
        }
    }

    /// Stops: nothing is opened any more, and what is under way is finished. Returns when the last connection has ended.
    pub async fn drained(&self) {
        self.turn().on_worker(Worker::drain);
        poll_fn(|context| {
            self.wait_as_main(context);
            if self.worker.borrow().live() == 0 {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// Takes the place of the main task.
    ///
    /// # Panics
    /// When a handler has.
    fn wait_as_main(&self, context: &mut Context<'_>) {
        if self.failed.get() {
            // Without another message: the first one has said where.
            resume_unwind(Box::new("a handler panicked"));
        }
        self.main.set(Some(context.waker().clone()));
    }

    /// Tells the worker the time whenever it has to know, for ever. `sleep` is the runtime's.
    pub async fn keep_time<S: Future>(&self, sleep: impl Fn(Duration) -> S) {
        loop {
            let now_ms = (self.now)().monotonic_ms;
            let next_ms = self.turn().on_worker(|worker| worker.next_ms());
            self.sleeps_until_ms.set(next_ms.unwrap_or(u64::MAX));
            let mut sleep = pin!(
                next_ms.map(|next_ms| sleep(Duration::from_millis(next_ms.saturating_sub(now_ms))))
            );
            poll_fn(|context| {
                // It was woken before its time where somebody has taken the waker.
                let until_ms = self.sleeps_until_ms.get();
                if until_ms != next_ms.unwrap_or(u64::MAX) {
                    return Poll::Ready(());
                }
                self.timekeeper.set(Some(context.waker().clone()));
                match sleep.as_mut().as_pin_mut() {
                    Some(sleep) => sleep.poll(context).map(drop),
                    None => Poll::Pending,
                }
            })
            .await;
        }
    }
}

fn wake(waker: &Cell<Option<Waker>>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
