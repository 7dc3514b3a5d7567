//! Media types (RFC 9110 §8.3.1), as the field lines that an answer needs: put together once, when the program is
//! compiled, and copied in one piece of fixed size.

const TYPE: &[u8; 14] = b"Content-Type: ";
const LENGTH: &[u8; 18] = b"\r\nContent-Length: ";

/// Bytes of a media type; with them, and with the longest status line and every field that the core adds, a head stays
/// within `ANSWER_HEAD_BYTES_MAX`: 47 + 37 + 24 + 96 + 20 + 4 = 228.
const TYPE_BYTES_MAX: usize = 64;
const LINES_BYTES: usize = TYPE.len() + TYPE_BYTES_MAX + LENGTH.len();

/// The media type of an answer's content: `MediaType::new("text/csv")` in a constant or a static.
#[derive(Clone, Copy, Debug)]
pub struct MediaType {
    /// `Content-Type: …` and the name of the field `Content-Length`, then nothing.
    lines: [u8; LINES_BYTES],
    length: usize,
}

impl MediaType {
    /// `text/plain`
    pub const TEXT: MediaType = MediaType::new("text/plain");
    /// `text/html; charset=utf-8`
    pub const HTML: MediaType = MediaType::new("text/html; charset=utf-8");
    /// `application/json`
    pub const JSON: MediaType = MediaType::new("application/json");
    /// `application/octet-stream`
    pub const OCTETS: MediaType = MediaType::new("application/octet-stream");

    /// The media type of this name, parameters included.
    ///
    /// # Panics
    /// When the name is empty, longer than 64 bytes, or not visible ASCII and spaces: at compile time in a constant.
    pub const fn new(name: &str) -> MediaType {
        let name = name.as_bytes();
        assert!(
            !name.is_empty() && name.len() <= TYPE_BYTES_MAX,
            "a media type has 1 to 64 bytes"
        );
        let mut lines = [b' '; LINES_BYTES];
        let length = TYPE.len() + name.len() + LENGTH.len();
        let mut at = 0;
        while at < length {
            lines[at] = if at < TYPE.len() {
                TYPE[at]
            } else if at < TYPE.len() + name.len() {
                let byte = name[at - TYPE.len()];
                assert!(
                    byte.is_ascii_graphic() || byte == b' ',
                    "a media type is visible ASCII"
                );
                byte
            } else {
                LENGTH[at - TYPE.len() - name.len()]
            };
            at += 1;
        }
        MediaType { lines, length }
    }

    /// Writes the type, and the length up to its value.
    #[inline(always)]
    pub(super) fn write_with_length(&self, region: &mut Vec<u8>) {
        let end = region.len() + self.length;
        // All of it and back: a copy of a size that is known takes no call.
        region.extend_from_slice(&self.lines);
        region.truncate(end);
    }

    /// Writes the type alone.
    pub(super) fn write(&self, region: &mut Vec<u8>) {
        region.extend_from_slice(&self.lines[..self.length - LENGTH.len()]);
        region.extend_from_slice(b"\r\n");
    }
}
