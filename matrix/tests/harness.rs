//! The harness as its workloads drive it: what a request is, on both sides of the socket.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::PathBuf;
use std::process::Command;

use orthant_matrix::load::{Answers, Load, Model, Plan};
use orthant_matrix::process::{End, Program, Server, usable_cpus};
use orthant_matrix::workload::Workload;

/// An executable of the harness. It is there where the tests of the workspace are built.
fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join(name);
    if !path.exists() {
        let what = [
            "--quiet",
            "--package",
            "orthant-harness",
            "--bins",
            "--examples",
        ];
        let mut cargo = Command::new(env!("CARGO"));
        cargo.arg("build").args(what);
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.unwrap().success());
    }
    path
}

#[test]
fn every_workload_of_allocators_has_its_answers_from_the_harness_and_from_its_floor() {
    let cpu = usable_cpus().unwrap()[0];
    let all = Workload::ALL.into_iter();
    let workloads: Vec<_> = all.filter(|it| it.is_of_allocators()).collect();
    assert_eq!(workloads.len(), 7);
    for (name, answers) in [
        ("orthant-harness", Answers::Arena),
        ("examples/harness-floor", Answers::Floor),
    ] {
        for workload in &workloads {
            let program = Program::Executable(built(name), Vec::new());
            let server = Server::start(&program, cpu, 0).unwrap();
            assert!(server.name.starts_with("harness+"), "{}", server.name);
            let mut load = Load::new().unwrap();
            let target = load
                .connect(Plan {
                    address: server.address,
                    workload: *workload,
                    answers,
                    model: Model::Closed,
                    connections: 2,
                    seed: 0,
                })
                .unwrap();
            let slice = load.writes(target, 3).unwrap();
            assert_eq!(
                (slice.requests, slice.wrong, slice.unanswered),
                (6, 0, 0),
                "{name}, {workload}: {:?}",
                slice.first_wrong
            );
            load.close(target);
            assert_eq!(server.stop().unwrap(), End::Stopped);
        }
    }
}
