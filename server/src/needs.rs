//! What all workers of a server take of what the kernel limits, and what is said where it is too much: the number, the
//! limit, the command, in the same words for every backend. What one worker takes its backend computes.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::admin;
use crate::design::backend;
use crate::error::Error;
use crate::listeners::Places;
use crate::options::Options;

/// Descriptors of the process besides those of its workers: the standard three, the signals, the stop signal, and some
/// that it may have been started with.
const PROCESS_DESCRIPTORS: usize = 16;

/// What a server takes of what the kernel limits.
pub(crate) struct Needs<'a> {
    options: &'a Options,
    workers: usize,
    worker: orthant_core::Needs,
    /// How many listeners a worker has.
    listeners: usize,
    /// How many descriptors the process was started with for them.
    inherited: usize,
}

impl<'a> Needs<'a> {
    pub(crate) fn new(options: &'a Options, workers: usize, places: &Places) -> Needs<'a> {
        Needs {
            options,
            workers,
            worker: options.tuning.needs(),
            listeners: places.count(),
            inherited: places.inherited_count(),
        }
    }

    /// Descriptors with so many connections to each worker.
    pub(crate) fn descriptors(&self, connections: usize) -> usize {
        let listeners = self.listeners * self.worker.listener_descriptors;
        let each = self.worker.descriptors + listeners + connections;
        let admin = self.options.admin.map_or(0, |_| admin::DESCRIPTORS);
        // The file, and the one that takes its place.
        let log = self.options.access_log.as_ref().map_or(0, |_| 2);
        PROCESS_DESCRIPTORS + self.inherited + admin + log + self.workers * each
    }

    fn locked_kib(&self) -> u64 {
        let locked = self.workers * self.worker.locked_bytes;
        (locked.max(self.worker.lockable_bytes) as u64).div_ceil(1024)
    }

    /// Compares with what is a limit in any case. Whether rings count as locked memory, and how much of it other programs
    /// have, only the kernel knows.
    ///
    /// # Errors
    /// What is missing, and what to do.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let enough =
            |limit: Resource, needed| getrlimit(limit).current.is_none_or(|most| most >= needed);
        if !enough(Resource::Nofile, self.descriptors(1) as u64) {
            return Err(Error::Unavailable(self.open_more()));
        }
        if !enough(Resource::Memlock, self.worker.lockable_bytes as u64) {
            return Err(Error::Unavailable(self.lock_more()));
        }
        Ok(())
    }

    /// How many connections each worker may have: as many as are wanted, or as there are descriptors for. A worker that
    /// knows its limit makes room and keeps order; one that the kernel refuses can only wait.
    pub(crate) fn connections(&self) -> usize {
        let left = descriptors_max().saturating_sub(self.descriptors(0) as u64);
        let affordable = usize::try_from(left / self.workers as u64).unwrap_or(usize::MAX);
        self.options.limits.connections_max.min(affordable)
    }

    /// What to say where those are fewer.
    pub(crate) fn fewer_connections(&self) -> Option<String> {
        let (wanted, connections) = (self.options.limits.connections_max, self.connections());
        (connections < wanted).then(|| {
            format!(
                "{} may have {connections} connections each instead of {wanted}, since the limit of descriptors is {}: {}, \
                 or lower --limit connections-max",
                self.workers(),
                descriptors_max(),
                raise(self.descriptors(wanted)),
            )
        })
    }

    /// What to do where the kernel refused what a worker begins with.
    pub(crate) fn refused(&self, error: &io::Error) -> String {
        let linux = self.worker.linux;
        match Errno::from_io_error(error) {
            Some(Errno::MFILE) => self.open_more(),
            _ if self.worker.locked_bytes == 0 => format!("failed to start a worker: {error}"),
            Some(Errno::PERM) => {
                "io_uring is denied here: set the sysctl kernel.io_uring_disabled to 0, or allow io_uring_setup in the \
                 seccomp profile of the container, or choose a design with the backend epoll"
                    .to_owned()
            }
            Some(Errno::NOSYS) => format!(
                "this kernel has no io_uring: run Linux {linux} or newer, or choose a design with the backend epoll"
            ),
            Some(Errno::INVAL) => format!(
                "this kernel's io_uring is too old: run Linux {linux} or newer, or choose a design with the backend epoll"
            ),
            Some(Errno::NOMEM) => self.lock_more(),
            _ => format!("failed to start a worker: {error}; choose a design with the backend epoll"),
        }
    }

    fn open_more(&self) -> String {
        let connections = self.options.limits.connections_max;
        format!(
            "{} with the backend {} need {} descriptors at least, and the limit is {}: {}, which is enough for \
             {connections} connections to each, or by less, or start fewer by --workers",
            self.workers(),
            backend::NAME,
            self.descriptors(1),
            descriptors_max(),
            raise(self.descriptors(connections)),
        )
    }

    /// Programs of the same user may have locked all that the limit allows, so what is needed comes on top.
    fn lock_more(&self) -> String {
        let most_kib = getrlimit(Resource::Memlock).current.unwrap_or(0) / 1024;
        format!(
            "{} with the backend {} need {} KiB of lockable memory, and all programs of a user share the {most_kib} KiB \
             that are the limit: raise it by `ulimit -l {}`, or the memory of the container, start fewer by --workers, \
             lower --tune ring-entries, or choose a design with the backend epoll",
            self.workers(),
            backend::NAME,
            self.locked_kib(),
            most_kib + self.locked_kib(),
        )
    }

    fn workers(&self) -> String {
        let noun = if self.workers == 1 {
            "worker"
        } else {
            "workers"
        };
        format!("{} {noun}", self.workers)
    }
}

fn descriptors_max() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How to have so many descriptors. Above the hard limit only whoever starts the server can raise it.
fn raise(descriptors: usize) -> String {
    let hard = getrlimit(Resource::Nofile).maximum;
    let by = match hard.is_some_and(|hard| hard < descriptors as u64) {
        true => ", which takes privileges, LimitNOFILE= of systemd or --ulimit nofile= of docker",
        false => "",
    };
    format!("raise it by `ulimit -n {descriptors}`{by}")
}
