//! The chunked transfer coding (RFC 9112 §7.1), read strictly and piece by piece.
//!
//! ```text
//!        digits       ;            CR LF              size bytes            CR LF
//!  Size ───────▶ Size ──▶ Extension ─────▶ Data (or, size 0, Trailer) ──────────▶ Size
//! ```
//! Extensions and the trailer section are checked and dropped; both are bounded over the whole message.

use crate::error::Fault;
use crate::limits::Limits;
use crate::scan;

/// Where a message in chunks stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    state: State,
    /// Of the chunk under way: its size while that is read, then what is missing of its data.
    left: u64,
    /// Of the size under way.
    digits: u8,
    extension_bytes: u32,
    trailer_bytes: u32,
}

/// Digits of a size: those of 64 bits. More of them could only be zeros in front, which nobody needs, or too large.
const DIGITS_MAX: u8 = 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size,
    Extension(Extension),
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer line, or of the empty line that ends them.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

/// Where an extension stands (RFC 9112 §7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// Before its name, perhaps in white space.
    Start,
    Name,
    /// In white space behind the name.
    NameEnd,
    /// Before its value, perhaps in white space.
    Equals,
    Value,
    Quoted,
    /// Behind a backslash in a quoted value.
    Escaped,
    /// Behind a quoted value.
    Unquoted,
    /// In white space behind the value.
    ValueEnd,
}

/// What one step found: a piece of content, perhaps empty, and how many bytes it and its wrapping took.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    pub(crate) piece: &'a [u8],
    pub(crate) used: usize,
}

impl Decoder {
    /// Whether the last chunk and the trailer section have been read.
    pub(crate) fn done(&self) -> bool {
        self.state == State::Done
    }

    /// How much data of the chunk under way is to come.
    pub(crate) fn announced(&self) -> u64 {
        if self.state == State::Data {
            self.left
        } else {
            0
        }
    }

    /// Reads up to the end of the next piece of content, of the message, or of `bytes`.
    pub(crate) fn step<'a>(&mut self, bytes: &'a [u8], limits: &Limits) -> Result<Step<'a>, Fault> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let have = (bytes.len() - at) as u64;
                let take = self.left.min(have);
                self.left -= take;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                let piece = &bytes[at..at + take as usize];
                return Ok(Step {
                    piece,
                    used: at + piece.len(),
                });
            }
            self.state = self.byte(bytes[at], limits)?;
            at += 1;
        }
        Ok(Step {
            piece: &[],
            used: at,
        })
    }

    fn byte(&mut self, byte: u8, limits: &Limits) -> Result<State, Fault> {
        Ok(match (self.state, byte) {
            (State::Start | State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.digits += 1;
                // RFC 9112 §7.1: large sizes must not overflow.
                if self.digits > DIGITS_MAX {
                    return Err(Fault::Chunk);
                }
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                self.left = self.left << 4 | digit;
                State::Size
            }
            (State::Size, b'\r') => State::SizeLf,
            (State::Size, b';') => State::Extension(Extension::Start),
            // Bad white space (RFC 9110 §5.6.3): only an extension may follow it.
            (State::Size, b' ' | b'\t') => State::Extension(Extension::ValueEnd),
            (State::Extension(at), byte) => {
                // RFC 9112 §7.1.1: what we do not understand is ignored, within a limit.
                self.extension_bytes += 1;
                if self.extension_bytes as usize > limits.chunk_extension_bytes_max {
                    return Err(Fault::Chunk);
                }
                at.next(byte).ok_or(Fault::Chunk)?
            }
            (State::SizeLf, b'\n') if self.left == 0 => State::TrailerStart,
            (State::SizeLf, b'\n') => State::Data,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.digits = 0;
                State::Start
            }
            (State::TrailerStart, b'\r') => State::LastLf,
            (State::LastLf, b'\n') => State::Done,
            (
                State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLf,
                _,
            ) => {
                // RFC 9112 §7.1.2: fields that nobody waits for may be dropped.
                self.trailer_bytes += 1;
                if self.trailer_bytes as usize > limits.trailer_bytes_max {
                    return Err(Fault::HeadTooLarge);
                }
                self.trailer(byte)?
            }
            _ => return Err(Fault::Chunk),
        })
    }

    fn trailer(&self, byte: u8) -> Result<State, Fault> {
        match (self.state, byte) {
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, byte) if scan::is_token(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => Ok(State::TrailerLf),
            (State::TrailerValue, byte) if byte == b'\t' || byte >= 0x20 && byte != 0x7f => {
                Ok(State::TrailerValue)
            }
            (State::TrailerLf, b'\n') => Ok(State::TrailerStart),
            _ => Err(Fault::Field),
        }
    }
}

