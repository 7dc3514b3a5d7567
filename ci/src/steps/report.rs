//! What is made of records, as others read it: the page in a headless Chromium without a network, and each export by a reader or
//! a schema that is not ours. What a format means is for them to say; no test of ours can stand for that.
//!
//! The records are made up by the example `records`. Browser and readers are installed below `target/tools`, and need neither
//! root nor a display; which of them cannot be had the summary says, and what the others say still counts.

mod browser;
mod readers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, output, printed, run};

/// The kinds of records.
const KINDS: [&str; 5] = ["sweep", "compare", "idle", "soak", "count"];

/// The formats of `cargo matrix export` that are one text.
const TEXTS: [&str; 7] = [
    "go",
    "bencher",
    "github-smaller",
    "github-bigger",
    "openmetrics",
    "junit",
    "csv",
];

/// A comparison that decided for NO-GO, or a cell that does not count, ends `report` so; the pages are written all the same.
const JUDGED: [i32; 3] = [0, 1, 4];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let folder = checkout.target().join("ci-report");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to empty {}", folder.display()))?;
    }
    let made = Made::of(checkout, folder)?;
    let pages = browser::look(checkout, &made.pages()?)?;
    let formats = readers::read(checkout, &made.exports()?)?;
    Ok(Some(format!("{pages}; {formats}")))
}

/// Whether it ran and said yes.
fn asked(command: &mut Command) -> bool {
    output(command).is_ok_and(|output| output.status.success())
}

/// Records, and what is made of them.
struct Made {
    matrix: PathBuf,
    folder: PathBuf,
}

impl Made {
    fn of(checkout: &Checkout, folder: PathBuf) -> Result<Made> {
        // With the features of the whole workspace, as the step `test` has built them.
        let build = ["build", "--locked", "--workspace", "--bins", "--examples"];
        run(&mut cargo(checkout, build))?;
        let programs = checkout.target().join("debug");
        printed(Command::new(programs.join("examples/records")).arg(&folder))?;
        Ok(Made {
            matrix: programs.join("orthant-matrix"),
            folder,
        })
    }

    fn record(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("20260101T000000Z-{kind}-7.jsonl"))
    }

    fn pages(&self) -> Result<Vec<PathBuf>> {
        let page = |kind: &&str| {
            let page = self.folder.join(format!("{kind}.html"));
            let mut report = Command::new(&self.matrix);
            report
                .arg("report")
                .arg(self.record(kind))
                .arg("--html")
                .arg(&page);
            let ended = output(&mut report)?.status.code();
            ensure!(
                ended.is_some_and(|code| JUDGED.contains(&code)),
                "failed to write {}: the report ended with {ended:?}",
                page.display()
            );
            Ok(page)
        };
        KINDS.iter().map(page).collect()
    }

    /// A folder with FORMAT.KIND, and the arena's files below `arena`.
    fn exports(&self) -> Result<PathBuf> {
        let folder = self.folder.join("exports");
        for kind in KINDS {
            for format in TEXTS {
                self.export(kind, format, &folder.join(format!("{format}.{kind}")))?;
            }
        }
        self.export("sweep", "arena", &folder.join("arena"))?;
        Ok(folder)
    }

    fn export(&self, kind: &str, format: &str, out: &Path) -> Result<()> {
        let mut export = Command::new(&self.matrix);
        export.arg("export").arg(self.record(kind));
        export.args(["--to", format, "--out"]).arg(out);
        printed(&mut export).map(drop)
    }
}
