//! Record files: JSON lines, only ever appended to.
//!
//! One line is one write, synced before the next launch begins. A kill can therefore tear the last line only, and a line is
//! whole exactly when it ends with a newline: a torn one is cut off with a notice and measured again. Anything else that
//! cannot be read is an error that names file and line.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::record::{Line, Plan, Record, SCHEMA};

/// A record file under way; nobody else writes to it meanwhile.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Begins a file for a campaign, named after it.
    ///
    /// # Errors
    /// When the folder cannot be written or has such a file already.
    pub fn create(folder: &Path, campaign: &str) -> Result<Store> {
        let path = folder.join(format!("{campaign}.jsonl"));
        let context = || {
            format!(
                "failed to create {}; choose another folder with --store",
                path.display()
            )
        };
        fs::create_dir_all(folder).with_context(context)?;
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .with_context(context)?;
        Store { path, file }.alone()
    }

    /// Opens a file to go on with it, and cuts off a torn last line.
    ///
    /// # Errors
    /// When it cannot be read or written, or another process writes to it.
    pub fn resume(path: &Path) -> Result<(Store, Record)> {
        let context = || {
            format!(
                "failed to open {}; records lie in results/ unless --store named another folder",
                path.display()
            )
        };
        let file = OpenOptions::new()
            .append(true)
            .read(true)
            .open(path)
            .with_context(context)?;
        let store = Store {
            path: path.to_owned(),
            file,
        }
        .alone()?;
        let found = read(path)?;
        if found.torn_bytes > 0 {
            eprintln!(
                "the last line of {} is torn: {} bytes are cut off, and what they held is measured again",
                path.display(),
                found.torn_bytes
            );
            store
                .file
                .set_len(found.whole_bytes)
                .with_context(context)?;
        }
        Ok((store, found.record))
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line and waits until it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, line: &Line) -> Result<()> {
        let context = || {
            format!(
                "failed to write to {}; what it holds is whole, so make room and go on with --resume",
                self.path.display()
            )
        };
        let mut bytes = serde_json::to_vec(line).with_context(context)?;
        bytes.push(b'\n');
        self.file.seek(SeekFrom::End(0)).with_context(context)?;
        self.file.write_all(&bytes).with_context(context)?;
        self.file.sync_data().with_context(context)
    }

    fn alone(self) -> Result<Store> {
        match self.file.try_lock() {
            Ok(()) => Ok(self),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "failed to open {}: another campaign is writing to it; wait for it to end",
                    self.path.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("failed to lock {}", self.path.display()))
            }
        }
    }
}

/// What a file holds.
#[derive(Debug)]
pub struct Found {
    /// All its whole lines.
    pub record: Record,
    /// Their length.
    pub whole_bytes: u64,
    /// The length of a torn last line.
    pub torn_bytes: u64,
}

/// Reads one file.
///
/// # Errors
/// When a whole line cannot be understood; the message names file and line.
pub fn read(path: &Path) -> Result<Found> {
    let bytes = fs::read(path).with_context(|| {
        format!(
            "failed to read {}; records lie in results/ unless --store named another folder",
            path.display()
        )
    })?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    let torn_bytes = (bytes.len() - whole) as u64;
    let mut record = None;
    for (index, line) in bytes[..whole]
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
    {
        let at = || {
            format!(
                "failed to read line {} of {}; restore the file, or cut it off before that line: what is missing is \
                 measured again with --resume",
                index + 1,
                path.display()
            )
        };
        let line = serde_json::from_slice(line).with_context(at)?;
        record = Some(extended(record, line).with_context(at)?);
    }
    let record = record.with_context(|| {
        format!(
            "failed to read {}: it holds no plan, so there is nothing to go on with; delete it",
            path.display()
        )
    })?;
    Ok(Found {
        record,
        whole_bytes: whole as u64,
        torn_bytes,
    })
}

fn extended(record: Option<Record>, line: Line) -> Result<Record> {
    match (record, line) {
        (None, Line::Plan(plan)) => checked(plan).map(Record::new),
        (None, _) => bail!("the first line of a record is its plan"),
        (Some(_), Line::Plan(_)) => {
            bail!("a record has one plan; report several files by naming them all")
        }
        (Some(mut record), Line::Machine(machine)) => {
            record.machines.insert(machine.campaign.clone(), *machine);
            Ok(record)
        }
        (Some(mut record), Line::Launch(launch)) => {
            record.add(*launch)?;
            Ok(record)
        }
        (Some(mut record), Line::Idle(idle)) => {
            record.add_idle(idle)?;
            Ok(record)
        }
        (Some(mut record), Line::Count(count)) => {
            record.add_count(*count)?;
            Ok(record)
        }
        (Some(mut record), Line::Ended(ended)) => {
            record.add_ended(ended)?;
            Ok(record)
        }
        (Some(mut record), line) => record.add_soak(line).map(|()| record),
    }
}

fn checked(plan: Plan) -> Result<Plan> {
    if plan.schema != SCHEMA {
        bail!(
            "it has schema {}, this program reads {SCHEMA}; use the revision that wrote it",
            plan.schema
        );
    }
    if plan.arms.is_empty() {
        bail!("the plan has no arms");
    }
    Ok(plan)
}

/// `2026-02-03T04:05:06Z`.
#[must_use]
pub fn now_utc() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    utc(since.map_or(0, |since| since.as_secs()))
}

/// Civil date from days since 1970, as in Howard Hinnant's *chrono-Compatible Low-Level Date Algorithms*: years begin
/// in March, so that the leap day is the last one.
fn utc(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400 + 719_468, unix_s % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * day + 2) / 153;
    let day = day - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The name of a campaign: when it began, its command and its seed; in this order files sort by age.
#[must_use]
pub fn campaign_name(started: &str, command: &str, seed: u64) -> String {
    let compact: String = started
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric())
        .collect();
    format!("{compact}-{command}-{seed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @1000000000`, and the leap day of 2000 and 2024.
    #[test]
    fn dates_agree_with_date() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(1_000_000_000), "2001-09-09T01:46:40Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(
            campaign_name("2024-02-29T23:59:59Z", "sweep", 7),
            "20240229T235959Z-sweep-7"
        );
    }
}
