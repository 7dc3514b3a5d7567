//! What a web application does for a request: a head that grows while it arrives, two strings and a list of fields of it, a
//! body of a length that was announced; and a table that lives on, in which each request replaces one of 4,096 entries.
//!
//! An operation is such a request: 7 blocks on average, 860 bytes copied.

use super::Job;
use crate::memory::Bytes;
use crate::random::Xorshift;

const ENTRIES: usize = 4_096;

/// What pieces are copied from.
const TEXT: &[u8; 256] = &[b'x'; 256];

pub(crate) struct HttpLike<B> {
    table: Vec<B>,
    random: Xorshift,
}

impl<B: Bytes> Job for HttpLike<B> {
    const OPERATIONS: u32 = 2_048;

    fn begun() -> HttpLike<B> {
        HttpLike {
            table: (0..ENTRIES).map(|_| B::default()).collect(),
            random: Xorshift::seeded(1_234_567),
        }
    }

    fn go_on(&mut self) -> u32 {
        (0..Self::OPERATIONS)
            .map(|_| u32::from(!self.request()))
            .sum()
    }
}

impl<B: Bytes> HttpLike<B> {
    /// Whether everything that was put together is as long as its pieces.
    fn request(&mut self) -> bool {
        let drawn = self.random.draw() as usize;
        let of = |shift: u32, most: usize| (drawn >> shift) % most;
        let mut head = B::default();
        let pieces = 1 + of(0, 3);
        for _ in 0..pieces {
            head.extend(&TEXT[..120]);
        }
        let (target, host) = (text::<B>(16 + of(4, 48)), text::<B>(12 + of(8, 16)));
        // Two places and two lengths, of 4 bytes each.
        let fields = text::<B>(16 * (6 + of(12, 6)));
        let mut body = B::with_capacity(1024);
        body.extend(&TEXT[..256]);
        body.extend(&TEXT[..of(16, 256)]);
        let lengths = [&head, &host, &fields, &body].map(B::length_bytes);
        let expected = [
            120 * pieces,
            12 + of(8, 16),
            16 * (6 + of(12, 6)),
            256 + of(16, 256),
        ];
        let entry = &mut self.table[drawn % ENTRIES];
        let was_sound = entry.length_bytes() < 64;
        *entry = target;
        was_sound && lengths == expected
    }
}

fn text<B: Bytes>(length_bytes: usize) -> B {
    let mut text = B::with_capacity(length_bytes);
    text.extend(&TEXT[..length_bytes]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fills_and_an_entry_that_was_written_to_is_found() {
        let mut http = HttpLike::<Vec<u8>>::begun();
        assert_eq!((http.go_on(), http.go_on()), (0, 0));
        let full = http.table.iter().filter(|entry| !entry.is_empty()).count();
        assert!((1_000..4_096).contains(&full), "{full}");
        for entry in &mut http.table {
            *entry = text(64);
        }
        assert!(http.go_on() > 1_000);
    }
}
