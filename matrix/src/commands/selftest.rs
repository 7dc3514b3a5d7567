//! `cargo matrix selftest`: does this tool, on this machine and today, find what is there and nothing else?

mod print;

use anyhow::{Context, Result};

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Floors, Refused, planned};
use crate::commands::measure::{self, Measure};
use crate::error::Outcome;
use crate::selftest::{HANDICAP_SHARE_MAX, Passed, Selftest, handicap};
use crate::verdict::looks;
use crate::workload::Workload;

/// Let the tool prove itself: equal servers have to come out equal, and a handicap has to be found
///
/// Three copies of one executable are alive in every launch, and one of them does work for each request that costs 3 % of its
/// CPU time. The launches are looked at as those of `compare`, until the handicap is decided. Then the table says for each
/// metric what came out, and the smallest difference that four comparisons in five would find at today's noise, after 8, 16
/// and 32 launches, and how long those take.
///
/// The exit code is 0 when the handicap was found and the copies were not called different, 3 when it was not found, 4 when
/// copies were called different or a server did not answer right.
///
/// Example: cargo matrix selftest -w pipelined
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A design of this tree, or the path of one
    #[arg(default_value = "epoll+split+system")]
    arm: String,
    /// The load
    #[arg(short, long, value_enum, default_value = "baseline")]
    workload: Workload,
    /// What the handicap costs, in percent of the CPU time of a request
    #[arg(long, value_name = "PERCENT", default_value_t = 3.0, value_parser = percent)]
    handicap: f64,
    /// Launches after which it ends
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(8..=32))]
    max_launches: u32,
    /// Rounds per launch
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    measure: Measure,
}

/// Measures and prints.
///
/// # Errors
/// When the executable cannot be built, started or measured.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    let started = measure::now();
    let arm = axes.arm(&args.arm)?;
    axes.refuse_harnesses(std::slice::from_ref(&arm), "test this tool by")?;
    let asked = Asked {
        command: "selftest",
        started: started.clone(),
        seed: args.measure.output.seed(),
        arms: vec![arm; 3],
        coverage: Coverage::Full,
        floors: Floors::AsAsked,
        workloads: vec![args.workload],
        idle: Vec::new(),
        counts: crate::record::Counts::None,
        comparison: None,
        settings: args.measure.settings(args.max_launches, args.rounds, None),
        refused: Refused::Fails,
    };
    let mut plan = planned(&axes, asked)?;
    let planted_ns = handicap(&mut plan, args.handicap / 100.0)?;
    eprintln!(
        "{} % of what a request costs are {planted_ns} ns",
        args.handicap
    );
    let output = &args.measure.output;
    let mut campaign = output.begin_plan(&axes, plan, &started)?;
    let made = Selftest::made(&mut campaign, args.workload, &looks(args.max_launches));
    campaign.finish();
    let selftest = made.context(
        "failed to finish the selftest; it needs a design of this tree, which knows --handicap-ns",
    )?;
    measure::show(&print::printed(&selftest, &campaign, output.format)?)?;
    Ok(match selftest.passed() {
        Passed::Yes => Outcome::Done,
        Passed::Blind => Outcome::Inconclusive,
        Passed::FalseAlarm | Passed::Invalid => Outcome::Invalid,
    })
}

fn percent(text: &str) -> Result<f64, String> {
    let most = HANDICAP_SHARE_MAX * 100.0;
    let is_sound = |percent: &f64| *percent > 0.0 && *percent <= most;
    let percent = text.parse().ok().filter(is_sound);
    percent.ok_or_else(|| format!("a number above 0 and up to {most} is needed"))
}
