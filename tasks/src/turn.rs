//! One poll of a task. It reads the clocks once, as a loop does once per turn, however many events happen in it; since
//! events are told through it only, none can happen at a time that was never told.

use orthant_core::{Buffers, Handler, Id, Now, Want, Worker};

use crate::{Tasks, wake};

/// What a task does in one poll; not to be kept until the next.
pub struct Turn<'t, H: Handler, B: Buffers, N>(&'t Tasks<H, B, N>);

impl<H: Handler, B: Buffers, N: Fn() -> Now> Tasks<H, B, N> {
    /// Begins a poll: tells the worker the time. Whose deadline that was is found at the next event, or by the task that
    /// keeps time, which is due then.
    #[inline]
    pub fn turn(&self) -> Turn<'_, H, B, N> {
        self.worker.borrow_mut().tick((self.now)());
        Turn(self)
    }
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Turn<'_, H, B, N> {
    /// Tells the worker of an event of this connection; returns what the connection wants after it.
    #[inline]
    pub fn event(&self, id: Id, act: impl FnOnce(&mut Worker<H, B>) -> Want) -> Want {
        let want = self.on_worker(act);
        // Its own event may have been followed by another change, such as a region that it waited for.
        self.0.seats.borrow_mut().take_change(id).unwrap_or(want)
    }

    /// Uses the worker, and wakes whom that concerns.
    #[inline]
    pub(crate) fn on_worker<R>(&self, act: impl FnOnce(&mut Worker<H, B>) -> R) -> R {
        let tasks = self.0;
        let mut worker = tasks.worker.borrow_mut();
        let unharmed = Unharmed(tasks);
        let result = act(&mut worker);
        while let Some((id, want)) = worker.next_changed() {
            tasks.seats.borrow_mut().change(id, want);
        }
        std::mem::forget(unharmed);
        let next_ms = worker.next_ms().unwrap_or(u64::MAX);
        if next_ms < tasks.sleeps_until_ms.get() {
            tasks.sleeps_until_ms.set(next_ms);
            wake(&tasks.timekeeper);
        }
        result
    }
}

/// Dropped only when a handler panics.
struct Unharmed<'t, H: Handler, B: Buffers, N>(&'t Tasks<H, B, N>);

impl<H: Handler, B: Buffers, N> Drop for Unharmed<'_, H, B, N> {
    fn drop(&mut self) {
        self.0.failed.set(true);
        wake(&self.0.main);
    }
}
