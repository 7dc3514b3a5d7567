//! The command line: which steps, in which order, and the summary at the end.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::Parser;

use crate::checkout::Checkout;
use crate::steps::{self, Options, SOAK, STEPS, Step};
use crate::tools;

/// Check the project: every step in order, or those that are named
///
/// Example: cargo ci fmt rules clippy
#[derive(Debug, Parser)]
#[command(name = "cargo ci", bin_name = "cargo ci", version)]
struct Args {
    /// Steps to run, in the order of `--list` whatever the order here; all of them if none is named
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// List the steps and what each checks
    #[arg(long)]
    list: bool,
    /// Go on after a step failed
    #[arg(long)]
    keep_going: bool,
    /// With the step `readme`: renew the generated parts instead of checking them
    #[arg(long)]
    write: bool,
    /// With the step `fuzz`: search for so many minutes with each target instead of trying a fixed number of inputs
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// With `soak-sim`: how many seeds to simulate
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// With `soak-sim`: the seed to begin with, or to go on with
    #[arg(long, value_name = "SEED")]
    first_seed: Option<u64>,
}

/// How a step ended.
struct Ended {
    step: &'static Step,
    elapsed_s: f64,
    /// What the step wants to be seen in the summary, or why it failed.
    result: Result<Option<String>>,
}

/// Reads the arguments, runs the steps, prints the summary; 0 when every step passed, 1 when one failed, 2 for usage.
pub fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        print!("{}", steps::list());
        return ExitCode::SUCCESS;
    }
    let chosen = match chosen(&args) {
        Ok(chosen) => chosen,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    match run(&args, &chosen) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn chosen(args: &Args) -> Result<Vec<&'static Step>> {
    let soaks = args.steps == [SOAK.name];
    ensure!(
        soaks || args.seeds.is_none() && args.first_seed.is_none(),
        "failed to use --seeds or --first-seed: they belong to `cargo ci soak-sim --seeds N`"
    );
    if soaks {
        return Ok(vec![&SOAK]);
    }
    for name in &args.steps {
        if !STEPS.iter().any(|step| step.name == name) {
            let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
            bail!(
                "failed to find the step `{name}`: there is {}",
                names.join(", ")
            );
        }
    }
    ensure!(
        !args.write || args.steps == ["readme"],
        "failed to use --write: it belongs to `cargo ci readme --write`"
    );
    ensure!(
        args.minutes.is_none() || args.steps == ["fuzz"],
        "failed to use --minutes: it belongs to `cargo ci fuzz --minutes N`"
    );
    let named =
        |step: &&Step| args.steps.is_empty() || args.steps.iter().any(|name| step.name == name);
    Ok(STEPS.iter().filter(named).collect())
}

/// Whether every step passed.
fn run(args: &Args, chosen: &[&'static Step]) -> Result<bool> {
    tools::require()?;
    let checkout = Checkout::read()?;
    let options = Options {
        write: args.write,
        minutes: args.minutes,
        seeds: args.seeds,
        first_seed: args.first_seed,
    };
    let mut ended = Vec::new();
    for step in chosen {
        println!("\n== {}: {}", step.name, step.about);
        let start = Instant::now();
        let result = (step.run)(&checkout, options);
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        let failed = result.is_err();
        ended.push(Ended {
            step,
            elapsed_s: start.elapsed().as_secs_f64(),
            result,
        });
        if failed && !args.keep_going {
            break;
        }
    }
    print!("\n{}", summary(&ended, chosen.len()));
    Ok(ended.len() == chosen.len() && ended.iter().all(|ended| ended.result.is_ok()))
}

fn summary(ended: &[Ended], of: usize) -> String {
    let mut text = String::new();
    for Ended {
        step,
        elapsed_s,
        result,
    } in ended
    {
        let (state, note) = match result {
            Ok(note) => ("ok", note.clone().unwrap_or_default()),
            Err(_) => ("FAILED", format!("again: cargo ci {}", step.name)),
        };
        text += format!("{:8}  {state:6}  {elapsed_s:6.1} s  {note}", step.name).trim_end();
        text.push('\n');
    }
    let elapsed_s: f64 = ended.iter().map(|ended| ended.elapsed_s).sum();
    let passed = ended.iter().filter(|ended| ended.result.is_ok()).count();
    text + &format!("{passed} of {of} steps passed in {elapsed_s:.0} s\n")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn args(line: &str) -> Args {
        Args::parse_from(line.split(' '))
    }

    #[test]
    fn steps_run_in_their_own_order() {
        let names = |line| -> Vec<_> {
            chosen(&args(line))
                .unwrap()
                .iter()
                .map(|step| step.name)
                .collect()
        };
        assert_eq!(names("ci clippy fmt"), ["fmt", "clippy"]);
        assert_eq!(names("ci").len(), STEPS.len());
        assert_eq!(names("ci soak-sim --seeds 9"), ["soak-sim"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let error = |line| {
            chosen(&args(line))
                .expect_err("this must be refused")
                .to_string()
        };
        assert!(error("ci fmtt").contains("there is fmt, "));
        assert!(error("ci fmt --write").contains("cargo ci readme --write"));
        assert!(error("ci fmt --seeds 9").contains("cargo ci soak-sim --seeds N"));
        assert!(error("ci fmt --minutes 1").contains("cargo ci fuzz --minutes N"));
    }

    #[test]
    fn the_summary_says_what_to_run_again_and_what_to_know() {
        let ended = [
            Ended {
                step: &STEPS[0],
                elapsed_s: 0.25,
                result: Ok(Some("seen".to_owned())),
            },
            Ended {
                step: &STEPS[1],
                elapsed_s: 61.0,
                result: Err(anyhow!("no")),
            },
        ];
        let text = summary(&ended, 9);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "fmt       ok         0.2 s  seen");
        assert_eq!(
            lines[1],
            format!(
                "{:8}  FAILED    61.0 s  again: cargo ci {}",
                STEPS[1].name, STEPS[1].name
            )
        );
        assert_eq!(lines[2], "1 of 9 steps passed in 61 s");
    }
}
