//! A block of bytes, looked at all at once: 16 of them with SSE2, which every x86-64 has, 8 of them in a word elsewhere.
//! The two have the same items; whoever changes one changes the other, and the tests run both.

#[cfg(target_arch = "x86_64")]
pub(super) use sse2::{BYTES, Block, Marks};
#[cfg(not(target_arch = "x86_64"))]
pub(super) use word::{BYTES, Block, Marks};

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use intrinsics::{Vector, all, equal, halves, mask, min, or, sub};

    pub(in super::super) const BYTES: usize = 16;

    #[derive(Clone, Copy)]
    pub(in super::super) struct Block(Vector);

    /// A bit for each byte of a block.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Marks(u32);

    impl Block {
        #[inline(always)]
        pub(in super::super) fn new(bytes: &[u8; BYTES]) -> Block {
            // Two halves, which the compiler puts together into one load.
            let (low, high) = bytes.split_at(8);
            let half =
                |half: &[u8]| i64::from_le_bytes(half.try_into().expect("a half has 8 bytes"));
            Block(halves(half(low), half(high)))
        }

        #[inline(always)]
        pub(in super::super) fn not_plain(self) -> Marks {
            // From the hyphen to the nines there is one character too many, the slash.
            let digit = self.within(b'-', b'9') & !self.equal(b'/');
            Marks(!(self.letters() | digit) & 0xffff)
        }

        #[inline(always)]
        pub(in super::super) fn not_usual(self) -> Marks {
            Marks(!(self.letters() | self.within(b'&', b';')) & 0xffff)
        }

        #[inline(always)]
        pub(in super::super) fn not_usual_in_queries(self) -> Marks {
            // The equals sign and the question mark differ in one bit.
            let with_bit = Block(or(self.0, all(2)));
            Marks(self.not_usual().0 & !with_bit.equal(b'?'))
        }

        #[inline(always)]
        fn letters(self) -> u32 {
            Block(or(self.0, all(0x20))).within(b'a', b'z')
        }

        #[inline(always)]
        pub(in super::super) fn control(self) -> Marks {
            Marks(self.within(0, 0x1f) | self.equal(0x7f))
        }

        #[inline(always)]
        fn within(self, least: u8, most: u8) -> u32 {
            let above = sub(self.0, all(least));
            mask(equal(min(above, all(most - least)), above))
        }

        #[inline(always)]
        fn equal(self, byte: u8) -> u32 {
            mask(equal(self.0, all(byte)))
        }
    }

    impl Marks {
        #[inline(always)]
        pub(in super::super) fn first(self) -> Option<usize> {
            if self.0 == 0 {
                None
            } else {
                Some(self.0.trailing_zeros() as usize)
            }
        }

        /// The marks of the bytes behind the first so many, counted from there.
        #[inline(always)]
        pub(in super::super) fn without(self, bytes: usize) -> Marks {
            Marks(self.0.checked_shr(bytes as u32).unwrap_or(0))
        }
    }

    /// The instructions, one each. They are unsafe to name only where the target may lack them.
    #[expect(
        unsafe_code,
        reason = "SSE2 is part of x86-64, which the language does not know"
    )]
    mod intrinsics {
        use std::arch::x86_64 as arch;

        pub(super) type Vector = arch::__m128i;

        #[inline(always)]
        pub(super) fn halves(low: i64, high: i64) -> Vector {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_set_epi64x(high, low) }
        }

        #[inline(always)]
        pub(super) fn all(byte: u8) -> Vector {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_set1_epi8(byte as i8) }
        }

        #[inline(always)]
        pub(super) fn or(one: Vector, other: Vector) -> Vector {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_or_si128(one, other) }
        }

        #[inline(always)]
        pub(super) fn sub(from: Vector, what: Vector) -> Vector {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_sub_epi8(from, what) }
        }

        #[inline(always)]
        pub(super) fn min(one: Vector, other: Vector) -> Vector {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_min_epu8(one, other) }
        }

        #[inline(always)]
        pub(super) fn equal(one: Vector, other: Vector) -> Vector {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_cmpeq_epi8(one, other) }
        }

        #[inline(always)]
        pub(super) fn mask(lanes: Vector) -> u32 {
            // SAFETY: every x86-64 has SSE2.
            unsafe { arch::_mm_movemask_epi8(lanes) as u32 }
        }
    }
}

