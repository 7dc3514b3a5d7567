//! `cargo ci`: every check of the project, the same on a laptop and on a server.

use std::process::ExitCode;

fn main() -> ExitCode {
    orthant_ci::cli::main()
}
