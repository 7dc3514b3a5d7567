//! The executable: one design, serving one of two applications.

#![cfg_attr(not(test), forbid(unsafe_code))]

mod arena;
mod arguments;
mod budget;
mod probe;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use orthant::{Error, Event, Handler, Options, serve_with};

use arena::{Arena, Dataset, Handicap};
use arguments::{App, Arguments};
use probe::Probe;

#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: orthant::Allocator = orthant::ALLOCATOR;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    orthant::log_to_stderr(
        arguments.log_level.into(),
        arguments.log_format.map(Into::into),
    );
    let done = if arguments.design {
        print(&arguments::design_json(&arguments.options()))
    } else if arguments.budget {
        print_budget(&arguments)
    } else {
        run(&arguments)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { sentence, code }) => {
            log::error!("{sentence}");
            ExitCode::from(code)
        }
    }
}

/// Why the program ends, and with which code: 2 where the command line or the machine has to change, 1 otherwise.
struct Failure {
    sentence: String,
    code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let code = if matches!(error, Error::Worker(_)) {
            1
        } else {
            2
        };
        Failure {
            sentence: error.to_string(),
            code,
        }
    }
}

fn print_budget(arguments: &Arguments) -> Result<(), Failure> {
    let options = arguments.options();
    options.limits.check().map_err(Error::Limits)?;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = options.workers.unwrap_or(cpus);
    print(&match arguments.app {
        App::Arena => budget::table::<Arena>(&options, workers),
        App::Probe => budget::table::<Probe>(&options, workers),
    })
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let design = orthant::Design::of_this_build();
    if !design.allocator_serves {
        let sentence = format!(
            "{} does not serve this process although it was chosen: build it anew",
            design.allocator
        );
        return Err(Failure { sentence, code: 1 });
    }
    let options = arguments.options();
    match arguments.app {
        App::Probe => serve(&design.name(), options, Probe),
        App::Arena => {
            let dataset = match &arguments.dataset {
                Some(file) => {
                    Dataset::read(file).map_err(|sentence| Failure { sentence, code: 2 })?
                }
                None => Dataset::generated(),
            };
            let handicap = Handicap::of_ns(arguments.handicap_ns);
            let arena = Arena::new(dataset).handicapped(handicap);
            serve(&design.name(), options, arena)
        }
    }
}

fn serve<H: Handler + Clone + Send + 'static>(
    name: &str,
    options: Options,
    handler: H,
) -> Result<(), Failure> {
    let mut announced = Ok(());
    serve_with(options, handler, |event| match event {
        Event::Listening(server) => announced = print(&format!("orthant {name} {server}")),
        Event::Hangup | Event::Stopping => {}
    })?;
    announced
}

/// Prints a line at once, also into a pipe.
fn print(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure {
            sentence: format!("failed to write to standard output: {error}"),
            code: 1,
        })
}

#[cfg(test)]
mod tests;
