//! What a web application does for a request: a head that grows while it arrives, two strings and a list of fields of it, a
//! body of a length that was announced; and a table that lives on, in which each request replaces one of 4,096 entries.
//!
//! An operation is such a request: 5 blocks, one of which grows once on average, and 0.8 KiB copied into them.

use super::{Job, more};
use crate::memory::Bytes;
use crate::random::Xorshift;

const ENTRIES: u32 = 4_096;

/// The longest piece.
const PIECE_MAX: usize = 256;

/// What pieces are copied from: a piece begins and ends with the mark of its request.
const TEXTS: [[u8; PIECE_MAX]; 4] = [
    [1; PIECE_MAX],
    [2; PIECE_MAX],
    [3; PIECE_MAX],
    [4; PIECE_MAX],
];

pub(crate) struct HttpLike<B> {
    table: Vec<Entry<B>>,
    random: Xorshift,
}

struct Entry<B> {
    target: B,
    length_bytes: usize,
    mark: u8,
}

impl<B: Bytes> Job for HttpLike<B> {
    const OPERATIONS: u32 = 2_048;

    fn begun() -> HttpLike<B> {
        let entry = |_| Entry {
            target: text(16, &TEXTS[0]),
            length_bytes: 16,
            mark: TEXTS[0][0],
        };
        HttpLike {
            table: (0..ENTRIES).map(entry).collect(),
            random: Xorshift::seeded(1_234_567),
        }
    }

    fn go_on(&mut self) -> u32 {
        let mut wrong = 0;
        for _ in 0..Self::OPERATIONS {
            if !self.request() {
                more(&mut wrong);
            }
        }
        wrong
    }
}

impl<B: Bytes> HttpLike<B> {
    /// Whether everything that was put together is as it was written, the entry that is replaced too.
    fn request(&mut self) -> bool {
        // Apart, so that an entry has texts of any length.
        let (place, drawn) = (self.random.draw() % ENTRIES, self.random.draw() as usize);
        let of = |shift: u32, most: usize| (drawn >> shift) % most;
        let piece = &TEXTS[of(30, TEXTS.len())];
        let mark = piece[0];
        let mut head = B::default();
        let pieces = 1 + of(0, 3);
        for _ in 0..pieces {
            head.extend(&piece[..120]);
        }
        let [target_bytes, host_bytes] = [16 + of(4, 48), 12 + of(10, 16)];
        let (target, host) = (text::<B>(target_bytes, piece), text::<B>(host_bytes, piece));
        // Two places and two lengths, of 4 bytes each.
        let fields_bytes = 16 * (6 + of(14, 6));
        let fields = text::<B>(fields_bytes, piece);
        let rest_bytes = of(18, PIECE_MAX);
        let mut body = B::with_capacity(1024);
        body.extend(&piece[..PIECE_MAX]);
        body.extend(&piece[..rest_bytes]);
        let entry = &mut self.table[place as usize];
        let is_sound = entry.target.are(entry.length_bytes, entry.mark)
            && head.are(120 * pieces, mark)
            && host.are(host_bytes, mark)
            && fields.are(fields_bytes, mark)
            && body.are(PIECE_MAX + rest_bytes, mark);
        *entry = Entry {
            target,
            length_bytes: target_bytes,
            mark,
        };
        is_sound
    }
}

fn text<B: Bytes>(length_bytes: usize, piece: &[u8; PIECE_MAX]) -> B {
    let mut text = B::with_capacity(length_bytes);
    text.extend(&piece[..length_bytes]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_replaced_and_one_that_was_written_to_is_found() {
        let mut http = HttpLike::<Vec<u8>>::begun();
        assert_eq!((http.go_on(), http.go_on()), (0, 0));
        let replaced = http.table.iter().filter(|entry| entry.length_bytes != 16);
        assert!(replaced.count() > 1_000);
        for entry in &mut http.table {
            entry.target[0] = 9;
        }
        assert!(http.go_on() > 1_000);
    }
}
