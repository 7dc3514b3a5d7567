//! What can be set of this backend at start.

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
        let fits = match name {
            "receive-bytes" => 1024..=1 << 24,
            "ring-entries" => 8..=4096,
            "preempt-ms" => 1..=10_000,
            _ => {
                return Err(format!(
                    "glommio has no setting {name}; it has receive-bytes, ring-entries and preempt-ms"
                ));
            }
        };
        if !fits.contains(&value) {
            return Err(format!(
                "{name} is a number from {} to {}",
                fits.start(),
                fits.end()
            ));
        }
        match name {
            "receive-bytes" => self.receive_bytes = value,
            "ring-entries" if value.is_power_of_two() => self.ring_entries = value,
            "ring-entries" => return Err(format!("{name} is a power of two, such as 128")),
            _ => self.preempt_ms = value as u64,
        }
        Ok(())
    }
}
