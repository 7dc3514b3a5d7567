//! A view as text, Markdown, CSV or JSON.

use anyhow::{Context, Result};
use serde::Serialize;

use super::axes::{self, Shown, of_effects, of_front};
use super::{Part, head, markdown, text};
use crate::sheet::{Effects, Front, Place, View};
use crate::table::{Format, Table};
use crate::verdict::key;

impl View<Effects> {
    /// The whole view.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        let all = self.workloads.iter();
        let parts = all
            .clone()
            .map(|viewed| of_effects(viewed.workload, &viewed.found));
        let rows = || axes::csv(all.map(|viewed| (viewed.workload, &viewed.found)));
        let csv = || rows().map_or(String::new(), |table| table.csv());
        self.printed(format, parts.collect(), csv)
    }
}

impl View<Front> {
    /// The whole view.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        let all = self.workloads.iter();
        let parts = all.map(|viewed| of_front(viewed.workload, &viewed.found, Shown::All));
        self.printed(format, parts.collect(), || self.csv())
    }

    fn csv(&self) -> String {
        let mut table = Table::new(["workload", "design", "metric", "value", "standing", "by"]);
        for viewed in &self.workloads {
            for design in &viewed.found.designs {
                let by = match &design.place {
                    Place::Unbeaten => "",
                    Place::Open(by) | Place::Beaten(by) => by,
                };
                for (metric, figure) in viewed.found.objectives.iter().zip(&design.figures) {
                    table.row(vec![
                        viewed.workload.to_string(),
                        design.design.clone(),
                        key(*metric),
                        figure.to_string(),
                        design.place.name().to_owned(),
                        by.to_owned(),
                    ]);
                }
            }
        }
        table.csv()
    }
}

impl<T: Serialize> View<T> {
    fn printed(
        &self,
        format: Format,
        parts: Vec<Part>,
        csv: impl FnOnce() -> String,
    ) -> Result<String> {
        let head = || {
            head(
                &self.campaigns,
                &self.machines,
                &self.settings,
                &self.left_out,
            )
        };
        Ok(match format {
            Format::Text => text(&head(), parts),
            Format::Md => markdown(&head(), parts),
            Format::Csv => csv(),
            Format::Json => {
                serde_json::to_string_pretty(self).context("failed to write the view as JSON")?
                    + "\n"
            }
        })
    }
}
