//! What can be set of this backend at start, and what a worker takes of what the kernel limits.

use orthant_core::{Needs, TASK_BYTES, ring_bytes, setting};

/// Lockable memory that glommio demands before it makes a ring (`Reactor::new`).
const LOCKABLE_BYTES: usize = 512 * 1024;

/// Memory for files that glommio registers with each of its rings.
const FILE_BYTES: usize = 64 * 1024;

/// The settings, with their defaults.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Bytes of the receive buffer that the connections of a worker share.
    pub receive_bytes: usize,
    /// Entries of the submission queue of each of the three rings of a worker.
    pub ring_entries: usize,
    /// Milliseconds after which the runtime looks for events although tasks could still run.
    pub preempt_ms: u64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            receive_bytes: 64 * 1024,
            ring_entries: 128,
            preempt_ms: 100,
        }
    }
}

impl Tuning {
    /// What a worker takes: a copy of the stop signal, three rings, an eventfd; and of each listener a copy, while it is
    /// waited for. A fourth ring is tried before; the kernel takes its time to give that back, and one more by which
    /// glommio asks.
    pub fn needs(&self) -> Needs {
        let ring_bytes = ring_bytes(self.ring_entries, 2 * self.ring_entries);
        Needs {
            locked_bytes: 5 * ring_bytes + 3 * FILE_BYTES,
            lockable_bytes: LOCKABLE_BYTES,
            own_bytes: self.receive_bytes,
            connection_bytes: TASK_BYTES,
            linux: "5.8",
            listener_descriptors: 2,
            ..Needs::descriptors(5)
        }
    }

    /// The names that `set` knows, with what they mean.
    pub const NAMES: &'static [(&'static str, &'static str)] = &[
        (
            "receive-bytes",
            "bytes of the receive buffer that a worker's connections share (65536)",
        ),
        (
            "ring-entries",
            "entries of the queue of each of a worker's three rings, a power of two (128)",
        ),
        (
            "preempt-ms",
            "milliseconds that tasks run before the runtime looks for events (100)",
        ),
    ];

    /// Sets one of them by name.
    ///
    /// # Errors
    /// A sentence that says which names or values there are.
    pub fn set(&mut self, name: &str, value: usize) -> Result<(), String> {
        match name {
            "receive-bytes" => self.receive_bytes = setting::number(name, value, 1024..=1 << 24)?,
            "ring-entries" => self.ring_entries = setting::power_of_two(name, value, 8..=4096)?,
            "preempt-ms" => self.preempt_ms = setting::number(name, value, 1..=10_000)? as u64,
            _ => return Err(setting::unknown(name, Tuning::NAMES)),
        }
        Ok(())
    }
}
