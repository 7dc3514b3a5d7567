//! Builds arms: each as its own executable, kept in `target/designs`.
//!
//! One cargo invocation per design, with that design's features alone: building several together would unify their
//! features, and the matrix would measure one library under several names. An executable is fresh when the hash of
//! everything that went into it is the recorded one and its own bytes are the recorded ones; then cargo is not asked.
//!
//! Invariant: a kill at any moment leaves an executable with its record, an executable without a valid record (built
//! again next time), or none; never half of one. One process builds at a time.

mod cargo;
mod inputs;
mod record;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::arm::Arm;
use crate::axes::Axes;

pub use cargo::Failed;

/// An executable that can be started.
#[derive(Clone, Debug, Serialize)]
pub struct Built {
    /// What it is an executable of.
    pub arm: Arm,
    /// Where it lies; absolute.
    pub path: PathBuf,
    /// Of the executable's bytes, in hexadecimal.
    pub sha256: String,
    /// Length of the file.
    pub size_bytes: u64,
    /// Whether an earlier build was kept.
    pub fresh: bool,
    /// What cargo took; 0 for what was fresh.
    pub build_s: f64,
}

/// Which executables are built again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// Those whose inputs changed.
    Stale,
    /// All of them.
    Always,
}

/// What happens while arms are built, for whoever shows it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Cargo is about to build this arm.
    Starts(&'a Arm),
    /// The arm has its executable.
    Ends(&'a Built),
}

/// Says on stderr what is under way, for whoever waits.
pub fn told(event: Event<'_>) {
    match event {
        Event::Starts(arm) => eprintln!("building {arm} …"),
        Event::Ends(built) if built.fresh => {}
        Event::Ends(built) => eprintln!("built {} in {:.0} s", built.arm, built.build_s),
    }
}

/// Builds what is not fresh, one after the other, and returns every arm with its executable, in the order given.
///
/// A compiler's complaint is a [`Failed`] inside the error.
pub fn build(
    axes: &Axes,
    arms: &[Arm],
    rebuild: Rebuild,
    show: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Built>> {
    let designs = axes.workspace().designs();
    fs::create_dir_all(&designs).with_context(|| {
        format!(
            "failed to create {}; make its parent writable",
            designs.display()
        )
    })?;
    let _alone = lock(&designs.join(".lock"))?;
    let toolchain = cargo::toolchain()?;
    let mut built = Vec::new();
    for arm in arms {
        built.push(one(axes, arm, rebuild, &toolchain, show)?);
        show(Event::Ends(&built[built.len() - 1]));
    }
    Ok(built)
}

fn one(
    axes: &Axes,
    arm: &Arm,
    rebuild: Rebuild,
    toolchain: &str,
    show: &mut dyn FnMut(Event<'_>),
) -> Result<Built> {
    let target = match arm {
        Arm::Design(design) => cargo::Target::design(design),
        Arm::Floor(backend) => cargo::Target::floor(backend),
        Arm::Executable(path) => return existing(arm, path),
    };
    let path = axes.workspace().designs().join(arm.name());
    let inputs = inputs::sha256(axes.workspace(), &target, toolchain)?;
    if rebuild == Rebuild::Stale
        && let Some(sha256) = record::fresh(&path, &inputs)?
    {
        return finished(arm, &path, sha256, None);
    }
    show(Event::Starts(arm));
    let start = Instant::now();
    let executable = cargo::build(axes.workspace(), arm, &target)?;
    let build_s = start.elapsed().as_secs_f64();
    ensure!(
        inputs == inputs::sha256(axes.workspace(), &target, toolchain)?,
        "failed to build {arm}: its sources changed meanwhile; run the same command again"
    );
    let sha256 = record::install(&executable, &path, &inputs)?;
    finished(arm, &path, sha256, Some(build_s))
}

fn existing(arm: &Arm, path: &Path) -> Result<Built> {
    let path = path.canonicalize().with_context(|| {
        format!(
            "failed to find {}; build it or name another",
            path.display()
        )
    })?;
    let sha256 = record::file_sha256(&path)?;
    finished(arm, &path, sha256, None)
}

fn finished(arm: &Arm, path: &Path, sha256: String, build_s: Option<f64>) -> Result<Built> {
    let metadata = path
        .metadata()
        .with_context(|| format!("failed to read {}", path.display()))?;
    Ok(Built {
        arm: arm.clone(),
        path: path.to_owned(),
        sha256,
        size_bytes: metadata.len(),
        fresh: build_s.is_none(),
        build_s: build_s.unwrap_or(0.0),
    })
}

/// Waits until no other process builds designs; cargo's own lock ends before the executable is copied away.
fn lock(path: &Path) -> Result<File> {
    let context = || {
        format!(
            "failed to lock {}; make its folder writable",
            path.display()
        )
    };
    let file = File::create(path).with_context(context)?;
    file.lock().with_context(context)?;
    Ok(file)
}
