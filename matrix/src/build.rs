//! Builds arms: each as its own executable, kept in `target/designs`.
//!
//! One cargo invocation per design, with that design's features alone: building several together would unify their
//! features, and the matrix would measure one library under several names. An executable is fresh when the hash of
//! everything that went into it is the recorded one and its own bytes are the recorded ones; then cargo is not asked.
//!
//! Invariant: a kill at any moment leaves an executable with its record, an executable without a valid record (built
//! again next time), or none; never half of one. One process builds at a time.

//!
//! A design of another revision is built from the one checkout of [`revision`], and is fresh for its
//! commit. It has a target folder of its own: cargo tells packages of two checkouts apart by nothing but the times of
//! their files. The compiler, its flags and the profile's name are today's, all else is the revision's.

mod cargo;
mod inputs;
mod kept;
mod record;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::arm::Arm;
use crate::axes::{Axes, peer_package};
use crate::design::Design;
use crate::error::{Fault, Faulty};
use crate::process::{self, Program};
use crate::revision::{self, Commit};
use crate::workspace::Workspace;

pub use cargo::{Failed, tree};

/// What follows a design's name in that of its executable that counts allocations.
const COUNTING: &str = ".counting";

/// An executable that can be started.
#[derive(Clone, Debug, Serialize)]
pub struct Built {
    /// What it is an executable of.
    pub arm: Arm,
    /// Where it lies; absolute. Of a command it is the program that is started.
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

impl Built {
    /// How it is started.
    #[must_use]
    pub fn program(&self) -> Program {
        match &self.arm {
            Arm::Commanded(commanded) => Program::Command(commanded.command.clone()),
            _ => Program::Executable(self.path.clone(), Vec::new()),
        }
    }
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
    let build = Build {
        axes,
        rebuild,
        toolchain: cargo::toolchain()?,
    };
    // Revisions first: whether they have what is asked for shows only now.
    let mut order: Vec<usize> = (0..arms.len()).collect();
    order.sort_by_key(|arm| !matches!(arms[*arm], Arm::Revised(..)));
    let mut built = Vec::new();
    for arm in order {
        let one = build.one(&arms[arm], show)?;
        show(Event::Ends(&one));
        built.push((arm, one));
    }
    built.sort_by_key(|(arm, _)| *arm);
    let built: Vec<Built> = built.into_iter().map(|(_, built)| built).collect();
    kept::prune(&designs, &built)?;
    Ok(built)
}

/// Builds the executable of a design that counts what goes through its allocator, under a name of its own. Its time and its
/// memory are not the design's.
///
/// # Errors
/// As [`build`].
pub fn counting(axes: &Axes, design: &Design, show: &mut dyn FnMut(Event<'_>)) -> Result<Built> {
    let _alone = lock(&axes.workspace().designs().join(".lock"))?;
    let build = Build {
        axes,
        rebuild: Rebuild::Stale,
        toolchain: cargo::toolchain()?,
    };
    let (name, arm) = (format!("{design}{COUNTING}"), Arm::Design(design.clone()));
    let target = cargo::Target::counting(design);
    build.sources_as(&name, axes.workspace(), &arm, &target, None, show)
}

/// The hash of a design's executable, if it is what the sources are now.
///
/// # Errors
/// When the sources or the executable cannot be read.
pub fn current(axes: &Axes, design: &Design) -> Result<Option<String>> {
    let target = cargo::Target::design(design, |_| true);
    let inputs = inputs::sha256(axes.workspace(), &target, &cargo::toolchain()?)?;
    record::fresh(
        &axes.workspace().designs().join(design.to_string()),
        &inputs,
    )
}

/// CPU seconds that cargo and all that it started took for an executable.
///
/// # Errors
/// When it was not built here.
pub fn cpu_s(executable: &Path) -> Result<f64> {
    record::build_cpu_s(executable)?.with_context(|| {
        format!(
            "nobody noted what building {} took: it is noted when cargo really builds, so run `cargo clean --profile design` \
             and `cargo matrix build --force`",
            executable.display()
        )
    })
}

/// What all arms of one call share.
struct Build<'a> {
    axes: &'a Axes,
    rebuild: Rebuild,
    toolchain: String,
}

impl Build<'_> {
    fn one(&self, arm: &Arm, show: &mut dyn FnMut(Event<'_>)) -> Result<Built> {
        let here = self.axes.workspace();
        match arm {
            Arm::Design(design) => self.sources(
                here,
                arm,
                &cargo::Target::design(design, |_| true),
                None,
                show,
            ),
            Arm::Floor(backend) => {
                self.sources(here, arm, &cargo::Target::floor(backend), None, show)
            }
            Arm::Peer(name) => {
                let peers = self.axes.peers_workspace()?;
                let target = cargo::Target::peer(&peer_package(name));
                let folder = here.target().join("peers");
                self.sources(&peers, arm, &target, Some(&folder), show)
            }
            Arm::Revised(commit, name) => self.revised(arm, commit, name, show),
            Arm::Commanded(commanded) => {
                let path = process::program_of(&commanded.command)
                    .with_context(|| format!("failed to find what --peer {arm} starts"))
                    .fault(Fault::Start)?;
                existing(arm, &path)
            }
            Arm::Executable(path) => existing(arm, path),
        }
    }

    /// Where its executable is kept.
    fn path(&self, name: &str) -> PathBuf {
        self.axes.workspace().designs().join(name)
    }

    /// The executable that is there, if these are its inputs.
    fn fresh(&self, arm: &Arm, path: &Path, inputs: &str) -> Result<Option<Built>> {
        let sha256 = match self.rebuild {
            Rebuild::Stale => record::fresh(path, inputs)?,
            Rebuild::Always => None,
        };
        sha256
            .map(|sha256| finished(arm, path, sha256, None))
            .transpose()
    }

    /// Builds from sources that somebody may change meanwhile.
    fn sources(
        &self,
        workspace: &Workspace,
        arm: &Arm,
        target: &cargo::Target,
        target_dir: Option<&Path>,
        show: &mut dyn FnMut(Event<'_>),
    ) -> Result<Built> {
        self.sources_as(&arm.name(), workspace, arm, target, target_dir, show)
    }

    /// The same, with another name for the executable.
    fn sources_as(
        &self,
        name: &str,
        workspace: &Workspace,
        arm: &Arm,
        target: &cargo::Target,
        target_dir: Option<&Path>,
        show: &mut dyn FnMut(Event<'_>),
    ) -> Result<Built> {
        let path = self.path(name);
        let inputs = inputs::sha256(workspace, target, &self.toolchain)?;
        if let Some(built) = self.fresh(arm, &path, &inputs)? {
            return Ok(built);
        }
        show(Event::Starts(arm));
        let (start, before_ns) = (Instant::now(), process::children_cpu_ns()?);
        let made = cargo::build(workspace, arm, target, target_dir)?;
        let build_s = start.elapsed().as_secs_f64();
        let cpu_s = made.cpu_s_since(before_ns)?;
        ensure!(
            inputs == inputs::sha256(workspace, target, &self.toolchain)?,
            "failed to build {arm}: its sources changed meanwhile; run the same command again"
        );
        let sha256 = record::install(&made.executable, &path, &inputs, cpu_s)?;
        finished(arm, &path, sha256, Some(build_s))
    }

    /// Builds what a commit has under a name, as that commit's own manifests say.
    fn revised(
        &self,
        arm: &Arm,
        commit: &Commit,
        name: &str,
        show: &mut dyn FnMut(Event<'_>),
    ) -> Result<Built> {
        let path = self.path(&format!("{commit}:{name}"));
        let inputs = inputs::sha256_at(commit, name, &self.toolchain);
        if let Some(built) = self.fresh(arm, &path, &inputs)? {
            kept::used(&path)?;
            return Ok(built);
        }
        let here = self.axes.workspace();
        let checkout = revision::checked_out(here, commit)?;
        let target = revised_target(&checkout, name)
            .with_context(|| format!("failed to build {arm} as that revision has it"))
            .fault(Fault::Start)?;
        show(Event::Starts(arm));
        let (start, before_ns) = (Instant::now(), process::children_cpu_ns()?);
        let folder = here.target().join("revisions/target");
        let made = cargo::build(&Workspace::read_in(&checkout)?, arm, &target, Some(&folder))?;
        let build_s = start.elapsed().as_secs_f64();
        let cpu_s = made.cpu_s_since(before_ns)?;
        let sha256 = record::install(&made.executable, &path, &inputs, cpu_s)?;
        finished(arm, &path, sha256, Some(build_s))
    }
}

/// What another revision calls by this name.
fn revised_target(checkout: &Path, name: &str) -> Result<cargo::Target> {
    let axes = Axes::of(Workspace::read_in(checkout)?)?;
    if let Arm::Floor(backend) = axes.built_here(name)? {
        return Ok(cargo::Target::floor(&backend));
    }
    let design = axes.design(name)?;
    let package = axes.workspace().package(design.package())?;
    Ok(cargo::Target::design(&design, |feature| {
        package.features.contains_key(feature)
    }))
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