/// Eight bytes in a word. Exact for each of them: no sum leaves its byte.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod word {
    pub(in super::super) const BYTES: usize = 8;

    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 0x80;

    #[derive(Clone, Copy)]
    pub(in super::super) struct Block(u64);

    /// The high bit of each byte that is marked.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Marks(u64);

    impl Block {
        pub(in super::super) fn new(bytes: &[u8; BYTES]) -> Block {
            Block(u64::from_le_bytes(*bytes))
        }

        pub(in super::super) fn not_plain(self) -> Marks {
            self.not(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        }

        pub(in super::super) fn not_usual(self) -> Marks {
            self.not(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'&'..=b';'))
        }

        pub(in super::super) fn not_usual_in_queries(self) -> Marks {
            self.not(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'&'..=b';' | b'=' | b'?'))
        }

        pub(in super::super) fn control(self) -> Marks {
            Marks(self.less(0x20) | self.equal(0x7f))
        }

        fn not(self, inside: impl Fn(u8) -> bool) -> Marks {
            let marks = self.0.to_le_bytes();
            let marks = marks.map(|byte| if inside(byte) { 0 } else { 0x80 });
            Marks(u64::from_le_bytes(marks))
        }

        const fn less(self, limit: u8) -> u64 {
            let reached = (self.0 & !HIGHS) + ONES * (0x80 - limit as u64);
            !(reached | self.0) & HIGHS
        }

        const fn equal(self, byte: u8) -> u64 {
            Block(self.0 ^ (ONES * byte as u64)).less(1)
        }
    }

    impl Marks {
        pub(in super::super) fn first(self) -> Option<usize> {
            if self.0 == 0 {
                None
            } else {
                Some(self.0.trailing_zeros() as usize / 8)
            }
        }

        /// The marks of the bytes behind the first so many, counted from there.
        pub(in super::super) fn without(self, bytes: usize) -> Marks {
            Marks(self.0.checked_shr(bytes as u32 * 8).unwrap_or(0))
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{sse2, word};

    #[test]
    fn a_byte_marks_none_behind_it() {
        // A sum that leaves its byte would make a space look like a control character.
        for bytes in [*b"\t \x1f \0 a ", *b"\x7f~\x7f~\x7f~a~", *b"a\t a\t aa"] {
            let (wide, narrow) = ([bytes; 2].concat(), word::Block::new(&bytes));
            let wide = sse2::Block::new(wide.first_chunk().unwrap());
            for dropped in 0..8 {
                let first = wide.control().without(dropped).first();
                assert_eq!(
                    first.filter(|first| first + dropped < 8),
                    narrow.control().without(dropped).first()
                );
            }
        }
    }

    #[test]
    fn both_kinds_of_block_mark_the_same_first_byte() {
        for byte in 0..=255 {
            for place in 0..8 {
                let mut bytes = [b'a'; 16];
                bytes[place] = byte;
                bytes[7] = if place == 7 { byte } else { 0x7f };
                let wide = sse2::Block::new(&bytes);
                let narrow = word::Block::new(bytes.first_chunk().unwrap());
                let first = |wide: sse2::Marks, narrow: word::Marks| {
                    assert_eq!(
                        wide.without(3).first(),
                        narrow.without(3).first(),
                        "{byte:#x} at {place}"
                    );
                    (wide.first(), narrow.first())
                };
                for (wide, narrow) in [
                    first(wide.not_plain(), narrow.not_plain()),
                    first(wide.not_usual(), narrow.not_usual()),
                    first(wide.not_usual_in_queries(), narrow.not_usual_in_queries()),
                    first(wide.control(), narrow.control()),
                ] {
                    assert_eq!(wide, narrow, "{byte:#x} at {place}");
                }
            }
        }
    }
}
