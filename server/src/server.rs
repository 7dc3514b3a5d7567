//! Starting the workers, and stopping them.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use orthant_core::{Handler, Worker};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::clock;
use crate::design::{Chosen, backend};
use crate::error::Error;
use crate::listeners::listeners;
use crate::needs::Needs;
use crate::options::Options;

/// A running server. Dropping it leaves its workers running; `stop` and `wait` end it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Its sending direction is closed to stop the workers, who hold the other end.
    stop: Arc<UnixStream>,
    workers: Vec<JoinHandle<io::Result<()>>>,
}

impl Server {
    /// Listens, and starts the workers, each with a copy of the handler; returns when all are ready. Raises the limit of
    /// descriptors of the process (RLIMIT_NOFILE) to what they may need, as far as its hard limit allows.
    ///
    /// # Errors
    /// What is missing, and what to do. Nothing is left running.
    pub fn start<H>(options: Options, handler: H) -> Result<Server, Error>
    where
        H: Handler + Clone + Send + 'static,
    {
        Server::start_then(options, handler, || {})
    }

    /// The same; `after` runs when a worker has ended, on its thread.
    pub(crate) fn start_then<H>(
        options: Options,
        handler: H,
        after: impl Fn() + Clone + Send + 'static,
    ) -> Result<Server, Error>
    where
        H: Handler + Clone + Send + 'static,
    {
        options.limits.check().map_err(Error::Limits)?;
        let cpus = cpus()?;
        let workers = options.workers.unwrap_or(cpus.len()).max(1);
        let needs = Needs::new(&options, workers);
        raise_descriptors(needs.descriptors(options.limits.connections_max))
            .map_err(starting("raise the limit of descriptors (RLIMIT_NOFILE)"))?;
        needs.check()?;
        let listeners = listeners(options.listen, workers, &options.limits)?;
        let address = listeners[0]
            .local_addr()
            .map_err(starting("read the address listened on"))?;
        let (stop, stopped) = UnixStream::pair().map_err(starting("make a pair of sockets"))?;
        let stopped = Arc::new(stopped);
        let (ready, readied) = mpsc::channel();
        let mut server = Server {
            address,
            stop: Arc::new(stop),
            workers: Vec::new(),
        };
        for (index, listener) in listeners.into_iter().enumerate() {
            let (stop, stopped, after) = (server.stop.clone(), stopped.clone(), after.clone());
            let ready = ready.clone();
            let (handler, options) = (handler.clone(), options.clone());
            let cpu = cpus[index % cpus.len()];
            let work = move || {
                let mut end = End {
                    stop,
                    after,
                    well: false,
                };
                let result = run(listener, handler, &options, cpu, &stopped, ready);
                end.well = result.is_ok();
                result
            };
            let spawned = thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(work);
            match spawned {
                Ok(worker) => server.workers.push(worker),
                Err(source) => {
                    server.stop()?;
                    server.wait()?;
                    return Err(Error::Start {
                        what: "start a worker's thread",
                        source,
                    });
                }
            }
        }
        drop(ready);
        // It ends when each has said that it is ready, or has failed.
        if readied.iter().count() == workers {
            return Ok(server);
        }
        server.stop()?;
        Err(match server.wait() {
            Err(Error::Worker(refused)) => Error::Unavailable(needs.refused(&refused)),
            ended => ended.expect_err("a worker that was never ready has failed"),
        })
    }

    /// The address listened on, its port filled in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Tells the workers to stop: they serve whoever has connected already, accept no more, and finish what is under way,
    /// within the limit `drain_timeout_ms`.
    ///
    /// # Errors
    /// What the kernel said to the signal.
    pub fn stop(&self) -> Result<(), Error> {
        self.stop
            .shutdown(Shutdown::Write)
            .map_err(starting("signal the workers to stop"))
    }

    /// Waits until all workers have ended.
    ///
    /// # Errors
    /// The first worker's that failed.
    pub fn wait(self) -> Result<(), Error> {
        let results: Vec<_> = self.workers.into_iter().map(JoinHandle::join).collect();
        results.into_iter().try_for_each(|result| match result {
            Ok(result) => result.map_err(Error::Worker),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

/// The end of a worker, also by a panic of its handler.
struct End<F: Fn()> {
    stop: Arc<UnixStream>,
    after: F,
    well: bool,
}

impl<F: Fn()> Drop for End<F> {
    fn drop(&mut self) {
        // One failed: the others are told to stop, so that the failure is seen and nothing limps on.
        if !self.well
            && let Err(error) = self.stop.shutdown(Shutdown::Write)
        {
            eprintln!("orthant: failed to stop the other workers: {error}");
        }
        (self.after)();
    }
}

/// One worker, from its first to its last connection.
fn run<H: Handler + 'static>(
    listener: TcpListener,
    handler: H,
    options: &Options,
    cpu: usize,
    stop: &UnixStream,
    ready: mpsc::Sender<()>,
) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set)
        .map_err(|error| io::Error::other(format!("failed to bind it to CPU {cpu}: {error}")))?;
    let worker = Worker::<H, Chosen>::new(handler, options.limits.clone(), clock::now());
    let ready = move || ready.send(()).expect("the server waits for it");
    let tuning = &options.tuning;
    let listeners = vec![listener.into()];
    backend::run(worker, listeners, stop.as_fd(), clock::now, ready, tuning)
}

/// Lets the process open so many descriptors, or as many as it may be allowed without privileges (getrlimit(2)).
fn raise_descriptors(wanted: usize) -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(wanted as u64);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    limit.current = Some(wanted);
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// The CPUs that this process may use.
fn cpus() -> Result<Vec<usize>, Error> {
    let set = sched_getaffinity(None).map_err(starting("read the CPUs this process may use"))?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .collect())
}

fn starting<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> Error {
    move |source| Error::Start {
        what,
        source: source.into(),
    }
}
