//! Notes which revision is built, by which compiler, for `--design`. Outside a git checkout the revision is `unknown`.

use std::process::Command;

/// What goes into an executable, seen from the workspace.
const SOURCES: [&str; 9] = [
    ".cargo/config.toml",
    "core",
    "tasks",
    "backends",
    "allocators",
    "server",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];

fn main() {
    let git = |arguments: &[&str]| output(Command::new("git").current_dir("..").args(arguments));
    let revision =
        git(&["rev-parse", "--short=12", "HEAD"]).map_or("unknown".to_owned(), |revision| {
            let changed = git(&[&["status", "--porcelain", "--"][..], &SOURCES].concat());
            let dirty = changed.is_none_or(|changes| !changes.is_empty());
            if dirty {
                format!("{revision}-dirty")
            } else {
                revision
            }
        });
    println!("cargo::rustc-env=ORTHANT_REVISION={revision}");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let version = output(Command::new(rustc).arg("--version")).unwrap_or("unknown".to_owned());
    println!("cargo::rustc-env=ORTHANT_RUSTC={version}");
    if let Some(log) = git(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "logs/HEAD",
    ]) {
        println!("cargo::rerun-if-changed={log}");
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed=../{source}");
    }
}

/// What the command printed, if it could be run and succeeded.
fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
