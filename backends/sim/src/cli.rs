//! The command line: seeds or events, from which seed on, and what is shown of a failure.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::campaign::{Outcome, Until, run_seeds, shrink};
use crate::scenario::Part;
use crate::seed::{Failure, Trace, run_seed};

/// Drive the engine of the server in virtual time, with seeded faults, and judge every answer
///
/// Example, one run with all its details: orthant-sim --first-seed 7 --seeds 1
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The seed to begin with
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// How many seeds to run
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Run as many seeds as it takes to simulate so many events
    #[arg(long, conflicts_with = "seeds")]
    events: Option<u64>,
    /// Fail when some kind of fault, answer or end never occurred
    #[arg(long)]
    cover: bool,
    /// Say now and then how far it has got
    #[arg(long)]
    progress: bool,
    /// Of each run these clients only, by number, with commas
    #[arg(long, value_delimiter = ',')]
    clients: Vec<usize>,
    /// Of each client so many requests at most
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    requests: usize,
}

/// Reads the arguments, runs the seeds, prints the result; 0 when nothing went wrong.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let part = Part {
        clients: args.clients.clone(),
        requests_max: args.requests,
    };
    let until = args.events.map_or(Until::Seeds(args.seeds), Until::Events);
    // A panic is a failure of its run, and told as one.
    std::panic::set_hook(Box::new(|_| ()));
    let start = Instant::now();
    let mut told_s = 0;
    let outcome = run_seeds(args.first_seed, until, &part, |next_seed, counts| {
        let elapsed_s = start.elapsed().as_secs();
        if args.progress && elapsed_s >= told_s + 10 {
            told_s = elapsed_s;
            println!(
                "{elapsed_s} s: {} events, to go on with --first-seed {next_seed}",
                counts.events
            );
        }
    });
    let Outcome {
        counts,
        next_seed,
        failure,
    } = outcome;
    print!("{counts}");
    println!(
        "{} seeds, {} events, {} connections, {} requests checked",
        next_seed - args.first_seed,
        counts.events,
        counts.connections,
        counts.requests
    );
    if let Some(failure) = failure {
        report(&if args.clients.is_empty() {
            shrink(failure)
        } else {
            run_seed(failure.seed, &part, Trace::On)
                .1
                .unwrap_or(failure)
        });
        return ExitCode::FAILURE;
    }
    let missing = counts.missing();
    if args.cover && !missing.is_empty() {
        eprintln!(
            "error: failed to simulate everything: there was no {}; run more seeds, or look why it no longer occurs",
            missing.join(", no ")
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn report(failure: &Failure) {
    let Part {
        clients,
        requests_max,
    } = &failure.part;
    for line in &failure.trace {
        println!("{line}");
    }
    let mut again = format!(
        "cargo run -p orthant-sim -- --seeds 1 --first-seed {}",
        failure.seed
    );
    if !clients.is_empty() {
        let clients: Vec<_> = clients.iter().map(ToString::to_string).collect();
        again += &format!(" --clients {}", clients.join(","));
    }
    if *requests_max < usize::MAX {
        again += &format!(" --requests {requests_max}");
    }
    eprintln!(
        "error: seed {} fails with {}\nagain: {again}",
        failure.seed, failure.says
    );
}
