//! `cargo matrix check`: does every design answer as the RFCs say?

mod play;
mod print;

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use orthant_conformance::{Case, arena, h1};
use serde::Serialize;

use crate::arm::Arm;
use crate::axes::Axes;
use crate::build::{Built, Rebuild, build, told};
use crate::commands::peers::Peers;
use crate::commands::{build as building, measure};
use crate::error::{Fault, Faulty, Outcome, fault_of};
use crate::process::{self, End, Server};
use crate::record::LeftOut;
use crate::stats::random::fresh_seed;
use crate::table::Format;

use play::{Judged, Progress, play};

/// Check that designs answer as the RFCs say
///
/// Each design is built and started twice: with `--app probe` for the cases of RFC 9110 and 9112, and with `--app arena` for
/// those of the arena, whose requests are cut in two at every byte. A case that is not passed is shown with its section of
/// the RFC, what was sent, what came and what is allowed; then the exit code is 4. A run that fails is played once more,
/// so that a busy machine does not decide, and where the second try passes the case is counted and named; what is critical
/// has no second try.
///
/// Other servers are checked in the same run: those below matrix/peers, and any by `--peer`, whose command needs {app}
/// where it is to serve both applications: cargo matrix check --app probe epoll+split+system peer:hyper
///
/// Example: cargo matrix check epoll+split+system --group chunked
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Designs such as uring+split+mimalloc or HEAD~1:uring+split+mimalloc, peer:hyper, or paths; every design that this
    /// machine can run if none is named
    #[arg(value_name = "ARM")]
    arms: Vec<String>,
    /// Only designs with this value on this axis, such as backend=epoll; repeat it to narrow further
    #[arg(short = 'E', long, value_name = "AXIS=VALUE", conflicts_with = "arms")]
    only: Vec<String>,
    /// Only cases of this group, such as chunked or arena; repeat it for more
    #[arg(short, long)]
    group: Vec<String>,
    /// Only this case, such as h1-5abe94; repeat it for more
    #[arg(long = "case", value_name = "ID", conflicts_with_all = ["group", "slow"])]
    cases: Vec<String>,
    /// Only the cases for this application: probe, whose are those of the RFCs, or arena. Other servers may lack the other
    #[arg(long, value_name = "APP", value_parser = ["probe", "arena"])]
    app: Option<String>,
    /// The slow cases too, such as a byte per second; they take as long as the server lets them, 90 s at most
    #[arg(long)]
    slow: bool,
    /// Connections at one time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    #[command(flatten)]
    peers: Peers,
    /// Where the arena's random numbers come from
    #[arg(long)]
    seed: Option<u64>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Findings {
    seed: u64,
    checked: Vec<Checked>,
    left_out: Vec<LeftOut>,
}

/// What was found of one design.
#[derive(Debug, Serialize)]
struct Checked {
    design: String,
    seconds: f64,
    /// In which way it ended before its time, or did not end.
    ended: Vec<String>,
    cases: Vec<Judged>,
}

/// The cases for one application.
struct Suite {
    app: &'static str,
    cases: Vec<Case>,
}

/// Plays the cases and prints what was found.
///
/// # Errors
/// When a design cannot be built or started.
pub fn run(args: &Args) -> Result<Outcome> {
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let suites = suites(args, seed)?;
    let axes = Axes::read()?;
    let built = build(&axes, &chosen(&axes, args)?, Rebuild::Stale, &mut told)?;
    process::catch_interrupts();
    let findings = check(args, seed, &suites, &built)?;
    measure::show(&print::printed(&findings, args.format)?)?;
    if findings.checked.iter().any(Checked::is_wrong) {
        return Ok(Outcome::Wrong);
    }
    if findings.checked.is_empty() || !(args.arms.is_empty() || findings.left_out.is_empty()) {
        let names: Vec<_> = findings.left_out.iter().map(|arm| &arm.name[..]).collect();
        let error = anyhow::anyhow!(
            "failed to check {}: this machine cannot run it; the reason is above",
            names.join(", ")
        );
        return Err(error).fault(Fault::Refused);
    }
    Ok(Outcome::Done)
}

