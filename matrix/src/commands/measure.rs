//! What all measuring commands have in common: arguments, and the way from a campaign to a printed table.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::axes::Axes;
use crate::campaign::{Asked, Campaign, planned};
use crate::error::Outcome;
use crate::record::{Plan, Settings};
use crate::report::Report;
use crate::stats::random::fresh_seed;
use crate::store::now_utc;
use crate::table::Format;

/// As many as one core of a client keeps busy without queueing for long.
const CONNECTIONS: u32 = 64;

/// Arguments of every command that loads servers.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Measure {
    /// Connections to each server; 64 if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) connections: Option<u32>,
    /// Length of a slice in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 25, value_parser = clap::value_parser!(u64).range(5..=10_000))]
    pub(super) slice_ms: u64,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Arguments of every command that makes a record.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Output {
    /// Where all chance comes from; a record names its own
    #[arg(long)]
    seed: Option<u64>,
    /// Where the record goes; results/ of the workspace if not given
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl Measure {
    pub(super) fn settings(
        &self,
        launches: u32,
        rounds: u32,
        requests_per_s: Option<f64>,
    ) -> Settings {
        Settings {
            launches,
            rounds,
            slice_ms: self.slice_ms,
            connections: self.connections.unwrap_or(CONNECTIONS),
            requests_per_s,
        }
    }
}

impl Output {
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(fresh_seed)
    }

    /// Where records go.
    pub(super) fn folder(&self, root: &Path) -> PathBuf {
        self.store.clone().unwrap_or_else(|| root.join("results"))
    }

    /// Builds, plans and begins.
    pub(super) fn begin(&self, axes: &Axes, asked: Asked) -> Result<Campaign> {
        let started = asked.started.clone();
        self.begin_plan(axes, planned(axes, asked)?, &started)
    }

    /// Begins what is planned.
    pub(super) fn begin_plan(&self, axes: &Axes, plan: Plan, started: &str) -> Result<Campaign> {
        self.begin_in(&self.folder(axes.workspace().root()), axes, plan, started)
    }

    /// The same, with the record in a folder.
    pub(super) fn begin_in(
        &self,
        folder: &Path,
        axes: &Axes,
        plan: Plan,
        started: &str,
    ) -> Result<Campaign> {
        let campaign = Campaign::begin(plan, started, folder, axes.workspace().root())?;
        eprintln!(
            "seed {}, record {}",
            campaign.plan().seed,
            campaign.path().display()
        );
        Ok(campaign)
    }
}

/// A rate of the open loop.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && f64::is_finite(rate) => Ok(rate),
        _ => Err("a number of requests per second above 0 is needed".to_owned()),
    }
}

/// Makes what is missing and prints the table.
pub(super) fn complete(campaign: &mut Campaign, format: Format) -> Result<Outcome> {
    campaign.complete()?;
    let report = Report::of(campaign.record().clone())?;
    show(&report.print(format)?)?;
    if format == Format::Text {
        show(&format!("\nkept in {}\n", campaign.path().display()))?;
    }
    Ok(report.outcome())
}

/// Prints a result. A reader that has gone, as in `… | head`, is an error like any other and no panic.
pub(super) fn show(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("failed to print the result")
}

/// The moment a command is given.
pub(super) fn now() -> String {
    now_utc()
}
