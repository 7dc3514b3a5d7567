//! `cargo matrix list --hack-args` against cargo-hack itself: both must name the same sets of features.
//!
//! The test is ignored by default, because cargo-hack is no part of the toolchain: `cargo ci designs` installs the
//! pinned version and runs it.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use orthant_matrix::axes::Axes;

#[test]
#[ignore = "needs cargo-hack: run `cargo ci designs`"]
fn cargo_hack_walks_exactly_the_designs() {
    let axes = Axes::read().expect("the tests run inside the workspace");
    let designs = axes.designs();
    let ours: BTreeSet<_> = designs
        .iter()
        .map(|design| sorted(&design.features()))
        .collect();
    let commands = command_list(&axes);
    let hacks = sets(&commands);
    assert_eq!(ours, hacks);
    assert!(!ours.is_empty());
}

/// What `--print-command-list` prints, one command of cargo per line.
fn command_list(axes: &Axes) -> String {
    let installed = axes.workspace().target().join("tools/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([installed].into_iter().chain(env::split_paths(&path)))
        .expect("folders without a colon");
    let output = Command::new("cargo-hack")
        .args([
            "hack",
            "check",
            "--print-command-list",
            "--package",
            "orthant",
        ])
        .args(
            axes.hack_args()
                .expect("the exclusions of the manifest can be expressed"),
        )
        .current_dir(axes.workspace().root())
        .env("PATH", path)
        .output()
        .expect("failed to start cargo-hack: `cargo ci designs` installs it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo-hack prints UTF-8")
}

/// The features of each command; every command must leave the default features out.
fn sets(commands: &str) -> BTreeSet<Vec<&str>> {
    commands
        .lines()
        .map(|command| {
            assert!(command.contains("--no-default-features"), "{command}");
            let words: Vec<_> = command.split_whitespace().collect();
            let at = words
                .iter()
                .position(|&word| word == "--features")
                .expect("each command chooses features");
            sorted(&words[at + 1].split(',').collect::<Vec<_>>())
        })
        .collect()
}

fn sorted<'a>(features: &[&'a str]) -> Vec<&'a str> {
    let mut features = features.to_vec();
    features.sort_unstable();
    features
}
