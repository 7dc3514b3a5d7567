//! Finding the first byte that does not belong, eight bytes at a time.
//!
//! The word tricks are exact for the lowest byte that they mark, which is the only one used: see "Determine if a word
//! has a byte less than n" in S. E. Anderson, "Bit Twiddling Hacks".

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 0x80;

/// The index at or after `from` of the first byte that is no part of a token (RFC 9110 §5.6.2); the length if all are.
#[inline]
pub(crate) fn token_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|&byte| !is_token(byte))
        .map_or(bytes.len(), |at| from + at)
}

/// Whether the byte may stand in a token (RFC 9110 §5.6.2).
#[inline]
pub(crate) fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// The index at or after `from` of the first byte that is not visible ASCII.
#[inline]
pub(crate) fn visible_end(bytes: &[u8], from: usize) -> usize {
    end(bytes, from, invisible, |byte| byte.is_ascii_graphic())
}

/// The same, or of the first question mark.
#[inline]
pub(crate) fn path_end(bytes: &[u8], from: usize) -> usize {
    end(
        bytes,
        from,
        |word| invisible(word) | equal(word, b'?'),
        |byte| byte.is_ascii_graphic() && byte != b'?',
    )
}

#[inline(always)]
const fn invisible(word: u64) -> u64 {
    less(word, 0x21) | equal(word, 0x7f) | (word & HIGHS)
}

/// The value without the white space around it (OWS, RFC 9110 §5.6.3).
#[inline]
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The index at or after `from` of the first byte that may not stand in a field value (RFC 9110 §5.5).
#[inline]
pub(crate) fn value_end(bytes: &[u8], mut from: usize) -> usize {
    loop {
        from = end(
            bytes,
            from,
            |word| less(word, 0x20) | equal(word, 0x7f),
            |byte| byte >= 0x20 && byte != 0x7f,
        );
        if bytes.get(from) != Some(&b'\t') {
            return from;
        }
        from += 1;
    }
}

/// The first index whose byte `outside` marks in its word, or that `inside` denies.
#[inline(always)]
fn end(bytes: &[u8], from: usize, outside: fn(u64) -> u64, inside: fn(u8) -> bool) -> usize {
    let mut at = from;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marks = outside(u64::from_le_bytes(*word));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    bytes[at..]
        .iter()
        .position(|&byte| !inside(byte))
        .map_or(bytes.len(), |more| at + more)
}

/// The high bit of each byte below `limit` (at most 0x80) is set; above the lowest such byte there may be false marks.
#[inline(always)]
const fn less(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGHS
}

/// The high bit of each byte that equals `value` is set; above the lowest such byte there may be false marks.
#[inline(always)]
const fn equal(word: u64, value: u8) -> u64 {
    less(word ^ (ONES * value as u64), 1)
}

/// The characters of a token (RFC 9110 §5.6.2).
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slow(bytes: &[u8], from: usize, inside: impl Fn(u8) -> bool) -> usize {
        (from..bytes.len())
            .find(|&at| !inside(bytes[at]))
            .unwrap_or(bytes.len())
    }

    #[test]
    fn every_byte_is_judged_at_every_place_of_a_word() {
        for byte in 0..=255u8 {
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                let visible = slow(&bytes, 0, |byte| byte.is_ascii_graphic());
                assert_eq!(visible_end(&bytes, 0), visible, "{byte:#x} at {place}");
                let path = slow(&bytes, 0, |byte| byte.is_ascii_graphic() && byte != b'?');
                assert_eq!(path_end(&bytes, 0), path, "{byte:#x} at {place}");
                let value = slow(&bytes, 0, |byte| byte == 9 || byte >= 0x20 && byte != 0x7f);
                assert_eq!(value_end(&bytes, 0), value, "{byte:#x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn scans_agree_with_the_slow_way(bytes in proptest::collection::vec(any::<u8>(), 0..64), from in 0..64usize) {
            let from = from.min(bytes.len());
            prop_assert_eq!(visible_end(&bytes, from), slow(&bytes, from, |byte| byte.is_ascii_graphic()));
            prop_assert_eq!(
                value_end(&bytes, from),
                slow(&bytes, from, |byte| byte == 9 || byte >= 0x20 && byte != 0x7f)
            );
            prop_assert_eq!(
                token_end(&bytes, from),
                slow(&bytes, from, |byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
            );
        }
    }
}
