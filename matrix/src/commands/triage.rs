//! `cargo matrix triage`: where the resident memory of a server is.

mod print;

use anyhow::{Context, Result};

use crate::arm::{Arm, FLOOR};
use crate::axes::{Axes, BACKEND};
use crate::build::{self, Rebuild, build};
use crate::campaign::check_answers;
use crate::commands::measure;
use crate::design::Design;
use crate::error::Outcome;
use crate::launch::placed;
use crate::load::{self, Answers};
use crate::process::{self, Program, Server};
use crate::stats::random::{Random, fresh_seed};
use crate::table::Format;
use crate::triage::{Subject, triage};
use crate::workload::Workload;

/// Say where the resident memory of a server is: text, stacks, heap live and free, buffers, rings
///
/// The server is started, loaded and read with its connections open: by smaps, by the counters of its allocator (by its
/// admin address, which is open), and by what it says of itself. Further starts change one factor each: no connections, 16
/// times as many, two workers, no admin address. What nobody explains is shown as unaccounted.
///
/// Example: cargo matrix triage epoll+split+system -w json
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A design, or a path to an executable of one; of others only the mappings are told
    arm: String,
    /// The load
    #[arg(short, long, value_enum, default_value = "baseline")]
    workload: Workload,
    /// Connections to the server
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Also start the designs that differ in buffers, allocator or policy alone; each of them is built
    #[arg(long)]
    siblings: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Finds out and prints.
///
/// # Errors
/// When it cannot be built, started or read.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    process::catch_interrupts();
    let subject = subject(args, &axes)?;
    let found = triage(&subject, &mut |what| eprintln!("reading {what} …"))?;
    let text = print::printed(&found, &args.arm, &subject, args.format)?;
    measure::show(&text)?;
    Ok(Outcome::Done)
}

fn subject(args: &Args, axes: &Axes) -> Result<Subject> {
    let arm = axes.arm(&args.arm)?;
    let built = build(
        axes,
        std::slice::from_ref(&arm),
        Rebuild::Stale,
        &mut build::told,
    )?;
    let executable = built
        .into_iter()
        .next()
        .context("an arm has an executable")?
        .path;
    let cpus = process::usable_cpus()?;
    let mut random = Random::new(fresh_seed(), &[]);
    let (server_cpu, client_cpu) = placed(&cpus, &mut random);
    let program = Program::Executable(executable.clone(), Vec::new());
    let server = Server::start(&program, server_cpu, 0)?;
    let name = server.name.clone();
    server.stop()?;
    check_answers(axes, &name, args.workload)?;
    let design = axes.design(&name).ok();
    let siblings = match &design {
        Some(design) if args.siblings => siblings(axes, design)?,
        _ => Vec::new(),
    };
    let is_silent = |design: &Design| design.value("allocator") == Some("mimalloc");
    let counting = match (&arm, &design) {
        (Arm::Design(_), Some(design)) if is_silent(design) => {
            Some(build::counting(axes, design, &mut build::told)?.path)
        }
        _ => None,
    };
    load::pin_to(client_cpu)?;
    Ok(Subject {
        executable,
        is_design: design.is_some(),
        answers: match name.ends_with(FLOOR) {
            true => Answers::Floor,
            false => Answers::Arena,
        },
        workload: args.workload,
        connections: args.connections,
        server_cpu,
        siblings,
        counting,
    })
}

/// The designs that differ in one value, but not in the backend, built.
fn siblings(axes: &Axes, design: &Design) -> Result<Vec<(String, std::path::PathBuf)>> {
    let differs = |other: &Design| {
        let pairs = design.choices().iter().zip(other.choices());
        let apart: Vec<_> = pairs
            .filter(|(own, other)| own.value != other.value)
            .collect();
        matches!(apart[..], [(own, _)] if own.axis != BACKEND)
    };
    let all = match axes.is_harness(&design.name()) {
        true => axes.harnesses(),
        false => axes.designs(),
    };
    let arms: Vec<Arm> = all.into_iter().filter(differs).map(Arm::Design).collect();
    let built = build(axes, &arms, Rebuild::Stale, &mut build::told)?;
    Ok(built
        .into_iter()
        .map(|built| (built.arm.name(), built.path))
        .collect())
}
