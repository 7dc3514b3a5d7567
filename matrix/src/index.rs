//! The records as an SQLite database, for people who query. The JSON lines stay the truth: the index is made of them, is brought
//! up to date before each query, and may be deleted at any time.
//!
//! A file is read again when its size or its time of change is another and its hash is too; the rows of its campaign are then
//! replaced in one transaction, so that a kill leaves the index as it was. Files of one campaign are merged, as `report` does.

mod fill;
mod query;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use crate::machine::sha256;
use crate::record::Record;
use crate::store;

pub use query::{Answer, Value};

/// The tables, with what each column holds.
pub const SCHEMA: &str = include_str!("index/schema.sql");

/// Raised when what fills the tables changes.
const FILLED: u32 = 1;

/// Of the tables and what fills them: an index of another version is made anew.
const VERSION: i64 = version(SCHEMA.as_bytes());

/// Another process may be bringing the same index up to date.
const PATIENCE: Duration = Duration::from_secs(60);

/// An index that is up to date and can only be read.
#[derive(Debug)]
pub struct Index {
    connection: Connection,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    bytes: i64,
    modified_ns: i64,
}

/// A file that has to be read.
struct Fresh {
    path: PathBuf,
    seen: Seen,
    sha256: String,
    record: Record,
    torn_bytes: u64,
}

/// What happens to a file that cannot be read, or contradicts another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unreadable {
    /// It is left out, with a notice: one bad file in a folder is no reason to know nothing of the others.
    LeftOut,
    /// Nothing is answered: it was asked for by name.
    Fails,
}

impl Unreadable {
    /// None of what is left out. That the index cannot be written is the fault of no file, and always fails.
    fn or_fails<T>(self, found: Result<T>) -> Result<Option<T>> {
        match found {
            Err(error) if self == Unreadable::LeftOut && is_of_a_file(&error) => {
                eprintln!("left out: {error:#}");
                Ok(None)
            }
            found => found.map(Some),
        }
    }
}

/// A row that contradicts another one is, as when a record has the same epoch twice.
fn is_of_a_file(error: &anyhow::Error) -> bool {
    let of_sqlite = error.downcast_ref::<rusqlite::Error>();
    of_sqlite.is_none_or(|error| error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation))
}

impl Index {
    /// The index of all record files of a folder, kept in `kept_in`.
    ///
    /// # Errors
    /// When the folder cannot be read or the index not be written.
    pub fn of_folder(folder: &Path, kept_in: &Path) -> Result<Index> {
        let files = record_files(folder)?;
        if let Some(parent) = kept_in.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("failed to create {}", parent.display()))?;
        }
        let context = || {
            format!(
                "failed to bring the index {} up to date; it can be deleted",
                kept_in.display()
            )
        };
        let mut connection = opened(kept_in).with_context(context)?;
        update(&mut connection, &files, Unreadable::LeftOut).with_context(context)?;
        drop(connection);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(kept_in, flags).with_context(context)?;
        Index::reading(connection).with_context(context)
    }

    /// The index of these files, in memory.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of_files(files: &[PathBuf]) -> Result<Index> {
        let context = "failed to make an index in memory";
        let mut connection = Connection::open_in_memory().context(context)?;
        renew(&mut connection).context(context)?;
        let files: BTreeSet<PathBuf> = files.iter().cloned().collect();
        update(&mut connection, &files, Unreadable::Fails)?;
        Index::reading(connection).context(context)
    }

    fn reading(mut connection: Connection) -> rusqlite::Result<Index> {
        let authorize = |context: AuthContext<'_>| match allowed(&context.action) {
            true => Authorization::Allow,
            false => Authorization::Deny,
        };
        connection.authorizer(Some(authorize))?;
        Ok(Index { connection })
    }
}

/// Whether a question may do that: look at tables, and at what tables there are. Attaching another file is not looking.
fn allowed(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => *function_name != "load_extension",
        AuthAction::Pragma { pragma_name, .. } => {
            ["table_info", "table_list"].contains(pragma_name)
        }
        _ => false,
    }
}

