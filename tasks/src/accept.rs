//! Accepting, until it is told to stop, and through times in which the kernel refuses.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Buffers, Handler, Id, Now};

use crate::Tasks;

/// How long accepting rests when the kernel refuses (no descriptors, no memory).
const REST: Duration = Duration::from_millis(100);

impl<H: Handler, B: Buffers, N: Fn() -> Now> Tasks<H, B, N> {
    /// Accepts by `accept` and begins to `serve` what it gave, until `stop` is over; then who has connected already, by
    /// `accept_now`, which does not wait. A socket that is not wanted is closed by being dropped.
    ///
    /// # Errors
    /// When the listener, or `stop`, is unfit for use.
    pub async fn accept<S, R: Future>(
        &self,
        accept: impl AsyncFn() -> io::Result<S>,
        accept_now: impl Fn() -> io::Result<S>,
        stop: impl Future<Output = io::Result<()>>,
        sleep: impl Fn(Duration) -> R,
        serve: impl Fn(Id, S),
    ) -> io::Result<()> {
        let serve = |socket| {
            if let Some(id) = self.open() {
                serve(id, socket);
            }
        };
        let mut stop = pin!(stop);
        let stopped = loop {
            match self.unless(stop.as_mut(), accept()).await {
                Err(stopped) => break stopped,
                Ok(Ok(socket)) => serve(socket),
                Ok(Err(error)) => match error.raw_os_error().unwrap_or_default() {
                    libc::EBADF | libc::EINVAL | libc::ENOTSOCK => return Err(error),
                    // No room: there may be some in a while. Whatever else is said concerns one connection (accept(2)).
                    libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => {
                        if let Err(stopped) = self.unless(stop.as_mut(), sleep(REST)).await {
                            break stopped;
                        }
                    }
                    _ => {}
                },
            }
        };
        for _ in 0..BACKLOG_MAX {
            match accept_now() {
                Ok(socket) => serve(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Whatever it says: the next one may do better.
                Err(_) => {}
            }
        }
        stopped
    }

    /// What `future` comes to, unless `stop` is over before.
    async fn unless<S: Future, F: Future>(
        &self,
        mut stop: Pin<&mut S>,
        future: F,
    ) -> Result<F::Output, S::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            self.wait_as_main(context);
            if let Poll::Ready(stopped) = stop.as_mut().poll(context) {
                return Poll::Ready(Err(stopped));
            }
            future.as_mut().poll(context).map(Ok)
        })
        .await
    }
}
