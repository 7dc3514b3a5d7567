//! A coarse timer wheel: one deadline per connection, kept in lists through an array, so that setting, moving and
//! dropping one are a few stores and nothing is allocated once the array has its size.
//!
//! ```text
//!  slots:  0   1   2  …  511        each slot heads a doubly linked list of entries by index
//!          │       │                a deadline further away than a turn waits in the furthest slot
//!          7⇄3     0                and is looked at again there
//! ```
//! Hot paths need not touch the wheel: an entry that fires early is simply set again by its owner. After G. Varghese and
//! T. Lauck, "Hashed and hierarchical timing wheels", 1987, scheme 6, without the rounds.

/// How coarse time is: no deadline fires before its time, and none more than this after the first `turn` past it.
const TICK_MS: u64 = 8;
const SLOTS: usize = 512;
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Wheel {
    /// The tick up to which, itself included, everything has fired.
    tick: u64,
    heads: [u32; SLOTS],
    /// A bit per slot that heads a list.
    occupied: [u64; SLOTS / 64],
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    previous: u32,
    next: u32,
    /// The slot whose list it is in, or `NONE`.
    slot: u32,
}

impl Wheel {
    /// Bytes that one deadline takes.
    pub(crate) const ENTRY_BYTES: usize = size_of::<Entry>();

    pub(crate) fn new(now_ms: u64) -> Wheel {
        Wheel {
            tick: now_ms / TICK_MS,
            heads: [NONE; SLOTS],
            occupied: [0; SLOTS / 64],
            entries: Vec::new(),
        }
    }

    /// Sets the entry to fire at `at_ms`, or earlier if that is more than a turn away; a former setting is dropped.
    pub(crate) fn set(&mut self, index: u32, at_ms: u64) {
        self.clear(index);
        let earliest = self.tick + 1;
        let tick = at_ms
            .div_ceil(TICK_MS)
            .clamp(earliest, earliest + SLOTS as u64 - 2);
        let slot = (tick % SLOTS as u64) as usize;
        let next = self.heads[slot];
        self.heads[slot] = index;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        if next != NONE {
            self.entries[next as usize].previous = index;
        }
        self.entries[index as usize] = Entry {
            previous: NONE,
            next,
            slot: slot as u32,
        };
    }

    /// Drops the entry's setting, if it has one; makes room for the index.
    pub(crate) fn clear(&mut self, index: u32) {
        let at = index as usize;
        if at >= self.entries.len() {
            let unset = Entry {
                previous: NONE,
                next: NONE,
                slot: NONE,
            };
            self.entries.resize(at + 1, unset);
        }
        let Entry {
            previous,
            next,
            slot,
        } = self.entries[at];
        if slot == NONE {
            return;
        }
        self.entries[at].slot = NONE;
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if previous != NONE {
            self.entries[previous as usize].next = next;
        } else {
            let slot = slot as usize;
            self.heads[slot] = next;
            if next == NONE {
                self.occupied[slot / 64] &= !(1 << (slot % 64));
            }
        }
    }

    /// Takes one entry out that is due at `now_ms`; `None` when there is no further one.
    pub(crate) fn turn(&mut self, now_ms: u64) -> Option<u32> {
        let now_tick = now_ms / TICK_MS;
        while self.tick < now_tick {
            let slot = ((self.tick + 1) % SLOTS as u64) as usize;
            match self.heads[slot] {
                NONE => self.tick += self.empty_slots(slot).min(now_tick - self.tick),
                index => {
                    self.clear(index);
                    return Some(index);
                }
            }
        }
        None
    }

    /// When `turn` is to be called next at the latest.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let first = self.tick + 1;
        let empty = self.empty_slots((first % SLOTS as u64) as usize);
        (empty < SLOTS as u64).then(|| (first + empty) * TICK_MS)
    }

    /// How many slots from `from` on, the whole circle at most, head no list.
    fn empty_slots(&self, from: usize) -> u64 {
        let words = self.occupied.len();
        let mut word = self.occupied[from / 64] & (u64::MAX << (from % 64));
        for step in 0..=words {
            if word != 0 {
                let slot = (from / 64 + step) % words * 64 + word.trailing_zeros() as usize;
                return ((slot + SLOTS - from) % SLOTS) as u64;
            }
            word = self.occupied[(from / 64 + step + 1) % words];
        }
        SLOTS as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fired(wheel: &mut Wheel, now_ms: u64) -> Vec<u32> {
        let mut fired: Vec<_> = std::iter::from_fn(|| wheel.turn(now_ms)).collect();
        fired.sort_unstable();
        fired
    }

    #[test]
    fn deadlines_fire_once_and_not_early() {
        let mut wheel = Wheel::new(1_000);
        assert_eq!(wheel.next_ms(), None);
        wheel.set(0, 1_100);
        wheel.set(1, 1_100);
        wheel.set(2, 1_300);
        wheel.clear(1);
        assert_eq!(fired(&mut wheel, 1_099), []);
        let next = wheel.next_ms().unwrap();
        assert!((1_100..1_100 + TICK_MS).contains(&next), "{next}");
        assert_eq!(fired(&mut wheel, next), [0]);
        wheel.set(2, 1_200);
        assert_eq!(fired(&mut wheel, 1_250), [2]);
        assert_eq!(wheel.next_ms(), None);
        assert_eq!(fired(&mut wheel, 9_000_000), []);
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_a_sorted_map(
            steps in proptest::collection::vec((0..3u8, 0..20u32, 0..9_000u64), 1..200)
        ) {
            let (mut wheel, mut model, mut now) = (Wheel::new(0), BTreeMap::new(), 0);
            for (step, index, amount) in steps {
                match step {
                    0 => { wheel.set(index, now + amount); model.insert(index, now + amount); }
                    1 => { wheel.clear(index); model.remove(&index); }
                    _ => {
                        now += amount / 4;
                        for index in fired(&mut wheel, now) {
                            let due = model[&index];
                            if due <= now { model.remove(&index); } else {
                                // Further away than a turn: it was only looked at.
                                wheel.set(index, due);
                            }
                        }
                        for (index, due) in &model {
                            prop_assert!(*due + TICK_MS > now, "{} was due at {} and now is {}", index, due, now);
                        }
                        if let Some(first) = model.values().min() {
                            let next = wheel.next_ms().unwrap();
                            prop_assert!(next < first + TICK_MS && next > now, "{} {} {}", next, first, now);
                        } else {
                            prop_assert_eq!(wheel.next_ms(), None);
                        }
                    }
                }
            }
        }
    }
}
