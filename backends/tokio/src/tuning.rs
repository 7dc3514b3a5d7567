//! What can be set of this backend at start, and what a worker takes of what the kernel limits.

use orthant_core::{Needs, TASK_BYTES, setting};

/// Bytes of an event of the kernel's (`struct epoll_event`).
const EVENT_BYTES: usize = 12;

/// The settings, with their defaults.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Bytes of the receive buffer that the connections of a worker share.
    pub receive_bytes: usize,
    /// Events that the runtime takes from the kernel by one wait.
    pub events: usize,
    /// How many tasks run before the runtime looks for new events.
    pub event_interval: u32,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            receive_bytes: 64 * 1024,
            events: 256,
            event_interval: 61,
        }
    }
}

impl Tuning {
    /// What a worker takes: a copy of the stop signal, the epoll instance and a copy of it, its waker.
    pub fn needs(&self) -> Needs {
        Needs {
            own_bytes: self.receive_bytes + self.events * EVENT_BYTES,
            connection_bytes: TASK_BYTES,
            ..Needs::descriptors(4)
        }
    }

    /// The names that `set` knows, with what they mean.
    pub const NAMES: &'static [(&'static str, &'static str)] = &[
        (
            "receive-bytes",
            "bytes of the receive buffer that a worker's connections share (65536)",
        ),
        ("events", "events taken from the kernel by one wait (256)"),
        (
            "event-interval",
            "tasks that run before the runtime looks for events (61)",
        ),
    ];

    /// Sets one of them by name.
    ///
    /// # Errors
    /// A sentence that says which names or values there are.
    pub fn set(&mut self, name: &str, value: usize) -> Result<(), String> {
        match name {
            "receive-bytes" => self.receive_bytes = setting::number(name, value, 1024..=1 << 24)?,
            "events" => self.events = setting::number(name, value, 1..=65_536)?,
            "event-interval" => {
                self.event_interval = setting::number(name, value, 1..=65_536)? as u32
            }
            _ => return Err(setting::unknown(name, Tuning::NAMES)),
        }
        Ok(())
    }
}
