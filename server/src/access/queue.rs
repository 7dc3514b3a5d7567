//! A queue of records from one thread to another, without locks and without unsafe code: a ring of atomic words. The
//! producer stores the words of a record and then tells how far it has written; the consumer loads them and then tells how
//! far it has read. What is told is released and acquired, so the words themselves need no order.

use std::sync::atomic::{AtomicU64, Ordering};

use orthant_core::Count;

/// Words of a queue, 1 MiB: the records of 10,000 usual requests and more, which a worker at full speed makes within a
/// tenth of a second.
const WORDS: usize = 128 * 1024;

/// The most words of a record: then its line is bounded too.
pub(super) const RECORD_WORDS_MAX: usize = 512;

const _: () = assert!(WORDS.is_power_of_two() && RECORD_WORDS_MAX < WORDS);

/// The queue between one worker and the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    words: Box<[AtomicU64]>,
    written: Place,
    read: Place,
    /// Records that were put in, by the producer's count.
    pub(crate) records: Count,
    /// Records that found no room, by the producer's count.
    pub(crate) dropped: Count,
}

/// How many words have gone by since the beginning, in a cache line of its own: one side writes it, the other looks.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

impl Default for Queue {
    fn default() -> Queue {
        Queue::new(WORDS)
    }
}

impl Queue {
    /// Bytes that it takes.
    pub(crate) const BYTES: usize = WORDS * size_of::<AtomicU64>() + size_of::<Queue>();

    fn new(words: usize) -> Queue {
        Queue {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            written: Place::default(),
            read: Place::default(),
            records: Count::default(),
            dropped: Count::default(),
        }
    }

    #[inline]
    fn word(&self, place: u64) -> &AtomicU64 {
        &self.words[place as usize & (self.words.len() - 1)]
    }

    /// Puts a record in, by the one thread that may; drops it where there is no room.
    #[inline]
    pub(super) fn push(&self, record: &[u64]) {
        let written = self.written.0.load(Ordering::Relaxed);
        let read = self.read.0.load(Ordering::Acquire);
        let (free, needed) = (
            self.words.len() as u64 - (written - read),
            record.len() as u64 + 1,
        );
        if needed > free {
            self.dropped.add(1);
            return;
        }
        self.word(written)
            .store(record.len() as u64, Ordering::Relaxed);
        for (place, word) in (written + 1..).zip(record) {
            self.word(place).store(*word, Ordering::Relaxed);
        }
        self.written.0.store(written + needed, Ordering::Release);
        self.records.add(1);
    }

    /// Takes the next record into `record`, by the one thread that may; whether there was one.
    pub(super) fn pop(&self, record: &mut Vec<u64>) -> bool {
        let read = self.read.0.load(Ordering::Relaxed);
        if self.written.0.load(Ordering::Acquire) == read {
            return false;
        }
        let length = self.word(read).load(Ordering::Relaxed);
        let end = read + 1 + length;
        record.clear();
        record.extend((read + 1..end).map(|place| self.word(place).load(Ordering::Relaxed)));
        self.read.0.store(end, Ordering::Release);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn what_has_no_room_is_dropped_and_counted_and_the_rest_stays_whole() {
        let queue = Queue::new(8);
        let mut record = Vec::new();
        assert!(!queue.pop(&mut record));
        queue.push(&[1, 2, 3]);
        queue.push(&[4, 5, 6]);
        queue.push(&[]);
        assert_eq!((queue.records.get(), queue.dropped.get()), (2, 1));
        for expected in [[1, 2, 3], [4, 5, 6]] {
            assert!(queue.pop(&mut record));
            assert_eq!(record, expected);
        }
        assert!(!queue.pop(&mut record));
        // Around the end of the ring, as often as it takes.
        for turn in 0..100 {
            queue.push(&[turn; 5]);
            assert!(queue.pop(&mut record) && record == [turn; 5]);
        }
    }

    #[test]
    fn two_threads_lose_nothing_but_what_is_counted() {
        const RECORDS: u64 = 200_000;
        let queue = Arc::new(Queue::new(256));
        let producer = thread::spawn({
            let queue = queue.clone();
            move || {
                for number in 0..RECORDS {
                    let record = [number; 7];
                    queue.push(&record[..1 + number as usize % 7]);
                }
            }
        });
        let (mut record, mut came, mut next) = (Vec::new(), 0, 0);
        loop {
            let over = producer.is_finished();
            while queue.pop(&mut record) {
                let number = record[0];
                assert!(number >= next, "{number} came after {next}");
                assert_eq!(record, vec![number; 1 + number as usize % 7]);
                next = number + 1;
                came += 1;
            }
            if over {
                break;
            }
        }
        producer.join().unwrap();
        assert_eq!(came, queue.records.get());
        assert_eq!(came + queue.dropped.get(), RECORDS);
    }
}
