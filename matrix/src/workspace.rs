//! The workspace as `cargo metadata` tells it: where it lies, where it builds, and which package links which.
//!
//! Only the workspace's own packages are asked for; what comes from outside is pinned by Cargo.lock.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// The workspace around the current directory.
#[derive(Clone, Debug)]
pub struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo about the workspace around the current directory; nothing is fetched and Cargo.lock stays as it is.
    pub fn read() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec().context(
            "failed to read the workspace by `cargo metadata`: run this inside a clone of orthant",
        )?;
        Ok(Self { metadata })
    }

    /// The same of the workspace in a folder, such as `matrix/peers` or another revision.
    pub fn read_in(folder: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .current_dir(folder)
            .exec()
            .with_context(|| {
                format!(
                    "failed to read the workspace in {} by `cargo metadata`",
                    folder.display()
                )
            })?;
        Ok(Self { metadata })
    }

    /// Its packages.
    pub fn packages(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// The directory of the root Cargo.toml.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo builds: `target`, or what CARGO_TARGET_DIR or a config file says.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Where the executables of designs are kept.
    pub fn designs(&self) -> PathBuf {
        self.target().join("designs")
    }

    /// The workspace's package of this name.
    pub fn package(&self, name: &str) -> Result<&Package> {
        self.find(name).ok_or_else(|| {
            anyhow!(
                "failed to find package `{name}` in the workspace at {}: run this inside a clone of orthant",
                self.root().display()
            )
        })
    }

    /// The workspace's packages that `package` links when these of its features are on, itself included, by name. A
    /// feature of another package of the workspace is taken to be on.
    pub fn linked(&self, package: &Package, features: &[&str]) -> Vec<&Package> {
        let mut names = BTreeSet::from([package.name.as_str()]);
        let mut open: Vec<_> =
            dependencies(package, |optional| turned_on(package, features, optional)).collect();
        while let Some(name) = open.pop() {
            if let Some(found) = self.find(name)
                && names.insert(name)
            {
                open.extend(dependencies(found, |_| true));
            }
        }
        names
            .into_iter()
            .filter_map(|name| self.find(name))
            .collect()
    }

    fn find(&self, name: &str) -> Option<&Package> {
        self.metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == name)
    }
}

/// The names of what a package's own code depends on, its tests aside.
fn dependencies(package: &Package, on: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .filter(move |dependency| !dependency.optional || on(&dependency.name))
        .map(|dependency| dependency.name.as_str())
}

/// Whether one of these features turns the optional dependency on, directly or through a feature that it implies.
fn turned_on(package: &Package, features: &[&str], optional: &str) -> bool {
    features
        .iter()
        .filter_map(|feature| package.features.get(*feature))
        .flatten()
        .any(|implied| {
            implied.strip_prefix("dep:") == Some(optional)
                || (!implied.contains([':', '/']) && turned_on(package, &[implied], optional))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_what_the_features_turn_on_and_nothing_else() {
        let workspace = Workspace::read().unwrap();
        let server = workspace.package("orthant").unwrap();
        let names = |features: &[&str]| -> Vec<&str> {
            workspace
                .linked(server, features)
                .iter()
                .map(|package| package.name.as_str())
                .collect()
        };
        assert_eq!(
            names(&["command", "epoll", "flat", "system"]),
            ["orthant", "orthant-core", "orthant-epoll", "orthant-system"]
        );
        assert_eq!(
            names(&["default"]),
            ["orthant", "orthant-core", "orthant-epoll", "orthant-system"]
        );
        assert_eq!(
            names(&["uring", "mimalloc"]),
            [
                "orthant",
                "orthant-core",
                "orthant-mimalloc",
                "orthant-uring"
            ]
        );
    }

    #[test]
    fn a_missing_package_says_where_to_run() {
        let error = Workspace::read()
            .unwrap()
            .package("orthant-nothing")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("run this inside a clone of orthant"),
            "{error}"
        );
    }
}
