//! `cargo matrix attack`: what hostile clients do to a server, and to the others that it serves.

mod print;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use crate::arm::Arm;
use crate::attack::{Attack, Opponent, Pace, Seen, Times, tried};
use crate::axes::Axes;
use crate::build::{Built, Rebuild, build, told};
use crate::campaign::check_answers;
use crate::commands::peers::Peers;
use crate::commands::{build as building, measure};
use crate::error::{Fault, Outcome, fault_of};
use crate::process;
use crate::record::LeftOut;
use crate::stats::random::fresh_seed;
use crate::table::Format;
use crate::workload::Workload;

/// Descriptors that this process needs besides those of the attackers.
const OTHER_DESCRIPTORS: u64 = 512;

/// Attack designs, and see what that does to them and to honest clients
///
/// Each attack meets a server of its own with one worker on one CPU. Honest clients ask at a fixed pace all the time, and
/// every answer is checked; windows without attackers and with them take turns. The exit code is 4 when an honest client
/// got a wrong answer or none, when memory went beyond the server's budget or a byte of the attackers cost 100 bytes and
/// more, when descriptors or connections were left, when no new client is served or the server does not come to rest, and
/// when the p99 of honest clients more than doubled while the machine was quiet.
///
/// Example: cargo matrix attack epoll+split+system --attack slow-head --attack slow-reader
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Designs such as uring+split+mimalloc or HEAD~1:uring+split+mimalloc, peer:hyper, or paths; every design that this
    /// machine can run if none is named
    #[arg(value_name = "ARM")]
    arms: Vec<String>,
    /// Only designs with this value on this axis, such as backend=epoll; repeat it to narrow further
    #[arg(short = 'E', long, value_name = "AXIS=VALUE", conflicts_with = "arms")]
    only: Vec<String>,
    /// Only this attack; repeat it for more
    #[arg(short, long = "attack", value_name = "NAME", value_parser = names())]
    attacks: Vec<String>,
    /// Seconds under each attack, in all windows together
    /// [default: 3, or 60 with --long]
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// Windows with attackers, and as many without
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Leave the server's deadlines as they are by default, and give each attack a minute if --seconds says nothing else
    #[arg(long)]
    long: bool,
    /// What honest clients ask for
    #[arg(short, long, value_enum, default_value_t = Workload::Mixed)]
    workload: Workload,
    /// Requests per second of all honest clients
    #[arg(long, value_name = "PER_S", default_value_t = 4_800, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    #[command(flatten)]
    peers: Peers,
    /// Where all chance comes from
    #[arg(long)]
    seed: Option<u64>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Everything that was seen.
#[derive(Debug, Serialize)]
struct Findings {
    seed: u64,
    attacked: Vec<Seen>,
    left_out: Vec<LeftOut>,
}

/// Attacks and prints.
///
/// # Errors
/// When a design cannot be built or started.
pub fn run(args: &Args) -> Result<Outcome> {
    let attacks: Vec<&'static Attack> = Attack::all()
        .filter(|attack| args.is_asked(attack))
        .collect();
    let axes = Axes::read()?;
    let built = build(&axes, &chosen(&axes, args)?, Rebuild::Stale, &mut told)?;
    process::open_files_at_least(Attack::clients_max() + OTHER_DESCRIPTORS)?;
    process::catch_interrupts();
    let findings = attack(args, &attacks, &built)?;
    measure::show(&print::printed(&findings, args.format)?)?;
    if findings.attacked.iter().any(Seen::is_harmed) {
        return Ok(Outcome::Wrong);
    }
    if findings.attacked.is_empty() {
        bail!(
            "failed to attack anything: this machine can run none of the designs; the reasons are above"
        );
    }
    Ok(Outcome::Done)
}

impl Args {
    fn is_asked(&self, attack: &Attack) -> bool {
        self.attacks.is_empty() || self.attacks.iter().any(|name| name == attack.name)
    }

    fn pace(&self, seed: u64) -> Pace {
        let seconds = self.seconds.unwrap_or(if self.long { 60.0 } else { 3.0 });
        Pace {
            rounds: self.rounds,
            window: Duration::from_secs_f64(seconds / f64::from(self.rounds)),
            workload: self.workload,
            requests_per_s: f64::from(self.rate),
            seed,
        }
    }
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(Attack::all().map(|attack| attack.name))
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.05..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.05 to a day is needed".to_owned()),
    }
}

fn chosen(axes: &Axes, args: &Args) -> Result<Vec<Arm>> {
    let mut asked = building::Args::default();
    asked.names.clone_from(&args.arms);
    asked.only.clone_from(&args.only);
    let arms = building::chosen(axes, &asked, &args.peers)?;
    axes.refuse_harnesses(&arms, "attack")?;
    for arm in &arms {
        check_answers(axes, &arm.name(), args.workload)?;
    }
    if let Some(floor) = arms.iter().find(|arm| arm.is_floor()) {
        bail!("failed to attack {floor}: a floor speaks no HTTP and has no limits; name a design");
    }
    Ok(arms)
}

fn attack(args: &Args, attacks: &[&'static Attack], built: &[Built]) -> Result<Findings> {
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let mut findings = Findings {
        seed,
        attacked: Vec::new(),
        left_out: Vec::new(),
    };
    let cpus = process::usable_cpus().context("failed to place the server and its clients")?;
    let times = if args.long {
        Times::Default
    } else {
        Times::Shortened
    };
    let total = built.len() * attacks.len();
    for built in built {
        let opponent = Opponent::of(built.arm.name(), built.program(), times);
        ensure!(
            opponent.budget_bytes.is_some() || !matches!(built.arm, Arm::Design(_)),
            "failed to ask {} for its budget: `{} --design` says why",
            opponent.name,
            built.path.display()
        );
        for attack in attacks {
            let at = findings.attacked.len() + 1;
            eprintln!("{at}/{total}: {} on {}", attack.name, opponent.name);
            match tried(attack, &opponent, &args.pace(seed), &cpus) {
                Ok(seen) => findings.attacked.push(seen),
                Err(error) if fault_of(&error) == Fault::Refused => {
                    let (name, reason) = (built.arm.name(), format!("{error:#}"));
                    eprintln!("left out {name}: {reason}");
                    findings.left_out.push(LeftOut { name, reason });
                    break;
                }
                Err(error) => return Err(error).context(format!("failed to see {}", attack.name)),
            }
        }
    }
    Ok(findings)
}
