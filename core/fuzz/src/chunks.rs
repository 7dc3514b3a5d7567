//! The chunked coding read the slow, obvious way: the grammar of RFC 9112 §7.1 from top to bottom, over bytes that are all
//! there. It shares no code with the decoder of the core, and knows no states.

use orthant_core::{Fault, Limits};

/// What bytes are that should be a message in chunks.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole one: its content, and how many bytes it takes.
    Whole(Vec<u8>, usize),
    /// The beginning of one.
    Partial,
    /// None.
    Wrong(Fault),
}

/// Why reading stopped.
enum Stop {
    End,
    Wrong(Fault),
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    content: Vec<u8>,
    extension_bytes: usize,
    trailer_bytes: usize,
    limits: &'a Limits,
}

/// Decodes the message at the front of `bytes`, with the limits of collected content.
pub fn decode(bytes: &[u8], limits: &Limits) -> Decoded {
    let mut reader = Reader {
        bytes,
        at: 0,
        content: Vec::new(),
        extension_bytes: 0,
        trailer_bytes: 0,
        limits,
    };
    match reader.message() {
        Ok(()) => Decoded::Whole(reader.content, reader.at),
        Err(Stop::End) => Decoded::Partial,
        Err(Stop::Wrong(fault)) => Decoded::Wrong(fault),
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_value(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7f
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

impl Reader<'_> {
    fn message(&mut self) -> Result<(), Stop> {
        loop {
            let size = self.size()?;
            self.extensions()?;
            self.expect(b'\n', Fault::Chunk)?;
            if size == 0 {
                return self.trailers();
            }
            let allowed = self.limits.content_bytes_max - self.content.len() as u64;
            if size > u128::from(allowed) {
                return Err(Stop::Wrong(Fault::ContentTooLarge));
            }
            for _ in 0..size {
                let byte = self.next()?;
                self.content.push(byte);
            }
            self.expect(b'\r', Fault::Chunk)?;
            self.expect(b'\n', Fault::Chunk)?;
        }
    }

    /// `1*HEXDIG`, sixteen at most.
    fn size(&mut self) -> Result<u128, Stop> {
        let from = self.at;
        while self.peek()?.is_ascii_hexdigit() {
            self.at += 1;
            if self.at - from > 16 {
                return Err(Stop::Wrong(Fault::Chunk));
            }
        }
        let digits = std::str::from_utf8(&self.bytes[from..self.at]).unwrap_or_default();
        u128::from_str_radix(digits, 16).map_err(|_| Stop::Wrong(Fault::Chunk))
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS value ] )` and the CR behind it. All of it but the first character counts as
    /// extension, and so does the CR.
    fn extensions(&mut self) -> Result<(), Stop> {
        match self.next()? {
            b'\r' => return Ok(()),
            b';' => {}
            byte if is_blank(byte) => {
                self.blanks()?;
                self.extension_byte(|byte| byte == b';')?;
            }
            _ => return Err(Stop::Wrong(Fault::Chunk)),
        }
        loop {
            self.blanks()?;
            self.token()?;
            let mut blanks = self.blanks()?;
            if self.peek()? == b'=' {
                self.extension_byte(|_| true)?;
                self.blanks()?;
                if self.peek()? == b'"' {
                    self.quoted()?;
                } else {
                    self.token()?;
                }
                blanks = self.blanks()?;
            }
            let byte = self.extension_byte(|byte| byte == b';' || byte == b'\r' && blanks == 0)?;
            if byte == b'\r' {
                return Ok(());
            }
        }
    }

    fn blanks(&mut self) -> Result<usize, Stop> {
        let from = self.at;
        while is_blank(self.peek()?) {
            self.extension_byte(is_blank)?;
        }
        Ok(self.at - from)
    }

    fn token(&mut self) -> Result<(), Stop> {
        self.extension_byte(is_token)?;
        while is_token(self.peek()?) {
            self.extension_byte(is_token)?;
        }
        Ok(())
    }

    fn quoted(&mut self) -> Result<(), Stop> {
        self.extension_byte(|byte| byte == b'"')?;
        loop {
            match self.extension_byte(is_value)? {
                b'"' => return Ok(()),
                b'\\' => {
                    self.extension_byte(is_value)?;
                }
                _ => {}
            }
        }
    }

    /// `*( field-line CRLF ) CRLF`
    fn trailers(&mut self) -> Result<(), Stop> {
        while self.peek()? != b'\r' {
            self.trailer_byte(is_token)?;
            while self.trailer_byte(|byte| is_token(byte) || byte == b':')? != b':' {}
            while self.trailer_byte(|byte| is_value(byte) || byte == b'\r')? != b'\r' {}
            self.trailer_byte(|byte| byte == b'\n')?;
        }
        self.at += 1;
        self.expect(b'\n', Fault::Chunk)
    }

    fn extension_byte(&mut self, fits: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        self.extension_bytes += 1;
        let byte = self.next()?;
        if self.extension_bytes > self.limits.chunk_extension_bytes_max || !fits(byte) {
            return Err(Stop::Wrong(Fault::Chunk));
        }
        Ok(byte)
    }

    fn trailer_byte(&mut self, fits: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        self.trailer_bytes += 1;
        let byte = self.next()?;
        if self.trailer_bytes > self.limits.trailer_bytes_max {
            return Err(Stop::Wrong(Fault::HeadTooLarge));
        }
        if !fits(byte) {
            return Err(Stop::Wrong(Fault::Field));
        }
        Ok(byte)
    }

    fn expect(&mut self, expected: u8, fault: Fault) -> Result<(), Stop> {
        if self.next()? == expected {
            Ok(())
        } else {
            Err(Stop::Wrong(fault))
        }
    }

    fn next(&mut self) -> Result<u8, Stop> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }
}