/// FNV-1a, in the 31 bits that SQLite has for it; never 0, which is what a new file says.
const fn version(schema: &[u8]) -> i64 {
    let (mut hash, mut at) = (0x811c_9dc5 ^ FILLED, 0);
    while at < schema.len() {
        hash = (hash ^ schema[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash >> 1 | 1) as i64
}

/// `*.jsonl` of a folder; none where there is no folder yet.
fn record_files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let context = || {
        format!(
            "failed to read {}; name record files instead",
            folder.display()
        )
    };
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(folder).with_context(context)?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .with_context(context)?;
    let is_record = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "jsonl");
    Ok(paths.into_iter().filter(is_record).collect())
}

/// Opens the index, and makes it anew where it is of another version or no database at all.
fn opened(path: &Path) -> Result<Connection> {
    if looked_into(path).is_err_and(|error| is_no_database(&error)) {
        removed(path)?;
    }
    let (mut connection, version) = looked_into(path)?;
    if version != VERSION {
        renew(&mut connection)?;
    }
    Ok(connection)
}

/// The index with its version; another process may be writing to it.
fn looked_into(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    let version = version_of(&connection)?;
    Ok((connection, version))
}

fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn is_no_database(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    code.is_some_and(|code| [ErrorCode::NotADatabase, ErrorCode::DatabaseCorrupt].contains(&code))
}

/// Deletes what is no database, unless another process has done so: what that one made meanwhile stays.
fn removed(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = File::open(folder.unwrap_or(Path::new(".")))?;
    folder.lock()?;
    if looked_into(path).is_err_and(|error| is_no_database(&error)) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Replaces all tables by those of this version; another process may have been faster.
fn renew(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version_of(&transaction)? == VERSION {
        return Ok(());
    }
    for table in tables(&transaction)? {
        transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Replaces the rows of every campaign of which a file is new, gone or another.
fn update(
    connection: &mut Connection,
    files: &BTreeSet<PathBuf>,
    unreadable: Unreadable,
) -> Result<()> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = known(&transaction)?;
    let mut stale: BTreeSet<String> = known
        .iter()
        .filter(|(path, _)| !files.contains(*path))
        .map(|(_, (_, campaign, _))| campaign.clone())
        .collect();
    let mut fresh: Vec<Fresh> = Vec::new();
    let mut unchanged: BTreeSet<&PathBuf> = BTreeSet::new();
    for path in files {
        let before = known.get(path);
        let looked = look(
            path,
            before.map(|(seen, _, sha256)| (seen, sha256.as_str())),
        );
        match unreadable.or_fails(looked)? {
            Some(Looked::Same) => {
                unchanged.insert(path);
                continue;
            }
            Some(Looked::Touched(seen)) => {
                touch(&transaction, path, &seen)?;
                unchanged.insert(path);
                continue;
            }
            Some(Looked::Other(read)) => {
                stale.insert(read.record.plan().campaign.clone());
                fresh.push(*read);
            }
            None => {}
        }
        stale.extend(before.map(|(_, campaign, _)| campaign.clone()));
    }
    // Files that did not change but belong to a campaign whose rows go.
    for path in unchanged {
        if stale.contains(&known[path].1) {
            let read = seen(path).and_then(|seen| read(path, seen, known[path].2.clone()));
            fresh.extend(unreadable.or_fails(read)?);
        }
    }
    let tables = tables(&transaction)?;
    for campaign in &stale {
        for table in &tables {
            transaction.execute(
                &format!("DELETE FROM {table} WHERE campaign = ?1"),
                [campaign],
            )?;
        }
    }
    fill_all(&mut transaction, fresh, unreadable)?;
    Ok(transaction.commit()?)
}

/// All of them: their rows belong to a campaign.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

type Known = BTreeMap<PathBuf, (Seen, String, String)>;

fn known(connection: &Connection) -> rusqlite::Result<Known> {
    let mut statement =
        connection.prepare("SELECT path, campaign, bytes, modified_ns, sha256 FROM files")?;
    let rows = statement.query_map([], |row| {
        let seen = Seen {
            bytes: row.get(2)?,
            modified_ns: row.get(3)?,
        };
        let path: String = row.get(0)?;
        Ok((PathBuf::from(path), (seen, row.get(1)?, row.get(4)?)))
    })?;
    rows.collect()
}

/// A file, against what is known of it.
enum Looked {
    Same,
    /// Only its time of change is another.
    Touched(Seen),
    Other(Box<Fresh>),
}

fn look(path: &Path, before: Option<(&Seen, &str)>) -> Result<Looked> {
    let seen = seen(path)?;
    if before.is_some_and(|(before, _)| *before == seen) {
        return Ok(Looked::Same);
    }
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let sha256 = sha256(&bytes);
    if before.is_some_and(|(_, before)| *before == sha256) {
        return Ok(Looked::Touched(seen));
    }
    Ok(Looked::Other(Box::new(read(path, seen, sha256)?)))
}

fn seen(path: &Path) -> Result<Seen> {
    let context = || {
        format!(
            "failed to read {}; records lie in results/ unless --store named another folder",
            path.display()
        )
    };
    let metadata = fs::metadata(path).with_context(context)?;
    let modified = metadata.modified().with_context(context)?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Seen {
        bytes: metadata.len() as i64,
        modified_ns: since.as_nanos() as i64,
    })
}

fn touch(connection: &Connection, path: &Path, seen: &Seen) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE files SET bytes = ?2, modified_ns = ?3 WHERE path = ?1",
        params![path.to_string_lossy(), seen.bytes, seen.modified_ns],
    )
}

