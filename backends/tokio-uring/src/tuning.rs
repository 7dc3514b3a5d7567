//! What can be set of this backend at start.

/// The settings, with their defaults.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Entries of the submission queue; the completion queue has twice as many.
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
            "ring-entries" if value.is_power_of_two() && (8..=32_768).contains(&value) => {
                self.ring_entries = value as u32;
            }
            "ring-entries" => return Err(format!("{name} is a power of two from 8 to 32768")),
            "receive-bytes" if (1024..=1 << 24).contains(&value) => self.receive_bytes = value,
            "receive-bytes" => return Err(format!("{name} is a number from 1024 to {}", 1 << 24)),
            _ => {
                return Err(format!(
                    "tokio-uring has no setting {name}; it has ring-entries and receive-bytes"
                ));
            }
        }
        Ok(())
    }
}
