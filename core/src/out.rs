//! Room that was asked for, being written to. It never grows: what does not fit is dropped and remembered, so that the
//! answer can be taken back whole instead of being sent cut off.

/// Writes to the room of an answer.
#[derive(Debug)]
pub struct Out<'a> {
    region: &'a mut Vec<u8>,
    end: usize,
    overflowed: bool,
}

impl<'a> Out<'a> {
    /// Room for `bytes_max` more bytes in a region that has the capacity for them.
    pub(crate) fn new(region: &'a mut Vec<u8>, bytes_max: usize) -> Out<'a> {
        let end = region.len() + bytes_max;
        assert!(
            end <= region.capacity(),
            "a region was reserved before it is written"
        );
        Out {
            region,
            end,
            overflowed: false,
        }
    }

    /// Writes these bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.left() {
            self.region.extend_from_slice(bytes);
        } else {
            self.overflowed = true;
        }
    }

    /// Writes a number in decimal digits.
    #[inline]
    pub fn number(&mut self, number: u64) {
        self.bytes(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Writes a number that may be negative in decimal digits.
    #[inline]
    pub fn signed(&mut self, number: i64) {
        self.bytes(itoa::Buffer::new().format(number).as_bytes());
    }

    /// How many bytes there is still room for.
    #[inline]
    pub fn left(&self) -> usize {
        self.end - self.region.len()
    }

    /// Whether something did not fit.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }
}

/// For formatters and serialisers; writing fails when the room is used up.
impl std::io::Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes(bytes);
        if self.overflowed {
            Err(std::io::ErrorKind::WriteZero.into())
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn nothing_is_written_beyond_the_room() {
        let mut region = Vec::with_capacity(16);
        let mut out = Out::new(&mut region, 6);
        out.number(1234);
        out.bytes(b"567");
        assert!(out.overflowed() && out.left() == 2);
        assert!(
            write!(out, "89").is_err(),
            "an answer that overflowed once stays so"
        );
        assert_eq!(&region[..4], b"1234");
    }
}
