//! `cargo matrix`: see [`orthant_matrix::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    orthant_matrix::cli::main()
}
