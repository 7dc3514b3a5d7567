//! How lines of logs are written: as logfmt or as JSON, one line for each, whatever stands in the values.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// A form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `name=value name="a value"`: a value in quotes has `\"`, `\\`, and `\xNN` for a byte that is not printable ASCII.
    Logfmt,
    /// An object of JSON. A byte of a peer's that is not ASCII is the code point of the same number: `\u00NN`.
    Json,
}

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_millis() as u64
}

/// A line that is being written, field by field.
pub(crate) struct Line<'t> {
    text: &'t mut String,
    format: Format,
    first: bool,
}

impl<'t> Line<'t> {
    pub(crate) fn new(text: &'t mut String, format: Format) -> Line<'t> {
        if format == Format::Json {
            text.push('{');
        }
        Line {
            text,
            format,
            first: true,
        }
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.text.push(match self.format {
                Format::Logfmt => ' ',
                Format::Json => ',',
            });
        }
        match self.format {
            Format::Logfmt => self.write(format_args!("{name}=")),
            Format::Json => self.write(format_args!("\"{name}\":")),
        }
    }

    fn write(&mut self, pieces: std::fmt::Arguments<'_>) {
        self.text
            .write_fmt(pieces)
            .expect("a string takes everything");
    }

    pub(crate) fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        self.write(format_args!("{number}"));
    }

    /// Letters, digits and signs of our own, which need no escaping.
    pub(crate) fn word(&mut self, name: &str, word: impl std::fmt::Display) {
        self.name(name);
        match self.format {
            Format::Logfmt => self.write(format_args!("{word}")),
            Format::Json => self.write(format_args!("\"{word}\"")),
        }
    }

    /// Text of ours, in UTF-8.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.text.push('"');
        for letter in text.chars() {
            match u8::try_from(letter) {
                Ok(byte) if byte < 0x80 => self.byte(byte),
                _ => self.text.push(letter),
            }
        }
        self.text.push('"');
    }

    /// Bytes of a peer's, whatever they are.
    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.text.push('"');
        // Most bytes need no escaping and go by the run.
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        let mut rest = bytes;
        while !rest.is_empty() {
            let plain = rest.iter().take_while(|&byte| is_plain(byte)).count();
            let (run, others) = rest.split_at(plain);
            self.text
                .push_str(str::from_utf8(run).expect("it is ASCII"));
            let odd = others.iter().take_while(|&byte| !is_plain(byte)).count();
            others[..odd].iter().for_each(|&byte| self.byte(byte));
            rest = &others[odd..];
        }
        self.text.push('"');
    }

    /// One byte within quotes.
    fn byte(&mut self, byte: u8) {
        match (byte, self.format) {
            (b'"' | b'\\', _) => {
                self.text.push('\\');
                self.text.push(byte as char);
            }
            (b' '..=b'~', _) => self.text.push(byte as char),
            (_, Format::Logfmt) => self.write(format_args!("\\x{byte:02x}")),
            (_, Format::Json) => self.write(format_args!("\\u{byte:04x}")),
        }
    }

    /// The time in the form of RFC 3339, in UTC, with milliseconds.
    pub(crate) fn time(&mut self, name: &str, unix_ms: u64) {
        let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        let ms = ms % 1_000;
        self.word(
            name,
            format_args!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
            ),
        );
    }

    pub(crate) fn end(self) {
        self.text.push_str(match self.format {
            Format::Logfmt => "\n",
            Format::Json => "}\n",
        });
    }
}

/// The date so many days after 1970-01-01, in the proleptic Gregorian calendar: eras of 400 years have 146,097 days, and
/// years that begin with March have their leap day last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (400 * era + year + next_year, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, write: impl FnOnce(&mut Line<'_>)) -> String {
        let mut text = String::new();
        let mut line = Line::new(&mut text, format);
        write(&mut line);
        line.end();
        text
    }

    #[test]
    fn every_byte_is_escaped_so_that_it_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let json = line(Format::Json, |line| line.bytes("b", &all));
        assert!(json.is_ascii() && json.matches('\n').count() == 1);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let back: Vec<u8> = value["b"]
            .as_str()
            .unwrap()
            .chars()
            .map(|letter| letter as u8)
            .collect();
        assert_eq!(back, all);

        let logfmt = line(Format::Logfmt, |line| line.bytes("b", &all));
        assert!(logfmt.is_ascii() && logfmt.matches('\n').count() == 1);
        let mut quoted = logfmt
            .strip_prefix("b=\"")
            .unwrap()
            .strip_suffix("\"\n")
            .unwrap()
            .bytes();
        let mut back = Vec::new();
        while let Some(byte) = quoted.next() {
            back.push(match (byte, byte == b'\\') {
                (_, false) => byte,
                _ => match quoted.next().unwrap() {
                    b'x' => {
                        let digits = [quoted.next().unwrap(), quoted.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    byte => byte,
                },
            });
            assert_ne!(byte, b'"');
        }
        assert_eq!(back, all);
    }

    #[test]
    fn fields_stand_in_their_order() {
        let write = |line: &mut Line<'_>| {
            line.word("level", "warn");
            line.number("n", 7);
            line.text("message", "it says \"no\": größer\n");
        };
        assert_eq!(
            line(Format::Logfmt, write),
            "level=warn n=7 message=\"it says \\\"no\\\": größer\\x0a\"\n"
        );
        assert_eq!(
            line(Format::Json, write),
            "{\"level\":\"warn\",\"n\":7,\"message\":\"it says \\\"no\\\": größer\\u000a\"}\n"
        );
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        for (unix_ms, time) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_007, "2024-02-29T23:59:59.007Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            let line = line(Format::Logfmt, |line| line.time("time", unix_ms));
            assert_eq!(line, format!("time={time}\n"));
        }
    }
}
