//! The command line and the start, the same for the harness and its floor.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use orthant::{Design, Error, Event, Listen, Options};

use crate::app::App;
use crate::memory::Memory;

/// Workloads of allocators behind HTTP: each request makes the one of its path go on for some thousand operations.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  orthant-harness --listen 127.0.0.1:8080 &\n  curl http://127.0.0.1:8080/alloc-mixed"
)]
struct Arguments {
    /// Where to listen: ADDRESS:PORT, port 0 takes a free one; unix:PATH
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:8080")]
    listen: Vec<Listen>,

    /// Worker threads, each with workloads of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,

    /// Address and port that answer /metrics in OpenMetrics text, and /healthz [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,

    /// Print the design of this executable as JSON, and exit
    #[arg(long)]
    design: bool,
}

/// Serves under this name until it is told to end.
pub fn serve<M: Memory>(name: impl Fn(&Design) -> String) -> ExitCode {
    let arguments = Arguments::parse();
    orthant::log_to_stderr(orthant::LevelFilter::Warn, None);
    let design = Design::of_this_build();
    let name = name(&design);
    let done = if arguments.design {
        print(&design_json(&design, &name)).map_err(|error| (error.to_string(), 1))
    } else if design.allocator_serves {
        run::<M>(&arguments, &name)
    } else {
        let allocator = design.allocator;
        let sentence = format!(
            "{allocator} does not serve this process although it was chosen: build it anew"
        );
        Err((sentence, 1))
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((sentence, code)) => {
            eprintln!("error: {sentence}");
            ExitCode::from(code)
        }
    }
}

/// Why it ends, and the exit code: 2 where the command line or the machine has to change.
fn run<M: Memory>(arguments: &Arguments, name: &str) -> Result<(), (String, u8)> {
    let options = Options {
        listen: arguments.listen.clone(),
        workers: Some(arguments.workers.into()),
        admin: arguments.admin,
        ..Options::default()
    };
    let mut announced = Ok(());
    let served = orthant::serve_with(options, App::<M>::NEW, |event| match event {
        Event::Listening(server) => announced = print(&format!("orthant {name} {server}")),
        Event::Hangup | Event::Stopping => {}
    });
    served.map_err(|error| {
        let code = if matches!(error, Error::Worker(_)) {
            1
        } else {
            2
        };
        (error.to_string(), code)
    })?;
    announced.map_err(|error| (error.to_string(), 1))
}

/// What `--design` of the server says, as far as it says something of an allocator.
fn design_json(design: &Design, name: &str) -> String {
    let own_bytes = orthant::Tuning::default().needs().own_bytes;
    let json = serde_json::json!({
        "name": name,
        "allocator": design.allocator,
        "policy": design.policy,
        "allocator_version": design.allocator_version,
        "allocator_serves": design.allocator_serves,
        "version": design.version,
        "revision": design.revision,
        "rustc": design.rustc,
        "worker_bytes_max": { "own": own_bytes },
    });
    format!("{json:#}")
}

/// Prints a line at once, also into a pipe.
fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
