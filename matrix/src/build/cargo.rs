//! One invocation of cargo for one executable.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::Message;

use crate::arm::Arm;
use crate::axes::{backend_package, floor_target};
use crate::design::Design;
use crate::process;
use crate::workspace::Workspace;

/// The profile of everything that is measured.
pub(super) const PROFILE: &str = "design";

/// What autoconf (jemalloc), the crate cc (mimalloc) and rustc (linking) say when there is no C compiler.
const NO_C_COMPILER: [&str; 4] = [
    "C compiler cannot create executables",
    "no acceptable C compiler found",
    "failed to find tool",
    "linker `cc` not found",
];

/// What cargo is asked for.
pub(super) struct Target {
    /// The package that holds it.
    pub(super) package: String,
    /// The features of that package; empty for a floor, which has none.
    pub(super) features: Vec<String>,
    /// The arguments that choose it.
    arguments: Vec<String>,
}

/// The feature that counts allocations.
const COUNTS: &str = "count-allocations";

impl Target {
    /// `known` are the features of the design's package: early revisions have no `command`.
    pub(super) fn design<'a>(design: &Design, known: impl Fn(&str) -> bool + 'a) -> Self {
        let features = design.features().into_iter();
        let features = features.filter(|feature| known(feature)).collect();
        Self::executable(design.package(), features)
    }

    pub(super) fn counting(design: &Design) -> Self {
        let features = design.features().into_iter().chain([COUNTS]).collect();
        Self::executable(design.package(), features)
    }

    /// The executable that a package has by its own name.
    fn executable(package: &str, features: Vec<&str>) -> Self {
        let features: Vec<_> = features.into_iter().map(str::to_owned).collect();
        let arguments = [
            "--bin",
            package,
            "--no-default-features",
            "--features",
            &features.join(","),
        ];
        Self {
            package: package.to_owned(),
            arguments: arguments.map(str::to_owned).to_vec(),
            features,
        }
    }

    /// A peer: the one executable of its package.
    pub(super) fn peer(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            arguments: Vec::new(),
            features: Vec::new(),
        }
    }

    pub(super) fn floor(backend: &str) -> Self {
        let arguments = vec!["--example".to_owned(), floor_target(backend)];
        Self {
            package: backend_package(backend),
            arguments,
            features: Vec::new(),
        }
    }
}

/// Cargo could not build an arm; its own words are shown.
#[derive(Debug)]
pub struct Failed {
    arm: String,
    command: String,
    stderr: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arm,
            command,
            stderr,
        } = self;
        let says = stderr.trim_end();
        let lacks_c = NO_C_COMPILER.iter().any(|words| says.contains(words));
        let advice = if lacks_c {
            "A C compiler that works is missing: install gcc or clang, or name one in CC"
        } else {
            "Correct that"
        };
        write!(
            f,
            "failed to build {arm}; cargo says:\n{says}\n{advice}; then run `{command}` alone until it passes"
        )
    }
}

impl std::error::Error for Failed {}

/// What cargo made, or found made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// Where it left the executable.
    pub(super) executable: PathBuf,
    /// Whether it was there already, so that nothing was built.
    is_fresh: bool,
}

impl Made {
    /// CPU seconds since the clock of children was read; none where nothing was built.
    pub(super) fn cpu_s_since(&self, before_ns: u64) -> Result<Option<f64>> {
        let took_s = (process::children_cpu_ns()? - before_ns) as f64 / 1e9;
        Ok((!self.is_fresh).then_some(took_s))
    }
}

/// Builds the target. It builds in `target_dir`, or where the workspace does.
pub(super) fn build(
    workspace: &Workspace,
    arm: &Arm,
    target: &Target,
    target_dir: Option<&Path>,
) -> Result<Made> {
    let arguments = [
        "build",
        "--locked",
        "--profile",
        PROFILE,
        "--package",
        &target.package,
    ];
    let arguments: Vec<_> = arguments
        .into_iter()
        .chain(target.arguments.iter().map(String::as_str))
        .collect();
    let command = format!("cargo {}", arguments.join(" "));
    let mut cargo = Command::new(cargo());
    cargo
        .args(&arguments)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace.root());
    if let Some(folder) = target_dir {
        cargo.arg("--target-dir").arg(folder);
    }
    let output = cargo
        .output()
        .with_context(|| format!("failed to start `{command}`: is cargo on the PATH?"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failed {
            arm: arm.name(),
            command,
            stderr,
        }
        .into());
    }
    made(&output.stdout)
        .with_context(|| format!("failed to find the executable that `{command}` built"))
}

/// What a design links, a package on each line: its name, its version, and its folder if it is of the workspace.
///
/// # Errors
/// When cargo does not say.
pub fn tree(workspace: &Workspace, design: &Design) -> Result<String> {
    let features = design.features().join(",");
    let what = [
        "tree",
        "--locked",
        "--package",
        design.package(),
        "--edges",
        "normal,no-proc-macro",
    ];
    let how = [
        "--prefix",
        "none",
        "--no-default-features",
        "--features",
        &features,
    ];
    let arguments = [&what[..], &how].concat();
    let command = format!("cargo {}", arguments.join(" "));
    let output = Command::new(cargo())
        .args(&arguments)
        .current_dir(workspace.root())
        .output()
        .with_context(|| format!("failed to start `{command}`: is cargo on the PATH?"))?;
    ensure!(
        output.status.success(),
        "failed to run `{command}`: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What says which compiler builds, for the hash of inputs.
pub(super) fn toolchain() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-Vv")
        .output()
        .context("failed to start `rustc -Vv`: is it on the PATH?")?;
    ensure!(
        output.status.success(),
        "failed to run `rustc -Vv`: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The cargo that runs us, so that the same toolchain builds the designs.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn made(messages: &[u8]) -> Result<Made> {
    let mut made = None;
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(executable) = artifact.executable
        {
            made = Some(Made {
                executable: executable.into(),
                is_fresh: artifact.fresh,
            });
        }
    }
    made.context("cargo named none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(stderr: &str) -> String {
        let failed = Failed {
            arm: "epoll+floor".to_owned(),
            command: "cargo build".to_owned(),
            stderr: stderr.to_owned(),
        };
        failed.to_string()
    }

    #[test]
    fn a_failure_says_what_cargo_says_and_what_to_do() {
        assert_eq!(
            failed("error: oh\n\n"),
            "failed to build epoll+floor; cargo says:\nerror: oh\nCorrect that; then run `cargo build` alone until it passes"
        );
    }

    #[test]
    fn what_was_there_already_took_nothing() {
        let artifact = |fresh: bool| {
            let target = r#"{"kind":["bin"],"crate_types":["bin"],"name":"x","src_path":"/x.rs","edition":"2024"}"#;
            let profile = r#"{"opt_level":"3","debug_assertions":false,"overflow_checks":false,"test":false}"#;
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"x 1","manifest_path":"/Cargo.toml","target":{target},"profile":{profile},"features":[],"filenames":["/x"],"executable":"/x","fresh":{fresh}}}"#
            )
        };
        let built = made(artifact(false).as_bytes()).unwrap();
        assert_eq!(built.executable, Path::new("/x"));
        assert!(built.cpu_s_since(0).unwrap().is_some());
        let found = made(artifact(true).as_bytes()).unwrap();
        assert_eq!(found.cpu_s_since(0).unwrap(), None);
    }

    #[test]
    fn a_missing_c_compiler_is_named() {
        let said = failed("configure: error: C compiler cannot create executables\n");
        assert!(said.contains("install gcc or clang"), "{said}");
    }
}
