//! The hash of everything that goes into an executable.
//!
//! Contents count, times do not: a checkout back and forth builds nothing. What comes from outside the workspace is in
//! Cargo.lock with its checksum. A package counts with all its files except its tests and benchmarks, so a change that
//! the compiler would not see may build too much, never too little.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::cargo::{PROFILE, Target};
use super::record::hex;
use crate::revision::Commit;
use crate::workspace::Workspace;

/// Files of the workspace that decide how every package is built, and what the floors of all backends include; one that
/// does not exist counts as empty.
const FILES: [&str; 5] = [
    "backends/floor.rs",
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain.toml",
    ".cargo/config.toml",
];

/// Variables that change what cargo, rustc, the C compiler or jemalloc's build produce, by how their names begin.
const VARIABLES: [&str; 13] = [
    "AR",
    "LDFLAGS",
    "HOST_",
    "TARGET_",
    "CARGO_TARGET_",
    "RUSTFLAGS",
    "RUSTC",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CC",
    "CFLAGS",
    "JEMALLOC_SYS_",
];

/// What of a package's folder is never in its executables.
const ASIDE: [&str; 3] = ["tests", "benches", "target"];

/// The hash for this target, in hexadecimal.
pub(super) fn sha256(workspace: &Workspace, target: &Target, toolchain: &str) -> Result<String> {
    let mut inputs = Inputs::of(toolchain);
    inputs.add("package", target.package.as_bytes());
    inputs.add("features", target.features.join(",").as_bytes());
    for name in FILES {
        let path = workspace.root().join(name);
        let content = if path.exists() {
            read(&path)?
        } else {
            Vec::new()
        };
        inputs.add(name, &content);
    }
    let features: Vec<_> = target.features.iter().map(String::as_str).collect();
    for package in workspace.linked(workspace.package(&target.package)?, &features) {
        let folder = package
            .manifest_path
            .parent()
            .context("failed to find the folder of a manifest")?;
        for path in files(folder.as_std_path())? {
            let name = path.strip_prefix(workspace.root()).unwrap_or(&path);
            inputs.add(&name.to_string_lossy(), &read(&path)?);
        }
    }
    Ok(inputs.sha256())
}

/// The hash for what a commit, which says everything about its files, has under a name.
pub(super) fn sha256_at(commit: &Commit, name: &str, toolchain: &str) -> String {
    let mut inputs = Inputs::of(toolchain);
    inputs.add("commit", commit.to_string().as_bytes());
    inputs.add("name", name.as_bytes());
    inputs.sha256()
}

/// What goes into an executable, added up.
struct Inputs(Sha256);

impl Inputs {
    /// What counts for all: the profile, the compiler and the environment.
    fn of(toolchain: &str) -> Inputs {
        let mut inputs = Inputs(Sha256::new());
        inputs.add("profile", PROFILE.as_bytes());
        inputs.add("toolchain", toolchain.as_bytes());
        let all = env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value));
        for (name, value) in variables(all) {
            inputs.add(&name, value.as_encoded_bytes());
        }
        inputs
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        for part in [name.as_bytes(), content] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn sha256(self) -> String {
        hex(&self.0.finalize())
    }
}

fn variables<V>(all: impl Iterator<Item = (Vec<u8>, V)>) -> Vec<(String, V)> {
    let mut variables: Vec<_> = all
        .map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value))
        .filter(|(name, _)| VARIABLES.iter().any(|prefix| name.starts_with(prefix)))
        // Where things are put changes nothing of them.
        .filter(|(name, _)| name != "CARGO_TARGET_DIR")
        .collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    variables
}

/// Every file below a package's folder that can be in its executables, in a fixed order.
fn files(package: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![package.to_owned()];
    while let Some(folder) = open.pop() {
        let context = || format!("failed to read the folder {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(context)? {
            let entry = entry.with_context(context)?;
            let name = entry.file_name();
            let aside = folder == package && ASIDE.iter().any(|aside| name == *aside);
            match entry.file_type().with_context(context)?.is_dir() {
                _ if aside || name.as_encoded_bytes().starts_with(b".") => {}
                true => open.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::Axes;

    #[test]
    fn the_hash_follows_features_and_compiler() {
        let axes = Axes::read().unwrap();
        let hash = |name: &str, toolchain: &str| {
            let target = Target::design(&axes.design(name).unwrap(), |_| true);
            sha256(axes.workspace(), &target, toolchain).unwrap()
        };
        let one = hash("epoll+flat+system", "rustc 1");
        assert_eq!(one.len(), 64);
        assert_eq!(one, hash("epoll+flat+system", "rustc 1"));
        assert_ne!(one, hash("epoll+split+system", "rustc 1"));
        assert_ne!(one, hash("epoll+flat+system", "rustc 2"));
    }

    #[test]
    fn sources_count_and_tests_do_not() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "Cargo.toml",
            "src/lib.rs",
            "src/deep/tests/x.rs",
            "tests/t.rs",
            "target/a",
            ".hidden",
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = files(folder.path()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap())
            .collect();
        assert_eq!(
            names,
            ["Cargo.toml", "src/deep/tests/x.rs", "src/lib.rs"].map(Path::new)
        );
    }

    #[test]
    fn variables_that_change_the_build_count_in_a_fixed_order() {
        let all = ["RUSTFLAGS", "HOME", "CC_x86_64", "CARGO_PROFILE_DESIGN_LTO"];
        let found = variables(all.iter().map(|name| (name.as_bytes().to_vec(), ())));
        let names: Vec<_> = found.iter().map(|(name, ())| name.as_str()).collect();
        assert_eq!(
            names,
            ["CARGO_PROFILE_DESIGN_LTO", "CC_x86_64", "RUSTFLAGS"]
        );
    }
}
