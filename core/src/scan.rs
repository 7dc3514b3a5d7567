//! Finding the first byte that does not belong, a block of bytes at a time.

mod block;

use block::Block;

/// Whether the byte may stand in a token (RFC 9110 §5.6.2).
#[inline]
pub(crate) fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// The index at or after `from` of the first byte that is no part of a token; the length if all are.
#[inline]
pub(crate) fn token_end(bytes: &[u8], from: usize) -> usize {
    let mut at = plain_end(bytes, from);
    while let Some(&byte) = bytes.get(at)
        && is_token(byte)
    {
        at += 1;
    }
    at
}

/// The index at or after `from` of the first byte that is no ASCII letter or digit, hyphen or full stop: what most
/// tokens and most host names are made of.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], from: usize) -> usize {
    end(bytes, from, Block::not_plain, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
    })
}

/// The index at or after `from` of the first byte that may not stand in a path or, where it does not begin with a slash,
/// in an authority before it (RFC 3986 §3.2, §3.3).
#[inline]
pub(crate) fn path_end(bytes: &[u8], from: usize) -> usize {
    let mut at = end(bytes, from, Block::not_usual, is_usual);
    while let Some(&byte) = bytes.get(at)
        && byte != b'?'
        && is_uri(bytes, at)
        && !(matches!(byte, b'[' | b']') && bytes[from] == b'/')
    {
        at += 1;
    }
    at
}

/// The index at or after `from` of the first byte that may not stand in a query (RFC 3986 §3.4).
#[inline]
pub(crate) fn query_end(bytes: &[u8], from: usize) -> usize {
    let mut at = end(bytes, from, Block::not_usual_in_queries, |byte| {
        is_usual(byte) || matches!(byte, b'=' | b'?')
    });
    while at < bytes.len() && is_uri(bytes, at) {
        at += 1;
    }
    at
}

/// Whether the byte at `at` may stand in a URI; a percent sign only before two hexadecimal digits (RFC 3986 §2.1).
fn is_uri(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b'%' => {
            matches!(bytes.get(at + 1..at + 3), Some(digits) if digits.iter().all(u8::is_ascii_hexdigit))
        }
        byte => URI[byte as usize],
    }
}

/// What most paths are made of: letters, digits, and all the characters from the ampersand to the semicolon.
fn is_usual(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'&'..=b';')
}

/// The index at or after `from` of the first byte that may not stand in a field value (RFC 9110 §5.5).
#[inline]
pub(crate) fn value_end(bytes: &[u8], mut from: usize) -> usize {
    loop {
        from = end(bytes, from, Block::control, |byte| {
            byte >= 0x20 && byte != 0x7f
        });
        if bytes.get(from) != Some(&b'\t') {
            return from;
        }
        from += 1;
    }
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

/// The first index that `outside` marks in its block, or whose byte `inside` denies where there is no whole block.
#[inline(always)]
fn end(
    bytes: &[u8],
    from: usize,
    outside: fn(Block) -> block::Marks,
    inside: fn(u8) -> bool,
) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if let Some(first) = outside(Block::new(chunk)).first() {
            return at + first;
        }
        at += block::BYTES;
    }
    if let Some(chunk) = bytes.last_chunk() {
        // The last block overlaps what has been looked at.
        let over = at + block::BYTES - bytes.len();
        let first = outside(Block::new(chunk)).without(over).first();
        return first.map_or(bytes.len(), |first| at + first);
    }
    while let Some(&byte) = bytes.get(at)
        && inside(byte)
    {
        at += 1;
    }
    at
}

/// The characters of a token (RFC 9110 §5.6.2).
static TOKEN: [bool; 256] = letters_digits_and(b"!#$%&'*+-.^_`|~");

/// The characters of a URI (RFC 3986 §2) without the number sign, since a request has no fragment. Brackets belong to
/// addresses alone, but browsers leave them as they are in queries.
static URI: [bool; 256] = letters_digits_and(b"-._~:/?[]@!$&'()*+,;=%");

const fn letters_digits_and(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_query(bytes: &[u8], at: usize) -> bool {
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        (0x21..0x7f).contains(&bytes[at])
            && !b"\"#<>\\^`{|}".contains(&bytes[at])
            && (bytes[at] != b'%' || is_digit(at + 1) && is_digit(at + 2))
    }

    fn is_value(byte: u8) -> bool {
        byte == 9 || byte >= 0x20 && byte != 0x7f
    }

    fn is_tchar(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
    }

    fn is_plain(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"-.".contains(&byte)
    }

    fn slow(bytes: &[u8], from: usize, inside: impl Fn(u8) -> bool) -> usize {
        slow_at(bytes, from, |at| inside(bytes[at]))
    }

    fn slow_at(bytes: &[u8], from: usize, inside: impl Fn(usize) -> bool) -> usize {
        (from..bytes.len())
            .find(|&at| !inside(at))
            .unwrap_or(bytes.len())
    }

    fn agree(bytes: &[u8], from: usize) {
        assert_eq!(
            query_end(bytes, from),
            slow_at(bytes, from, |at| is_query(bytes, at)),
            "{bytes:x?}"
        );
        let ends_path: &[u8] = match bytes.get(from) {
            Some(b'/') => b"?[]",
            _ => b"?",
        };
        assert_eq!(
            path_end(bytes, from),
            slow_at(bytes, from, |at| is_query(bytes, at)
                && !ends_path.contains(&bytes[at])),
            "{bytes:x?}"
        );
        assert_eq!(
            value_end(bytes, from),
            slow(bytes, from, is_value),
            "{bytes:x?}"
        );
        assert_eq!(
            token_end(bytes, from),
            slow(bytes, from, is_tchar),
            "{bytes:x?}"
        );
        assert_eq!(
            plain_end(bytes, from),
            slow(bytes, from, is_plain),
            "{bytes:x?}"
        );
    }

    #[test]
    fn every_byte_is_judged_at_every_place_of_a_block() {
        for byte in 0..=255 {
            for place in 0..40 {
                let mut bytes = [b'a'; 40];
                bytes[place] = byte;
                agree(&bytes, 0);
                bytes[0] = b'/';
                agree(&bytes, 0);
            }
        }
    }

    proptest! {
        #[test]
        fn scans_agree_with_the_slow_way(bytes in proptest::collection::vec(any::<u8>(), 0..64), from in 0..64usize) {
            agree(&bytes, from.min(bytes.len()));
        }
    }
}
