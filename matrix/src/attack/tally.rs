//! What the attackers saw: how many connections there were, and how they ended.

use std::collections::BTreeMap;

use serde::Serialize;

/// A connection costs its client so many bytes on the wire before it sends any: SYN, ACK and FIN, each with its headers of
/// Ethernet, IP and TCP, options included.
const OPENING_BYTES: u64 = 3 * 66;

/// What the attackers of one attack have done and seen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Connections begun.
    pub opened: u64,
    /// The most of them at one time.
    pub open_most: usize,
    /// What was sent on them.
    pub sent_bytes: u64,
    /// What the attackers spent on a CPU.
    pub cpu_ns: u64,
    /// How long they were there.
    pub elapsed_ns: u64,
    /// How many ended in which way.
    pub ended: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn note(&mut self, how: String) {
        *self.ended.entry(how).or_default() += 1;
    }

    /// What the attackers put on the wire.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.sent_bytes + self.opened * OPENING_BYTES
    }

    /// The part of a CPU that the attackers took, in which the kernel also receives for the server what they send over
    /// loopback.
    #[must_use]
    pub fn cpu(&self) -> Option<f64> {
        (self.cpu_ns > 0).then(|| self.cpu_ns as f64 / self.elapsed_ns as f64)
    }

    pub(super) fn add(&mut self, other: Tally) {
        self.opened += other.opened;
        self.open_most = self.open_most.max(other.open_most);
        self.sent_bytes += other.sent_bytes;
        self.cpu_ns += other.cpu_ns;
        self.elapsed_ns += other.elapsed_ns;
        for (how, count) in other.ended {
            *self.ended.entry(how).or_default() += count;
        }
    }

    /// `512 × 408 and closed, 3 × reset`, the most frequent first.
    #[must_use]
    pub fn endings(&self) -> String {
        let mut endings: Vec<_> = self.ended.iter().collect();
        endings.sort_by_key(|(how, count)| (std::cmp::Reverse(**count), *how));
        let shown = endings
            .iter()
            .map(|(how, count)| format!("{count} × {how}"));
        shown.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up_and_the_most_frequent_ending_comes_first() {
        let mut tally = Tally::default();
        tally.note("reset".to_owned());
        let mut other = Tally {
            opened: 3,
            open_most: 2,
            sent_bytes: 10,
            ..Tally::default()
        };
        other.note("closed".to_owned());
        other.note("closed".to_owned());
        tally.add(other);
        assert_eq!(tally.endings(), "2 × closed, 1 × reset");
        assert_eq!(tally.wire_bytes(), 10 + 3 * OPENING_BYTES);
        assert_eq!(tally.open_most, 2);
    }
}
