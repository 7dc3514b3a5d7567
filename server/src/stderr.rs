//! The server's own log on standard error: starting and stopping, what fails, what is lost. Whoever embeds the library may
//! take its messages by a logger of his own instead (the crate `log`).

use std::io::Write;

use log::{LevelFilter, Log, Metadata, Record};

use crate::format::{Format, Line, unix_ms};

/// Writes messages of this level and above to standard error from now on: as lines of this format, or, by `None`, as
/// plain sentences behind the program's name. Does nothing where the program has a logger already.
pub fn log_to_stderr(level: LevelFilter, format: Option<Format>) {
    if log::set_boxed_logger(Box::new(Stderr { format })).is_ok() {
        log::set_max_level(level);
    }
}

struct Stderr {
    format: Option<Format>,
}

impl Log for Stderr {
    /// Messages of libraries below us are theirs.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("orthant")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = line(self.format, record, unix_ms());
            // Nobody is left who could be told.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

fn line(format: Option<Format>, record: &Record<'_>, unix_ms: u64) -> String {
    let Some(format) = format else {
        return format!("orthant: {}\n", record.args());
    };
    let mut text = String::new();
    let mut line = Line::new(&mut text, format);
    line.time("time", unix_ms);
    line.word("level", record.level().as_str().to_ascii_lowercase());
    line.text("message", &record.args().to_string());
    line.end();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_in_each_format() {
        let lines = [None, Some(Format::Logfmt), Some(Format::Json)].map(|format| {
            let record = Record::builder()
                .level(log::Level::Warn)
                .args(format_args!("failed to see \"it\""))
                .build();
            line(format, &record, 0)
        });
        assert_eq!(lines[0], "orthant: failed to see \"it\"\n");
        let time = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            lines[1],
            format!("time={time} level=warn message=\"failed to see \\\"it\\\"\"\n")
        );
        let json: serde_json::Value = serde_json::from_str(&lines[2]).unwrap();
        assert_eq!(json["message"], "failed to see \"it\"");
        assert_eq!(
            (&json["time"], &json["level"]),
            (&time.into(), &"warn".into())
        );
    }
}
