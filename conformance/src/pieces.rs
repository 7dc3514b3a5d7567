//! Into which pieces the bytes of a script are cut. HTTP knows no pieces (RFC 9112 §2.1): an outcome may not depend on them.

/// Byte by byte goes so far; what comes after it comes in pieces of [`PIECE_BYTES`].
const SINGLE_BYTES_MAX: usize = 64 * 1024;

/// A page.
const PIECE_BYTES: usize = 4 * 1024;

/// So many bytes are sent again and again at most: a script of n bytes is cut at up to this over n offsets.
const CUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How the bytes of a script are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// Not beyond what the case itself says.
    Whole,
    /// Each byte alone, up to 64 KiB, and the rest in pieces of 4 KiB.
    Bytes,
    /// In two at this offset, with a pause between the halves.
    Cut(usize),
}

impl Pieces {
    /// A cut at every offset where that takes no more than 16 MiB in all; else as many as that allows: a third of them at
    /// the front, a third at the end, and the others spread evenly.
    pub fn cuts(bytes_total: usize) -> impl Iterator<Item = Pieces> {
        let inner = bytes_total.saturating_sub(1);
        let count = inner.min((CUT_BYTES_MAX / bytes_total.max(1)).max(3));
        let third = count / 3;
        let offset = move |at: usize| match at {
            _ if count == inner => at + 1,
            at if at < third => at + 1,
            at if at >= count - third => bytes_total - (count - at),
            at => third + (at - third + 1) * (bytes_total - 2 * third) / (count - 2 * third + 1),
        };
        (0..count).map(offset).map(Pieces::Cut)
    }

    /// The length of the next piece of `left` bytes, when `sent` went before them.
    pub(crate) fn next(self, sent: usize, left: usize) -> usize {
        match self {
            Pieces::Whole => left,
            Pieces::Bytes if sent < SINGLE_BYTES_MAX => 1,
            Pieces::Bytes => left.min(PIECE_BYTES),
            Pieces::Cut(at) if sent < at => left.min(at - sent),
            Pieces::Cut(_) => left,
        }
    }

    /// Whether a pause follows when so many bytes have been sent.
    pub(crate) fn pauses_after(self, sent: usize) -> bool {
        self == Pieces::Cut(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(bytes_total: usize) -> Vec<usize> {
        Pieces::cuts(bytes_total)
            .map(|cut| match cut {
                Pieces::Cut(at) => at,
                other => panic!("{other:?} is no cut"),
            })
            .collect()
    }

    #[test]
    fn short_scripts_are_cut_everywhere() {
        assert!(offsets(0).is_empty() && offsets(1).is_empty());
        assert_eq!(offsets(4), [1, 2, 3]);
        assert_eq!(offsets(4_000), (1..4_000).collect::<Vec<_>>());
    }

    #[test]
    fn long_scripts_are_cut_at_front_and_end_and_between() {
        for total in [5_000, 70_000, 1_048_654, 16_777_221, 1 << 30] {
            let offsets = offsets(total);
            assert!(offsets.len() >= 3 && offsets.len() * total <= CUT_BYTES_MAX.max(3 * total));
            assert!(offsets.is_sorted() && offsets[0] == 1, "{total}");
            assert_eq!(offsets.last(), Some(&(total - 1)));
            let middle = offsets[offsets.len() / 2];
            assert!(
                (total / 4..total * 3 / 4).contains(&middle),
                "{total}: {middle}"
            );
        }
    }

    #[test]
    fn pieces_add_up() {
        for pieces in [
            Pieces::Whole,
            Pieces::Bytes,
            Pieces::Cut(3),
            Pieces::Cut(99),
        ] {
            let (mut sent, mut pauses) = (0, 0);
            while sent < 70_000 {
                let next = pieces.next(sent, 70_000 - sent);
                assert!(next > 0);
                sent += next;
                pauses += usize::from(pieces.pauses_after(sent));
            }
            assert_eq!(sent, 70_000);
            assert_eq!(pauses, usize::from(matches!(pieces, Pieces::Cut(_))));
        }
    }
}
