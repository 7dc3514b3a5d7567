//! The command line: which command runs, and the exit code its result becomes.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    attack, bisect, build, check, compare, count, doctor, effects, export, idle, list, pareto,
    quick, recommend, report, run, selftest, soak, sql, sweep, triage,
};
use crate::error::{Outcome, fault_of};

/// Builds every design of the server, drives the same load against each, and says which differences are real
///
/// Exit codes: 0 done or GO, 1 NO-GO, 2 wrong usage, 3 INCONCLUSIVE with --fail-inconclusive or a bisection not decided,
/// 4 invalid measurement, a case that failed, an attack that did harm or nothing to bisect, 5 a build or a start failed,
/// 130 interrupted.
///
/// Example: cargo matrix quick
#[derive(Debug, Parser)]
#[command(
    name = "cargo matrix",
    bin_name = "cargo matrix",
    version,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Build(build::Args),
    Check(check::Args),
    Attack(attack::Args),
    Run(run::Args),
    Sweep(sweep::Args),
    Compare(compare::Args),
    Bisect(bisect::Args),
    Quick(quick::Args),
    Count(count::Args),
    Idle(idle::Args),
    Triage(triage::Args),
    Soak(soak::Args),
    Report(report::Args),
    Export(export::Args),
    Sql(sql::Args),
    Effects(effects::Args),
    Pareto(pareto::Args),
    Recommend(recommend::Args),
    Doctor(doctor::Args),
    Selftest(selftest::Args),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::List(args) => list::run(&args).map(|()| Outcome::Done),
        Command::Build(args) => build::run(&args).map(|()| Outcome::Done),
        Command::Check(args) => check::run(&args),
        Command::Attack(args) => attack::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Bisect(args) => bisect::run(&args),
        Command::Quick(args) => quick::run(&args),
        Command::Count(args) => count::run(&args),
        Command::Idle(args) => idle::run(&args),
        Command::Triage(args) => triage::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Effects(args) => effects::run(&args).map(|()| Outcome::Done),
        Command::Pareto(args) => pareto::run(&args).map(|()| Outcome::Done),
        Command::Recommend(args) => recommend::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Sql(args) => sql::run(&args).map(|()| Outcome::Done),
        Command::Doctor(args) => doctor::run(&args).map(|()| Outcome::Done),
        Command::Selftest(args) => selftest::run(&args),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            fault_of(&error).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_shows_one_example() {
        let mut command = Cli::command();
        command.build();
        for command in command.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let example = format!("Example: cargo matrix {}", command.get_name());
            assert_eq!(help.matches(&example).count(), 1, "{help}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