impl Extension {
    /// Where it stands behind this byte; `None` where the byte does not belong.
    fn next(self, byte: u8) -> Option<State> {
        use Extension::{Equals, Escaped, Name, NameEnd, Quoted, Start, Unquoted, Value, ValueEnd};
        Some(State::Extension(match (self, byte) {
            (Start | Name, byte) if scan::is_token(byte) => Name,
            (Equals | Value, byte) if scan::is_token(byte) => Value,
            (Equals, b'"') => Quoted,
            (Quoted, b'"') => Unquoted,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, byte) if scan::value_end(&[byte], 0) == 1 => Quoted,
            (Name | NameEnd, b'=') => Equals,
            (Name | NameEnd | Value | Unquoted | ValueEnd, b';') => Start,
            (Name | Value | Unquoted, b'\r') => return Some(State::SizeLf),
            (Start | Equals, b' ' | b'\t') => self,
            (Name | NameEnd, b' ' | b'\t') => NameEnd,
            (Value | Unquoted | ValueEnd, b' ' | b'\t') => ValueEnd,
            _ => return None,
        }))
    }
}

/// The content, and the bytes that the message takes, where it is one plain chunk that is wholly there: the usual case,
/// which then needs neither a decoder nor a copy. `None` says nothing about any other message.
#[inline]
pub(crate) fn single(bytes: &[u8]) -> Option<(&[u8], usize)> {
    const LAST: &[u8] = b"\r\n0\r\n\r\n";
    let line_end = bytes.iter().take(5).position(|&byte| byte == b'\r')?;
    let mut size = 0;
    for &digit in &bytes[..line_end] {
        size = size * 16 + (digit as char).to_digit(16)? as usize;
    }
    let start = line_end + 2;
    let end = start + size;
    let framed = size > 0
        && bytes.get(line_end + 1) == Some(&b'\n')
        && bytes.get(end..end + LAST.len()) == Some(LAST);
    framed.then(|| (&bytes[start..end], end + LAST.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes `bytes` cut into pieces of `cut` bytes: the content and the bytes used, or the fault.
    fn decode(bytes: &[u8], cut: usize) -> Result<Option<(Vec<u8>, usize)>, Fault> {
        let (mut decoder, mut content, mut total) = (Decoder::default(), Vec::new(), 0);
        for mut part in bytes.chunks(cut) {
            while !part.is_empty() && !decoder.done() {
                let step = decoder.step(part, &Limits::DEFAULT)?;
                content.extend_from_slice(step.piece);
                part = &part[step.used..];
                total += step.used;
            }
        }
        Ok(decoder.done().then_some((content, total)))
    }

    #[test]
    fn messages_decode_whatever_the_cut_rfc9112_7_1() {
        for (text, content) in [
            ("0\r\n\r\n", ""),
            ("2\r\n20\r\n0\r\n\r\n", "20"),
            ("1\r\n2\r\n1\r\n0\r\n0\r\n\r\n", "20"),
            (
                "0A;x=\"y;z\"\r\n0123456789\r\n00\r\nA: b\r\nC:\r\n\r\n",
                "0123456789",
            ),
            (
                "2 \t; a\t=  b ;c;d=\"\\\"\\\\\t\" ; e\r\n20\r\n0;f\r\n\r\n",
                "20",
            ),
        ] {
            for cut in 1..=text.len() {
                let with_rest = format!("{text}GET");
                let expected = Ok(Some((content.as_bytes().to_vec(), text.len())));
                assert_eq!(
                    decode(with_rest.as_bytes(), cut),
                    expected,
                    "{text:?} by {cut}"
                );
            }
        }
    }

    #[test]
    fn bad_chunks_are_refused_rfc9112_7_1() {
        for (text, fault) in [
            ("\r\n", Fault::Chunk),
            ("g\r\n", Fault::Chunk),
            ("0x2\r\n20\r\n0\r\n\r\n", Fault::Chunk),
            (" 2\r\n", Fault::Chunk),
            ("2 \r\n", Fault::Chunk),
            ("-2\r\n", Fault::Chunk),
            ("2\n20\r\n", Fault::Chunk),
            ("2\r\n201\r\n", Fault::Chunk),
            ("2\r\n20\n0\r\n\r\n", Fault::Chunk),
            ("2;a\0\r\n", Fault::Chunk),
            ("2;\r\n", Fault::Chunk),
            ("2;a;\r\n", Fault::Chunk),
            ("2;a=\r\n", Fault::Chunk),
            ("2;=b\r\n", Fault::Chunk),
            ("2;[a]=b\r\n", Fault::Chunk),
            ("2;a=b\"c\"\r\n", Fault::Chunk),
            ("2;a=\"b\r\n", Fault::Chunk),
            ("2;a=\"b\"c\r\n", Fault::Chunk),
            ("2;a=\"\\\r\n", Fault::Chunk),
            ("2;a b\r\n", Fault::Chunk),
            ("2;a \r\n", Fault::Chunk),
            ("2;a\n20\r\n", Fault::Chunk),
            ("10000000000000000\r\n", Fault::Chunk),
            ("00000000000000002\r\n", Fault::Chunk),
            ("0\r\n \r\n", Fault::Field),
            ("0\r\nA\r\n", Fault::Field),
            ("0\r\nA: b\n\r\n", Fault::Field),
        ] {
            for cut in 1..=text.len() {
                assert_eq!(
                    decode(text.as_bytes(), cut),
                    Err(fault),
                    "{text:?} by {cut}"
                );
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded_rfc9112_7_1_1_7_1_2() {
        let limits = Limits::DEFAULT;
        let extension = format!("2;{}", "a".repeat(limits.chunk_extension_bytes_max + 1));
        assert_eq!(decode(extension.as_bytes(), 1024), Err(Fault::Chunk));
        let many = "1;aaaa\r\nx\r\n".repeat(limits.chunk_extension_bytes_max / 4 + 1);
        assert_eq!(decode(many.as_bytes(), 1024), Err(Fault::Chunk));
        let trailers = format!(
            "0\r\n{}",
            "A: b\r\n".repeat(limits.trailer_bytes_max / 6 + 1)
        );
        assert_eq!(decode(trailers.as_bytes(), 1024), Err(Fault::HeadTooLarge));
    }

    proptest! {
        #[test]
        fn the_short_way_agrees_with_the_decoder(
            text in "[0-9a-fA-F]{0,5}(\r\n|\n)[a-z0-9]{0,20}(\r\n|\r)?0(\r\n\r\n|\r\n)[A-Z]{0,3}"
        ) {
            if let Some((content, used)) = single(text.as_bytes()) {
                prop_assert_eq!(decode(text.as_bytes(), 64), Ok(Some((content.to_vec(), used))));
            }
        }

        #[test]
        fn one_chunk_takes_the_short_way(content in proptest::collection::vec(any::<u8>(), 1..4096)) {
            let mut bytes = format!("{:X}\r\n", content.len()).into_bytes();
            bytes.extend_from_slice(&content);
            bytes.extend_from_slice(b"\r\n0\r\n\r\nGET");
            prop_assert_eq!(single(&bytes), Some((&content[..], bytes.len() - 3)));
        }
    }
}
