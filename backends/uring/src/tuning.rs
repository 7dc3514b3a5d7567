//! What can be set of this backend at start, and what a worker takes of what the kernel limits.

use orthant_core::{Needs, ring_bytes, setting};

/// Completions that a ring has room for, per entry: an operation completes many times.
pub(crate) const COMPLETIONS: u32 = 4;

/// Bytes that a socket takes at most, in a table that may be half empty.
pub(crate) const SOCKET_BYTES: usize = 64;

/// The settings, with their defaults.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Entries of the submission queue; the completion queue has four times as many. 64 rings of 4,096 entries cost
    /// 24 MiB, of 256 entries 1.9 MiB.
    pub ring_entries: u32,
    /// Buffers that the kernel may receive into, a power of two.
    pub buffers: u16,
    /// Bytes of each of them. 16 pipelined requests of the usual size fit one.
    pub buffer_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            ring_entries: 256,
            buffers: 64,
            buffer_bytes: 2048,
        }
    }
}

impl Tuning {
    /// What a worker takes: the ring; the pages of the ring of buffers count with it.
    pub fn needs(&self) -> Needs {
        let entries = self.ring_entries as usize;
        Needs {
            locked_bytes: ring_bytes(entries, entries * COMPLETIONS as usize)
                + (usize::from(self.buffers) * 16).next_multiple_of(4096),
            own_bytes: usize::from(self.buffers) * self.buffer_bytes,
            connection_bytes: SOCKET_BYTES,
            linux: "6.0",
            ..Needs::descriptors(1)
        }
    }

    /// The names that `set` knows, with what they mean.
    pub const NAMES: &'static [(&'static str, &'static str)] = &[
        (
            "ring-entries",
            "entries of a worker's submission queue, a power of two (256)",
        ),
        (
            "buffers",
            "buffers that the kernel may receive into, a power of two (64)",
        ),
        ("buffer-bytes", "bytes of each of them (2048)"),
    ];

    /// Sets one of them by name.
    ///
    /// # Errors
    /// A sentence that says which names or values there are.
    pub fn set(&mut self, name: &str, value: usize) -> Result<(), String> {
        match name {
            "ring-entries" => {
                self.ring_entries = setting::power_of_two(name, value, 8..=32_768)? as u32
            }
            "buffers" => self.buffers = setting::power_of_two(name, value, 2..=32_768)? as u16,
            "buffer-bytes" => {
                self.buffer_bytes = setting::power_of_two(name, value, 256..=1 << 20)?
            }
            _ => return Err(setting::unknown(name, Tuning::NAMES)),
        }
        Ok(())
    }
}
