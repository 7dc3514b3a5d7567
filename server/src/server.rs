//! Starting the workers, and stopping them.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use orthant_core::{Counters, Handler, Worker};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::access::{Access, Logged};
use crate::admin::{self, Admin};
use crate::clock;
use crate::design::{self, Chosen, Design, backend};
use crate::error::Error;
use crate::listen::Listen;
use crate::listeners::Places;
use crate::metrics;
use crate::needs::Needs;
use crate::options::Options;
use crate::resting::Resting;
use crate::watch::Watch;

/// A running server. Dropping it leaves its workers running; `stop` and `wait` end it.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<Listen>,
    /// Its sending direction is closed to stop the workers, who hold the other end.
    stop: Arc<UnixStream>,
    workers: Vec<JoinHandle<io::Result<()>>>,
    watch: Arc<Watch>,
    access: Option<Access>,
    admin: Option<Admin>,
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
        let mut server = Server::start_then(options, handler, || {})?;
        server.begin_logs();
        Ok(server)
    }

    /// The same; `after` runs when a worker has ended, on its thread. The access log waits to be told to begin.
    pub(crate) fn start_then<H>(
        options: Options,
        handler: H,
        after: impl Fn() + Clone + Send + 'static,
    ) -> Result<Server, Error>
    where
        H: Handler + Clone + Send + 'static,
    {
        options.limits.check().map_err(Error::Limits)?;
        design::begin();
        let cpus = cpus()?;
        let workers = options.workers.unwrap_or(cpus.len()).max(1);
        let places = Places::find(&options.listen)?;
        let needs = Needs::new(&options, workers, &places);
        raise_descriptors(needs.descriptors(options.limits.connections_max))
            .map_err(starting("raise the limit of descriptors (RLIMIT_NOFILE)"))?;
        needs.check()?;
        let connections_max = needs.connections();
        let admin = options.admin.map(admin::listen).transpose()?;
        let listeners = places.listen(workers, &options.limits)?;
        let files = Arc::new(listeners.files);
        let (stop, stopped) = UnixStream::pair().map_err(starting("make a pair of sockets"))?;
        let stopped = Arc::new(stopped);
        let (ready, readied) = mpsc::channel();
        let log = options.access_log.as_ref();
        let access = log.map(|log| Access::start(log, workers)).transpose()?;
        let shared = access.as_ref().map(|access| access.shared.clone());
        let mut server = Server {
            addresses: listeners.addresses,
            stop: Arc::new(stop),
            workers: Vec::new(),
            watch: Arc::new(Watch::new(connections_max, shared)),
            access,
            admin: None,
        };
        for (index, listeners) in listeners.each.into_iter().enumerate() {
            let (stop, stopped, after) = (server.stop.clone(), stopped.clone(), after.clone());
            let (ready, watch, files) = (ready.clone(), server.watch.clone(), files.clone());
            let (handler, mut options) = (handler.clone(), options.clone());
            options.limits.connections_max = connections_max;
            let access = server.access.as_ref();
            let queue = access.map(|access| access.shared.queues[index].clone());
            let cpu = cpus[index % cpus.len()];
            let work = move || {
                let mut end = End {
                    stop,
                    watch,
                    after,
                    well: false,
                };
                let ready = move |counters| {
                    let sent = ready.send((index, counters));
                    sent.expect("the server waits for it");
                };
                // Without an access log nothing of it is in the way.
                let result = match queue {
                    None => run(listeners, handler, &options, cpu, &stopped, ready),
                    Some(queue) => {
                        let handler = Logged::new(handler, queue);
                        run(listeners, handler, &options, cpu, &stopped, ready)
                    }
                };
                end.well = result.is_ok();
                // With the last worker the files go.
                drop(files);
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
        drop((ready, files));
        // It ends when each has said that it is ready, or has failed.
        let mut readied: Vec<(usize, Arc<Counters>)> = readied.iter().collect();
        if readied.len() == workers {
            readied.sort_unstable_by_key(|(index, _)| *index);
            let counters = readied.into_iter().map(|(_, counters)| counters).collect();
            server.watch.ready(counters);
            let server = server.with_admin(admin)?;
            if let Some(sentence) = needs.fewer_connections() {
                log::warn!("{sentence}");
            }
            return Ok(server);
        }
        server.stop()?;
        Err(match server.wait() {
            Err(Error::Worker(refused)) => Error::Unavailable(needs.refused(&refused)),
            ended => ended.expect_err("a worker that was never ready has failed"),
        })
    }

    /// The same with the admin address, where one is wanted.
    fn with_admin(mut self, listener: Option<TcpListener>) -> Result<Server, Error> {
        match listener.map(|listener| Admin::start(listener, self.watch.clone())) {
            None => Ok(self),
            Some(Ok(admin)) => {
                self.admin = Some(admin);
                Ok(self)
            }
            Some(Err(error)) => {
                self.stop()?;
                self.wait()?;
                Err(error)
            }
        }
    }

    /// Where it listens, ports filled in, in the order of the options.
    pub fn addresses(&self) -> &[Listen] {
        &self.addresses
    }

    /// The first TCP address of those.
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses.iter().find_map(|address| match address {
            Listen::Tcp(address) => Some(*address),
            _ => None,
        })
    }

    /// The admin address, its port filled in, where there is one.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// What each worker counts: it goes on counting, and may be read at any time.
    pub fn counters(&self) -> &[Arc<Counters>] {
        self.watch.counters()
    }

    /// What `/metrics` of the admin address answers: OpenMetrics text.
    pub fn metrics(&self) -> String {
        metrics::text(&self.watch, &Design::of_this_build())
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
        self.watch.stop();
        self.stop
            .shutdown(Shutdown::Write)
            .map_err(starting("signal the workers to stop"))
    }

    /// Lets the access log be written: what is to come before its lines has come.
    pub(crate) fn begin_logs(&mut self) {
        if let Some(access) = &mut self.access {
            access.begin();
        }
    }

    /// Opens the access log anew, as after its file was moved away; does nothing where there is none. Returns when that is
    /// done, or after a second, with a warning.
    pub fn reopen_logs(&self) {
        if let Some(access) = &self.access {
            access.reopen();
        }
    }

    /// Waits until all workers have ended.
    ///
    /// # Errors
    /// The first worker's that failed.
    pub fn wait(self) -> Result<(), Error> {
        let results: Vec<_> = self.workers.into_iter().map(JoinHandle::join).collect();
        if let Some(access) = self.access {
            access.end();
        }
        if let Some(admin) = self.admin {
            admin.end();
        }
        results.into_iter().try_for_each(|result| match result {
            Ok(result) => result.map_err(Error::Worker),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

/// `listening on 127.0.0.1:8080 and unix:/run/a.sock, 2 workers`
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.addresses.iter().map(Listen::to_string).collect();
        let (addresses, workers) = (addresses.join(" and "), self.workers());
        let noun = if workers == 1 { "worker" } else { "workers" };
        write!(f, "listening on {addresses}, {workers} {noun}")
    }
}

/// The end of a worker, also by a panic of its handler.
struct End<F: Fn()> {
    stop: Arc<UnixStream>,
    watch: Arc<Watch>,
    after: F,
    well: bool,
}

impl<F: Fn()> Drop for End<F> {
    fn drop(&mut self) {
        log::debug!("a worker has ended");
        // One failed: the others are told to stop, so that the failure is seen and nothing limps on.
        if !self.well {
            self.watch.stop();
            if let Err(error) = self.stop.shutdown(Shutdown::Write) {
                log::error!("failed to stop the other workers: {error}");
            }
        }
        (self.after)();
    }
}

/// One worker, from its first to its last connection.
fn run<H: Handler + 'static>(
    listeners: Vec<OwnedFd>,
    handler: H,
    options: &Options,
    cpu: usize,
    stop: &UnixStream,
    ready: impl FnOnce(Arc<Counters>),
) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set)
        .map_err(|error| io::Error::other(format!("failed to bind it to CPU {cpu}: {error}")))?;
    let handler = Resting::new(handler, design::collect);
    let worker = Worker::<_, Chosen>::new(handler, options.limits.clone(), clock::now());
    let connections = options.limits.connections_max;
    log::debug!("a worker runs on CPU {cpu} and opens {connections} connections at most");
    let counters = worker.counters().clone();
    let ready = move || ready(counters);
    let tuning = &options.tuning;
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
