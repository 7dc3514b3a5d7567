//! What can be set of this backend at start, and what a worker takes of what the kernel limits.

use orthant_core::{Needs, TASK_BYTES, ring_bytes, setting};

/// The settings, with their defaults.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Entries of the submission queue; the completion queue has twice as many. monoio makes no smaller ring than this.
    pub ring_entries: u32,
    /// Bytes of the receive buffer that the connections of a worker share.
    pub receive_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            ring_entries: 256,
            receive_bytes: 64 * 1024,
        }
    }
}

impl Tuning {
    /// What a worker takes: a copy of the stop signal, the ring.
    pub fn needs(&self) -> Needs {
        let entries = self.ring_entries as usize;
        Needs {
            locked_bytes: ring_bytes(entries, 2 * entries),
            own_bytes: self.receive_bytes,
            connection_bytes: TASK_BYTES,
            linux: "6.1",
            ..Needs::descriptors(2)
        }
    }

    /// The names that `set` knows, with what they mean.
    pub const NAMES: &'static [(&'static str, &'static str)] = &[
        (
            "ring-entries",
            "entries of a worker's submission queue, a power of two (256)",
        ),
        (
            "receive-bytes",
            "bytes of the receive buffer that a worker's connections share (65536)",
        ),
    ];

    /// Sets one of them by name.
    ///
    /// # Errors
    /// A sentence that says which names or values there are.
    pub fn set(&mut self, name: &str, value: usize) -> Result<(), String> {
        match name {
            "ring-entries" => {
                self.ring_entries = setting::power_of_two(name, value, 256..=32_768)? as u32
            }
            "receive-bytes" => self.receive_bytes = setting::number(name, value, 1024..=1 << 24)?,
            _ => return Err(setting::unknown(name, Tuning::NAMES)),
        }
        Ok(())
    }
}