fn chosen(axes: &Axes, args: &Args) -> Result<Vec<Arm>> {
    let mut asked = building::Args::default();
    asked.names.clone_from(&args.arms);
    asked.only.clone_from(&args.only);
    let arms = building::chosen(axes, &asked, &args.peers)?;
    axes.refuse_harnesses(&arms, "check")?;
    if let Some(floor) = arms.iter().find(|arm| arm.is_floor()) {
        bail!(
            "failed to check {floor}: a floor speaks no HTTP, it answers every head alike; name a design"
        );
    }
    Ok(arms)
}

/// The cases that were asked for, by application.
fn suites(args: &Args, seed: u64) -> Result<Vec<Suite>> {
    let all = [("probe", h1()), ("arena", arena(seed))];
    let known = |what: &dyn Fn(&Case) -> &str, name: &String| {
        let is_known = all
            .iter()
            .flat_map(|(_, cases)| cases)
            .any(|case| what(case) == name);
        let mut names: Vec<&str> = all
            .iter()
            .flat_map(|(_, cases)| cases)
            .map(|case| &case.group[..])
            .collect();
        names.sort_unstable();
        names.dedup();
        ensure!(
            is_known,
            "failed to find a case of `{name}`: the groups are {}; `--format json` shows every case",
            names.join(", ")
        );
        Ok(())
    };
    args.group
        .iter()
        .try_for_each(|name| known(&|case| &case.group, name))?;
    args.cases
        .iter()
        .try_for_each(|name| known(&|case| &case.id, name))?;
    let asked = |case: &Case| {
        if args.cases.is_empty() {
            (args.slow || !case.slow) && (args.group.is_empty() || args.group.contains(&case.group))
        } else {
            args.cases.contains(&case.id)
        }
    };
    let suite = |(app, cases): (&'static str, Vec<Case>)| Suite {
        app,
        cases: cases.into_iter().filter(asked).collect(),
    };
    let is_asked = |suite: &Suite| args.app.as_deref().is_none_or(|app| app == suite.app);
    let suites: Vec<Suite> = all
        .into_iter()
        .map(suite)
        .filter(|suite| is_asked(suite) && !suite.cases.is_empty())
        .collect();
    ensure!(
        !suites.is_empty(),
        "failed to find a case of what was asked for: those cases are for the other application; leave --app away"
    );
    Ok(suites)
}

fn check(args: &Args, seed: u64, suites: &[Suite], built: &[Built]) -> Result<Findings> {
    let mut findings = Findings {
        seed,
        checked: Vec::new(),
        left_out: Vec::new(),
    };
    let progress = Progress::new(
        built.len(),
        suites.iter().map(|suite| play::runs(&suite.cases)).sum(),
    );
    for built in built {
        progress.begin(&built.arm.name());
        match checked(args, suites, built, &progress) {
            Ok(checked) => findings.checked.push(checked),
            Err(error) if fault_of(&error) == Fault::Refused => {
                let (name, reason) = (built.arm.name(), format!("{error:#}"));
                progress.say(&format!("left out {name}: {reason}"));
                findings.left_out.push(LeftOut { name, reason });
            }
            Err(error) => return Err(error),
        }
    }
    progress.finish();
    Ok(findings)
}

fn checked(args: &Args, suites: &[Suite], built: &Built, progress: &Progress) -> Result<Checked> {
    let cpu = *process::usable_cpus()?
        .first()
        .context("no CPU may be used")?;
    let start = Instant::now();
    let mut checked = Checked {
        design: built.arm.name(),
        seconds: 0.0,
        ended: Vec::new(),
        cases: Vec::new(),
    };
    for suite in suites {
        let server = Server::start(&built.program().serving(suite.app), cpu, 0)?;
        checked.cases.extend(play(
            server.address,
            &suite.cases,
            args.connections,
            progress,
        )?);
        match server.stop()? {
            End::Stopped => {}
            End::Killed => checked
                .ended
                .push(format!("--app {}: it did not end on SIGTERM", suite.app)),
            End::Died { what } => checked
                .ended
                .push(format!("--app {}: it ended, {what}", suite.app)),
        }
    }
    checked.seconds = start.elapsed().as_secs_f64();
    Ok(checked)
}
