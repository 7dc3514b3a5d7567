//! Records by the files that somebody named.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::record::Record;
use crate::store;

/// All of them merged, which they have to belong together for.
pub(super) fn merged(files: &[PathBuf]) -> Result<Record> {
    let mut records = files.iter().map(|file| read(file));
    let first = records.next().context("a file is needed")??;
    records.try_fold(first, |merged, next| merged.merge(next?))
}

/// One of them; a torn last line is ignored with a notice.
pub(super) fn read(file: &Path) -> Result<Record> {
    let found = store::read(file)?;
    if found.torn_bytes > 0 {
        eprintln!(
            "the last line of {} is torn and was ignored",
            file.display()
        );
    }
    Ok(found.record)
}
