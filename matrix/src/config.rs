//! `matrix.toml`: what a project always wants to ask of a comparison, so that nobody has to type it.
//!
//! Whatever is not known there is refused with its line and the nearest name that is. The command line beats the file, a
//! table of one workload beats `[compare]`. `matrix.toml.example` shows every key.

mod given;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use crate::axes::nearest;
use crate::workload::Workload;

pub use given::{Guards, MarginsGiven, MetricName};
use given::{connections, launches, minutes};

/// The file at the root of the workspace.
pub const FILE: &str = "matrix.toml";

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What `cargo matrix compare` is to do.
    pub compare: Compare,
}

/// `[compare]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compare {
    /// The metric that is to improve.
    pub primary: Option<MetricName>,
    /// All that guard it, instead of those that do so by themselves.
    pub guards: Option<Guards>,
    /// By how much a metric has to differ to matter.
    pub margins: MarginsGiven,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// Launches after which it ends undecided.
    #[serde(deserialize_with = "launches")]
    pub max_launches: Option<u32>,
    /// Minutes after which it ends undecided.
    #[serde(deserialize_with = "minutes")]
    pub max_minutes: Option<f64>,
    /// Connections to each server.
    #[serde(deserialize_with = "connections")]
    pub connections: Option<u32>,
    /// What is different under one workload.
    pub workload: BTreeMap<Workload, OfWorkload>,
}

/// `[compare.workload.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfWorkload {
    /// As in [`Compare`].
    pub primary: Option<MetricName>,
    /// As in [`Compare`].
    pub guards: Option<Guards>,
    /// As in [`Compare`]; those that are not named stay.
    pub margins: MarginsGiven,
}

impl Config {
    /// Reads `named`, or else `matrix.toml` in `root` where there is one.
    ///
    /// # Errors
    /// When the file that was named is not there, or what a file says is not understood.
    pub fn read(named: Option<&Path>, root: &Path) -> Result<Config> {
        let found = || Some(root.join(FILE)).filter(|path| path.exists());
        let Some(path) = named.map(PathBuf::from).or_else(found) else {
            return Ok(Config::default());
        };
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "failed to read {}; matrix.toml.example of the workspace shows what it may say",
                path.display()
            )
        })?;
        Config::of(&text).with_context(|| format!("failed to read {}", path.display()))
    }

    /// Reads what a file says.
    ///
    /// # Errors
    /// With the line and the nearest known name.
    pub fn of(text: &str) -> Result<Config> {
        toml::from_str(text).map_err(|error| {
            let hint = hint(error.message());
            anyhow!("{}{hint}", error.to_string().trim_end())
        })
    }
}

/// Which name may have been meant, of a message that quotes an unknown one and then those that are known.
fn hint(message: &str) -> String {
    let quoted: Vec<String> = message
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    match quoted.split_first() {
        Some((unknown, known)) if message.starts_with("unknown ") => {
            let near = nearest(unknown, known);
            near.first()
                .map_or(String::new(), |near| format!("\ndid you mean `{near}`?"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Margins, Metric};

    const EXAMPLE: &str = include_str!("../../matrix.toml.example");

    fn refused(text: &str) -> String {
        format!("{:#}", Config::of(text).unwrap_err())
    }

    #[test]
    fn the_example_is_understood_and_shows_every_key() {
        let compare = Config::of(EXAMPLE).unwrap().compare;
        assert_eq!(compare.primary, Some(MetricName(Metric::CpuPerRequest)));
        assert_eq!(compare.guards.map(|guards| guards.0.len()), Some(2));
        let usual = Margins::default();
        for (metric, margin) in compare.margins.0 {
            let said = f64::max(margin.share, margin.absolute / 1e6);
            assert!((said - usual.of(metric, 1e6)).abs() < 1e-9, "{metric:?}");
        }
        assert_eq!(compare.workloads, [Workload::Baseline, Workload::Json]);
        assert_eq!(compare.max_launches, Some(32));
        assert_eq!(compare.max_minutes, Some(20.0));
        assert_eq!(compare.connections, Some(64));
        let json = &compare.workload[&Workload::Json];
        assert!(json.primary.is_some() && json.guards.is_some() && json.margins.0.len() == 1);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line_and_the_nearest_name() {
        for (text, line, near) in [
            ("[compare]\nmargns = { p99 = \"1%\" }\n", 2, "`margins`"),
            ("[compre]\n", 1, "`compare`"),
            ("[compare]\nprimary = \"memry\"\n", 2, "`memory`"),
            ("[compare.margins]\np9 = \"1%\"\n", 2, "`p99`"),
            (
                "[compare]\nguards = [\"p99\", \"throughputs\"]\n",
                2,
                "`throughput`",
            ),
            ("[compare]\n\nworkloads = [\"jsn\"]\n", 3, "`json`"),
            ("[compare.workload.json]\nguard = []\n", 2, "`guards`"),
        ] {
            let error = refused(text);
            assert!(error.contains(&format!("at line {line},")), "{error}");
            assert!(error.ends_with(&format!("did you mean {near}?")), "{error}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_its_line_and_what_can_be() {
        for (text, words) in [
            (
                "[compare.margins]\nmemory = \"5ms\"\n",
                "is no margin of private memory",
            ),
            ("[compare.margins]\nthroughput = 2\n", "such as \"1%\""),
            ("[compare]\nmax_launches = 7\n", "8 to 32"),
            ("[compare]\nmax_minutes = 0\n", "more than 0"),
            ("[compare]\nconnections = 0\n", "1 to 10000"),
        ] {
            let error = refused(text);
            assert!(
                error.contains("at line 2,") && error.contains(words),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_that_was_named_has_to_be_there_and_the_other_need_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            Config::read(None, folder.path()).unwrap(),
            Config::default()
        );
        let error = Config::read(Some(Path::new("no-such.toml")), folder.path()).unwrap_err();
        assert!(format!("{error:#}").contains("failed to read no-such.toml"));
        std::fs::write(folder.path().join(FILE), "[compare]\nmax_launches = 8\n").unwrap();
        let found = Config::read(None, folder.path()).unwrap();
        assert_eq!(found.compare.max_launches, Some(8));
    }
}
