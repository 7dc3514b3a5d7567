//! Accepting, until it is told to stop, and through times in which the kernel refuses.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Buffers, Handler, Id, Now, REST_MS, Refused};

use crate::Tasks;

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
                Ok(Err(error)) => match Refused::from(&error) {
                    Refused::Connection => {}
                    Refused::Listener => return Err(error),
                    Refused::Now => {
                        let rest = sleep(Duration::from_millis(REST_MS));
                        if let Err(stopped) = self.unless(stop.as_mut(), rest).await {
                            break stopped;
                        }
                    }
                },
            }
        };
        for _ in 0..BACKLOG_MAX {
            match accept_now() {
                Ok(socket) => serve(socket),
                Err(error) if Refused::from(&error) == Refused::Connection => {}
                // Nobody is left, or nobody else can be accepted.
                Err(_) => break,
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
