//! The workloads with the allocator of a design.

use std::process::ExitCode;

use orthant_harness::{Allocated, serve};

#[global_allocator]
static ALLOCATOR: orthant::Allocator = orthant::ALLOCATOR;

fn main() -> ExitCode {
    serve::<Allocated>(|design| design.name().replacen("epoll+split", "harness", 1))
}
