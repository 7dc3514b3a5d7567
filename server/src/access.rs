//! The access log: one line for each request that is over, written by a thread of its own.
//!
//! ```text
//!  worker ── Logged: a record of some words ──▶ Queue ──▶ writer: lines, in batches ──▶ file, pipe, standard output
//! ```
//! A worker copies a record into a queue of its own and goes on: no lock, no system call, no allocation, and where the queue
//! is full the record is dropped and counted. Whatever the file does, be it slow, full or gone, is the writer's to bear: it
//! is told once on the server's own log, what is lost is counted, and ending waits for it only so long.

mod logged;
mod queue;
mod record;
mod sink;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use orthant_core::Count;

use crate::error::Error;
use crate::format::Format;

pub(crate) use logged::Logged;
pub(crate) use queue::Queue;

use sink::Sink;
use writer::Writer;

/// What ending waits for at most: a disk that is slow, not a pipe that nobody reads.
const END: Duration = Duration::from_secs(1);

/// Where lines about requests go, and how they look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// The file that lines are appended to; `None` is standard output.
    pub path: Option<PathBuf>,
    /// How they look.
    pub format: Format,
}

/// What the workers, the writer and whoever looks on share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// One for each worker.
    pub(crate) queues: Vec<Arc<Queue>>,
    /// Lines that could not be written, by the writer's count.
    pub(crate) lost: Count,
    /// How often it was asked to open its file anew, and how far that is done.
    reopens_asked: AtomicU64,
    reopens_done: AtomicU64,
    end: AtomicBool,
}

impl Shared {
    pub(crate) fn new(workers: usize) -> Shared {
        Shared {
            queues: (0..workers).map(|_| Arc::default()).collect(),
            lost: Count::default(),
            reopens_asked: AtomicU64::new(0),
            reopens_done: AtomicU64::new(0),
            end: AtomicBool::new(false),
        }
    }
}

/// Bytes that it takes for each worker.
pub(crate) const fn worker_bytes(connections_max: usize) -> usize {
    Queue::BYTES + Logged::<()>::peers_bytes(connections_max)
}

/// An access log that is being written.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) shared: Arc<Shared>,
    /// Its end is what the writer waits for to begin.
    held: Option<Sender<()>>,
    /// It ends with the writer.
    ended: Receiver<()>,
}

impl Access {
    /// Opens it, and starts the thread that writes once it is told to begin; until then lines wait in the queues.
    ///
    /// # Errors
    /// What cannot be opened, and what to do.
    pub(crate) fn start(log: &AccessLog, workers: usize) -> Result<Access, Error> {
        let failed = |source| Error::AccessLog {
            path: log.path.clone(),
            source,
        };
        let shared = Arc::new(Shared::new(workers));
        let sink = Sink::open(log.path.clone()).map_err(failed)?;
        let writer = Writer::new(shared.clone(), sink, log.format);
        let (alive, ended) = mpsc::channel::<()>();
        let (held, begun) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("access-log".into())
            .spawn(move || {
                // Nothing is ever sent: it begins when the other end goes.
                begun.into_iter().for_each(drop);
                writer.run();
                drop(alive);
            })
            .map_err(failed)?;
        let held = Some(held);
        Ok(Access {
            shared,
            held,
            ended,
        })
    }

    /// Lets lines be written.
    pub(crate) fn begin(&mut self) {
        self.held = None;
    }

    /// Opens the file anew, as after it was moved away. Waits until the writer has done so, but not for long.
    pub(crate) fn reopen(&self) {
        let asked = self.shared.reopens_asked.fetch_add(1, Ordering::Relaxed) + 1;
        let begun = Instant::now();
        while self.shared.reopens_done.load(Ordering::Acquire) < asked {
            let ended = self.ended.recv_timeout(writer::REST / 4);
            if begun.elapsed() > END || ended == Err(mpsc::RecvTimeoutError::Disconnected) {
                log::warn!(
                    "the access log is not opened anew yet: its writer is busy, or has ended"
                );
                return;
            }
        }
    }

    /// Writes what the workers, who have ended, have left, as far as that is possible within a moment.
    pub(crate) fn end(mut self) {
        self.begin();
        self.shared.end.store(true, Ordering::Release);
        // Nothing is ever sent: it ends when the writer does.
        if self.ended.recv_timeout(END) == Err(mpsc::RecvTimeoutError::Timeout) {
            log::warn!("the access log takes nothing more: its last lines are lost");
        }
        let dropped: u64 = self
            .shared
            .queues
            .iter()
            .map(|queue| queue.dropped.get())
            .sum();
        let lost = dropped + self.shared.lost.get();
        if lost > 0 {
            log::warn!(
                "{lost} lines of the access log were lost, {dropped} of them since it was too slow"
            );
        }
    }
}
