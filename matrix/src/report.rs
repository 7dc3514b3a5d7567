//! Everything that can be shown of a record: the tables, the decisions of a comparison, idle connections, a soak. A report is
//! computed once; `report` prints it, the page draws it, the exports translate it.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::comparison::Comparison;
use crate::error::Outcome;
use crate::record::{Counts, Record};
use crate::sheet::{CountSheet, IdleSheet, Sheet, SoakSheet};
use crate::table::Format;
use crate::verdict::Decision;

/// What follows from a record.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was measured.
    pub record: Record,
    /// The cells; none of `idle`, of `count` and of a soak.
    pub sheet: Option<Sheet>,
    /// What was decided; empty unless it is a comparison.
    pub comparisons: Vec<Comparison>,
    /// The idle connections; of `idle` only.
    pub idle: Option<IdleSheet>,
    /// The counts; of `count` only.
    pub counts: Option<CountSheet>,
    /// The soak; of `soak` only.
    pub soak: Option<SoakSheet>,
}

/// The shape for programs: a sheet, and what was decided where something was.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    sheet: &'a Sheet,
    comparisons: &'a [Comparison],
}

impl Report {
    /// Computes everything.
    ///
    /// # Errors
    /// When histograms cannot be merged.
    pub fn of(record: Record) -> Result<Report> {
        let is_idle = !record.plan().idle.is_empty();
        let is_soak = record.plan().command == "soak";
        let is_count = record.plan().counts == Counts::Alone;
        let has_cells = !is_idle && !is_soak && !is_count;
        Ok(Report {
            sheet: has_cells.then(|| Sheet::of(&record)).transpose()?,
            comparisons: Comparison::all_of(&record),
            idle: is_idle.then(|| IdleSheet::of(&record)),
            counts: is_count.then(|| CountSheet::of(&record)),
            soak: is_soak.then(|| SoakSheet::of(&record)).transpose()?,
            record,
        })
    }

    /// The campaigns that it was made of, with commas.
    #[must_use]
    pub fn campaigns(&self) -> String {
        let campaigns: Vec<&str> = self.record.plans.keys().map(String::as_str).collect();
        campaigns.join(",")
    }

    /// With the rows of a [brief](Sheet::brief) sheet.
    #[must_use]
    pub fn brief(mut self) -> Report {
        self.sheet = self.sheet.map(Sheet::brief);
        self
    }

    /// What was decided, then the tables.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        let (Some(sheet), false) = (&self.sheet, self.comparisons.is_empty()) else {
            return self.tables(format);
        };
        if format == Format::Json {
            let shown = Shown {
                sheet,
                comparisons: &self.comparisons,
            };
            let text = serde_json::to_string_pretty(&shown);
            return Ok(text.context("failed to write the report as JSON")? + "\n");
        }
        let decided = self
            .comparisons
            .iter()
            .map(|comparison| comparison.print(format, None));
        let mut parts: Vec<String> = decided.collect::<Result<_>>()?;
        parts.push(self.tables(format)?);
        let line_end = if format == Format::Csv { "\r\n" } else { "\n" };
        Ok(parts.join(line_end))
    }

    fn tables(&self, format: Format) -> Result<String> {
        let sheet = self.sheet.as_ref().map(|sheet| sheet.print(format));
        let idle = self.idle.as_ref().map(|idle| idle.print(format));
        let soak = self.soak.as_ref().map(|soak| soak.print(format));
        let counts = self.counts.as_ref().map(|counts| counts.print(format));
        let shown = sheet.or(idle).or(counts).or(soak);
        shown.unwrap_or_else(|| Ok(String::new()))
    }

    /// What the command that shows it ends with: the worst decision; invalid before all others.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if !self.comparisons.is_empty() {
            let outcomes = || self.comparisons.iter().map(Comparison::outcome);
            let has = |outcome| outcomes().any(|found| found == outcome);
            return [Outcome::Invalid, Outcome::NoGo]
                .into_iter()
                .find(|outcome| has(*outcome))
                .unwrap_or(Outcome::Done);
        }
        if let Some(soak) = &self.soak {
            return match soak.decision {
                None => Outcome::Invalid,
                Some(Decision::NoGo) => Outcome::NoGo,
                Some(_) => Outcome::Done,
            };
        }
        let sheet = self.sheet.as_ref().is_some_and(Sheet::has_invalid);
        let idle = self.idle.as_ref().is_some_and(IdleSheet::has_invalid);
        let counts = self.counts.as_ref().is_some_and(CountSheet::has_invalid);
        if sheet || idle || counts {
            Outcome::Invalid
        } else {
            Outcome::Done
        }
    }
}
