//! What can be set of this backend at start, and what a worker takes of what the kernel limits.

use orthant_core::{Needs, setting};

/// Bytes that a socket takes at most, in a table that may be half empty.
pub(crate) const SOCKET_BYTES: usize = 64;

/// The settings, with their defaults.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Bytes of the receive buffer that the connections of a worker share.
    pub receive_bytes: usize,
    /// Events taken from the kernel by one wait.
    pub events: usize,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            receive_bytes: 64 * 1024,
            events: 256,
        }
    }
}

impl Tuning {
    /// What a worker takes: the epoll instance.
    pub fn needs(&self) -> Needs {
        Needs {
            own_bytes: self.receive_bytes + self.events * size_of::<libc::epoll_event>(),
            connection_bytes: SOCKET_BYTES,
            ..Needs::descriptors(1)
        }
    }

    /// The names that `set` knows, with what they mean.
    pub const NAMES: &'static [(&'static str, &'static str)] = &[
        (
            "receive-bytes",
            "bytes of the receive buffer that a worker's connections share (65536)",
        ),
        ("events", "events taken from the kernel by one wait (256)"),
    ];

    /// Sets one of them by name.
    ///
    /// # Errors
    /// A sentence that says which names or values there are.
    pub fn set(&mut self, name: &str, value: usize) -> Result<(), String> {
        match name {
            "receive-bytes" => self.receive_bytes = setting::number(name, value, 1024..=1 << 24)?,
            "events" => self.events = setting::number(name, value, 1..=65_536)?,
            _ => return Err(setting::unknown(name, Tuning::NAMES)),
        }
        Ok(())
    }
}
