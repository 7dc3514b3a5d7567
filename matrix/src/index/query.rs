//! A question and its answer.

use anyhow::{Context, Result, anyhow};
use rusqlite::ErrorCode;
use rusqlite::types::ValueRef;
use serde::{Serialize, Serializer};

use super::Index;
use crate::table::{Format, Table};

/// Digits of a number that people read.
const DIGITS: usize = 6;

/// The rows that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Each as long as the columns.
    pub rows: Vec<Vec<Value>>,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// There is no such figure.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// A text; bytes that are none are shown in hexadecimal.
    Text(String),
}

impl Index {
    /// Asks one SQL statement.
    ///
    /// # Errors
    /// When SQLite does not understand it, with the place; or when it would do anything but read.
    pub fn ask(&self, sql: &str) -> Result<Answer> {
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| explained(&error, sql))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let count = columns.len();
        let row =
            |row: &rusqlite::Row<'_>| (0..count).map(|at| row.get_ref(at).map(value)).collect();
        let rows = statement
            .query_map([], row)
            .map_err(|error| explained(&error, sql))?;
        let rows = rows
            .collect::<rusqlite::Result<_>>()
            .map_err(|error| explained(&error, sql))?;
        Ok(Answer { columns, rows })
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        },
    }
}

fn is_refused(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::AuthorizationForStatementDenied)
}

/// The line of the statement with a mark below the place, where SQLite names one.
fn explained(error: &rusqlite::Error, sql: &str) -> anyhow::Error {
    if is_refused(error) {
        return anyhow!(
            "failed to ask: the index is only read; measure to add records, and delete files to take them away"
        );
    }
    let (what, offset) = match error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            (msg.clone(), usize::try_from(*offset).ok())
        }
        rusqlite::Error::MultipleStatement => ("one statement at a time".to_owned(), None),
        other => (other.to_string(), None),
    };
    let hint = "`cargo matrix sql --schema` lists tables and columns";
    let Some(before) = offset.and_then(|offset| sql.get(..offset)) else {
        return anyhow!("failed to ask: {what}; {hint}");
    };
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = sql[line_start..].lines().next().unwrap_or_default();
    let (number, column) = (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count(),
    );
    anyhow!(
        "failed to ask: {what}, line {number}, column {}; {hint}\n  {line}\n  {}^",
        column + 1,
        " ".repeat(column)
    )
}

impl Value {
    /// As people read it.
    fn shown(&self) -> String {
        match self {
            Value::Null => "n/a".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => rounded(*number),
            Value::Text(text) => text.clone(),
        }
    }

    /// As programs read it: unrounded.
    fn exact(&self) -> String {
        match self {
            Value::Real(number) => number.to_string(),
            other => other.shown(),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_none(),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Real(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// A row whose columns keep the order in which they were asked for.
struct InOrder<'a>(&'a [String], &'a [Value]);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

fn rounded(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let whole = number.abs().log10().floor() as i32 + 1;
    let decimals = usize::try_from(DIGITS as i32 - whole).unwrap_or(0).min(15);
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

impl Answer {
    /// The answer in a format.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        Ok(match format {
            Format::Text => self.table(|value| one_line(&value.shown())).text(),
            Format::Md => self.table(|value| one_line(&value.shown())).markdown(),
            Format::Csv => self.table(Value::exact).csv(),
            Format::Json => {
                let rows: Vec<InOrder<'_>> = self
                    .rows
                    .iter()
                    .map(|row| InOrder(&self.columns, row))
                    .collect();
                serde_json::to_string_pretty(&rows).context("failed to write the answer as JSON")?
                    + "\n"
            }
        })
    }

    fn table(&self, shown: impl Fn(&Value) -> String) -> Table {
        let mut table = Table::new(self.columns.clone());
        for row in &self.rows {
            table.row(row.iter().map(&shown).collect());
        }
        table
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_six_digits() {
        let shown = [0.0, 5.6789, 123_456.789, 0.000_123_456_78, -2.5].map(rounded);
        assert_eq!(shown, ["0", "5.6789", "123457", "0.000123457", "-2.5"]);
    }
}
