//! Accepting from all listeners of a worker, until it is told to stop: only while the worker wants connections, and through
//! times in which the kernel refuses. Whoever cannot be accepted stays in the kernel's queue.
//!
//! Sockets are accepted by a system call of our own, from listeners of any family: runtimes lose a connection whose accept
//! is given up, and some demand an address of IP. So a runtime only says when somebody may be there.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use orthant_core::{BACKLOG_MAX, Buffers, Ended, Handler, Id, Now, REST_MS, Refused};
use rustix::net::{SocketFlags, accept_with, acceptfrom_with};

use crate::Tasks;

/// How often a listener is asked before the other listeners, the runtime's tasks and the kernel have their turn.
const TURN_ACCEPTS: u32 = 16;

/// A listening socket in non-blocking mode, as a runtime waits for it.
pub trait Listener: AsFd {
    /// Whether a socket that is accepted has to be in non-blocking mode too.
    const NONBLOCKING: bool;

    /// Waits until somebody may be there. It begins after nobody was, and may end without anybody.
    fn wait(&self) -> impl Future<Output = io::Result<()>>;

    /// Lets the kernel and other tasks have their turn, where somebody may be there and need not be.
    fn turn(&self) -> impl Future<Output = io::Result<()>>;
}

impl<H: Handler, B: Buffers, N: Fn() -> Now> Tasks<H, B, N> {
    /// Accepts from the listeners and begins to `serve` what they gave, until `stop` is over; then who has connected
    /// already, without waiting. A socket that is not wanted, or cannot be served, is closed by being dropped.
    ///
    /// # Errors
    /// When a listener, or `stop`, is unfit for use.
    pub async fn accept<L: Listener, R: Future>(
        &self,
        listeners: &[L],
        stop: impl Future<Output = io::Result<()>>,
        sleep: impl Fn(Duration) -> R,
        serve: impl Fn(Id, OwnedFd) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut stop = pin!(stop);
        let served = Cell::new(false);
        let serve = |id, socket| {
            served.set(true);
            serve(id, socket)
        };
        let accept = |listener| Box::pin(self.accept_from(listener, &sleep, &serve));
        let mut accepting: Vec<_> = listeners.iter().map(accept).collect();
        let stopped = poll_fn(|context| {
            self.wait_as_main(context);
            if let Poll::Ready(stopped) = stop.as_mut().poll(context) {
                return Poll::Ready(stopped);
            }
            // The last that gave somebody comes last: there may not be room for all.
            let mut given = 0;
            for (index, accepting) in accepting.iter_mut().enumerate() {
                if let Poll::Ready(error) = accepting.as_mut().poll(context) {
                    return Poll::Ready(Err(error));
                }
                if served.take() {
                    given = index + 1;
                }
            }
            accepting.rotate_left(given);
            Poll::Pending
        })
        .await;
        drop(accepting);
        for listener in listeners {
            for _ in 0..BACKLOG_MAX {
                if self.worker.borrow().room() == 0 {
                    break;
                }
                match self.accept_one(listener, &serve) {
                    Err(error) if Refused::from(&error) != Refused::Connection => {
                        // Nobody is left, or nobody else can be accepted.
                        break;
                    }
                    _ => {}
                }
            }
        }
        stopped
    }

    /// Accepts from one listener for as long as it is fit for use.
    async fn accept_from<L: Listener, R: Future>(
        &self,
        listener: &L,
        sleep: &impl Fn(Duration) -> R,
        serve: &impl Fn(Id, OwnedFd) -> io::Result<()>,
    ) -> io::Error {
        let mut asked: u32 = 0;
        loop {
            self.wanted().await;
            asked = asked.wrapping_add(1);
            let done = match self.accept_one(listener, serve) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => listener.wait().await,
                done => done,
            };
            let rests = match done {
                Ok(()) => false,
                Err(error) => match Refused::from(&error) {
                    Refused::Connection => false,
                    Refused::Listener => return error,
                    Refused::Now => true,
                },
            };
            if rests {
                self.worker.borrow().counters().accept_rests.add(1);
                self.rest(sleep).await;
            }
            // What has ended, the kernel may close within such a turn only.
            if (rests || asked.is_multiple_of(TURN_ACCEPTS))
                && let Err(error) = listener.turn().await
                && Refused::from(&error) == Refused::Listener
            {
                return error;
            }
        }
    }

    /// Accepts a connection that is there, and begins to serve it.
    fn accept_one<L: Listener>(
        &self,
        listener: &L,
        serve: &impl Fn(Id, OwnedFd) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut flags = SocketFlags::CLOEXEC;
        flags.set(SocketFlags::NONBLOCK, L::NONBLOCKING);
        let (socket, peer) = if H::PEERS {
            let (socket, peer) = acceptfrom_with(listener, flags)?;
            (
                socket,
                peer.and_then(|peer| SocketAddr::try_from(peer).ok()),
            )
        } else {
            (accept_with(listener, flags)?, None)
        };
        let Some(id) = self.open(peer) else {
            return Ok(());
        };
        serve(id, socket).inspect_err(|_| self.ended(id, Ended::Broken))
    }

    /// Waits until the worker is accepting.
    async fn wanted(&self) {
        poll_fn(|_| {
            if self.worker.borrow().accepting() {
                return Poll::Ready(());
            }
            self.awaits_end.set(true);
            Poll::Pending
        })
        .await;
    }

    /// Waits until a connection ends, but not for long: what the kernel lacked may come free elsewhere.
    async fn rest<R: Future>(&self, sleep: &impl Fn(Duration) -> R) {
        let ends = self.ends.get();
        let mut sleep = pin!(sleep(Duration::from_millis(REST_MS)));
        poll_fn(|context| {
            if self.ends.get() != ends {
                return Poll::Ready(());
            }
            self.awaits_end.set(true);
            sleep.as_mut().poll(context).map(drop)
        })
        .await;
    }
}
