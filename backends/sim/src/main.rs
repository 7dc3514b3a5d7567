//! Simulates; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    orthant_sim::cli::main()
}