fn read(path: &Path, seen: Seen, sha256: String) -> Result<Fresh> {
    let found = store::read(path)?;
    if found.torn_bytes > 0 {
        eprintln!(
            "the last line of {} is torn and was ignored",
            path.display()
        );
    }
    Ok(Fresh {
        path: path.to_owned(),
        seen,
        sha256,
        record: found.record,
        torn_bytes: found.torn_bytes,
    })
}

/// Each campaign alone: nothing is left of one that cannot be shown. Where two files contradict each other the larger one
/// stays, for the other is a copy from when the campaign went on.
fn fill_all(
    transaction: &mut Transaction<'_>,
    mut fresh: Vec<Fresh>,
    unreadable: Unreadable,
) -> Result<()> {
    fresh.sort_by_key(|file| (Reverse(file.seen.bytes), file.path.clone()));
    let mut campaigns: BTreeMap<String, Vec<Fresh>> = BTreeMap::new();
    for file in fresh {
        let campaign = file.record.plan().campaign.clone();
        campaigns.entry(campaign).or_default().push(file);
    }
    for (campaign, files) in campaigns {
        let savepoint = transaction.savepoint()?;
        let filled = fill_one(&savepoint, &campaign, files, unreadable)
            .with_context(|| format!("failed to show campaign {campaign}"));
        if unreadable.or_fails(filled)?.is_some() {
            savepoint.commit()?;
        }
    }
    Ok(())
}

fn fill_one(
    connection: &Connection,
    campaign: &str,
    files: Vec<Fresh>,
    unreadable: Unreadable,
) -> Result<()> {
    let mut all: Option<Record> = None;
    for file in files {
        let merged = match &all {
            Some(before) => before.clone().merge(file.record),
            None => Ok(file.record),
        };
        let path = file.path.to_string_lossy();
        let merged = merged.with_context(|| format!("failed to merge {path} with {campaign}"));
        let Some(merged) = unreadable.or_fails(merged)? else {
            continue;
        };
        connection.execute(
            "INSERT INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                path,
                campaign,
                file.seen.bytes,
                file.seen.modified_ns,
                file.sha256,
                file.torn_bytes as i64
            ],
        )?;
        all = Some(merged);
    }
    all.map_or(Ok(()), |record| fill::fill(connection, record))
}
