//! The clone under check: its folder, where it builds, its packages and the axes of its matrix.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The package whose features are the values of the axes.
pub const SERVER: &str = "orthant";

/// What `cargo metadata` says about the workspace around the current directory.
#[derive(Debug)]
pub struct Checkout {
    metadata: Metadata,
}

/// An axis of the matrix and its values, as server/Cargo.toml lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Such as `backend`.
    pub name: String,
    /// Each a feature of the server.
    pub values: Vec<String>,
    /// The one that names leave out.
    pub unnamed: Option<String>,
}

impl Checkout {
    /// Asks cargo; nothing is fetched and Cargo.lock stays as it is.
    pub fn read() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec().context(
            "failed to read the workspace by `cargo metadata`: run this inside a clone of orthant",
        )?;
        Ok(Self { metadata })
    }

    /// The same of the workspace that lies in a folder of this one, and is no part of it.
    pub fn nested(&self, folder: &str) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .current_dir(self.root().join(folder))
            .exec()
            .with_context(|| format!("failed to read the workspace {folder}"))?;
        Ok(Self { metadata })
    }

    /// The folder of the root Cargo.toml.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo builds.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The workspace's packages.
    pub fn packages(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// A package's folder relative to the root, such as `backends/epoll`.
    pub fn folder<'a>(&self, package: &'a Package) -> &'a str {
        let folder = package
            .manifest_path
            .parent()
            .unwrap_or(&package.manifest_path);
        folder
            .strip_prefix(&self.metadata.workspace_root)
            .unwrap_or(folder)
            .as_str()
    }

    /// The axes, in their order.
    pub fn axes(&self) -> Result<Vec<Axis>> {
        let server = self
            .packages()
            .iter()
            .find(|package| package.name.as_str() == SERVER);
        let server = server.with_context(|| format!("failed to find package {SERVER}"))?;
        let listed = server
            .metadata
            .pointer("/matrix/axes")
            .and_then(|axes| axes.as_array());
        let axes = listed.and_then(|axes| axes.iter().map(axis).collect::<Option<Vec<_>>>());
        axes.with_context(|| {
            format!("failed to read `axes` of [package.metadata.matrix] in {}: `cargo matrix list` says more", server.manifest_path)
        })
    }

    /// As few designs as possible such that every value of every axis is in one; each as its features, with commas.
    pub fn covering_designs(&self) -> Result<Vec<String>> {
        Ok(covering(&self.axes()?)
            .iter()
            .map(|values| values.join(","))
            .collect())
    }

    /// Those, and what they leave out of the pairs of these backends with any buffer strategy.
    pub fn designs_with_every_strategy(&self, backends: &[&str]) -> Result<Vec<String>> {
        let axes = self.axes()?;
        let designs = with_every_strategy(covering(&axes), backends, &axes);
        Ok(designs.iter().map(|values| values.join(",")).collect())
    }

    /// A design for each two values of two axes, with the first values of the others.
    pub fn designs_with_every_pair(&self, pair: [&str; 2]) -> Result<Vec<String>> {
        let axes = self.axes()?;
        Ok(every_pair(pair, &axes))
    }

    /// The covering designs by the names that the matrix gives them.
    pub fn covering_names(&self) -> Result<Vec<String>> {
        let axes = self.axes()?;
        Ok(covering(&axes)
            .iter()
            .map(|values| named(values, &axes))
            .collect())
    }
}

fn covering(axes: &[Axis]) -> Vec<Vec<&str>> {
    let longest = axes.iter().map(|axis| axis.values.len()).max().unwrap_or(0);
    let value = |axis: &'_ Axis, at: usize| at % axis.values.len();
    (0..longest)
        .map(|at| {
            axes.iter()
                .map(|axis| axis.values[value(axis, at)].as_str())
                .collect()
        })
        .collect()
}

/// Adds a design for each pair that no design has, with the first values of the other axes.
fn with_every_strategy<'a>(
    mut designs: Vec<Vec<&'a str>>,
    backends: &[&'a str],
    axes: &'a [Axis],
) -> Vec<Vec<&'a str>> {
    let strategies = axes.iter().filter(|axis| axis.name == "buffers");
    for strategy in strategies.flat_map(|axis| &axis.values) {
        for backend in backends {
            let pair = [*backend, strategy.as_str()];
            if !designs
                .iter()
                .any(|values| pair.iter().all(|value| values.contains(value)))
            {
                designs.push(
                    axes.iter()
                        .map(|axis| match axis.name.as_str() {
                            "backend" => pair[0],
                            "buffers" => pair[1],
                            _ => axis.values[0].as_str(),
                        })
                        .collect(),
                );
            }
        }
    }
    designs
}

fn every_pair(pair: [&str; 2], axes: &[Axis]) -> Vec<String> {
    let mut designs = vec![Vec::new()];
    for axis in axes {
        let most = if pair.contains(&&axis.name[..]) {
            axis.values.len()
        } else {
            1
        };
        let with = |design: &Vec<String>| {
            let design = design.clone();
            let values = axis.values[..most].iter().cloned();
            values.map(move |value| [&design[..], &[value]].concat())
        };
        designs = designs.iter().flat_map(with).collect();
    }
    designs.iter().map(|values| values.join(",")).collect()
}

/// The name of the design that has these values.
fn named(values: &[&str], axes: &[Axis]) -> String {
    let values = values.iter().zip(axes);
    let values = values.filter(|(value, axis)| axis.unnamed.as_deref() != Some(**value));
    let values: Vec<&str> = values.map(|(value, _)| *value).collect();
    values.join("+")
}

fn axis(listed: &serde_json::Value) -> Option<Axis> {
    let values = listed.get("values")?.as_array()?.iter();
    let unnamed = listed.get("unnamed").and_then(|value| value.as_str());
    Some(Axis {
        name: listed.get("name")?.as_str()?.to_owned(),
        unnamed: unnamed.map(str::to_owned),
        values: values
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_covered() {
        let axis = |values: &[&str]| Axis {
            name: String::new(),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            unnamed: None,
        };
        assert_eq!(
            covering(&[axis(&["a", "b"]), axis(&["c", "d", "e"])]),
            [["a", "c"], ["b", "d"], ["a", "e"]]
        );
    }

    #[test]
    fn the_pairs_left_out_are_added_once() {
        let axis = |name: &str, values: &[&str]| Axis {
            name: name.to_owned(),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            unnamed: None,
        };
        let axes = [
            axis("backend", &["a", "b", "c"]),
            axis("buffers", &["d", "e"]),
            axis("allocator", &["f", "g"]),
        ];
        assert_eq!(named(&["a", "d", "f"], &axes), "a+d+f");
        assert_eq!(
            every_pair(["buffers", "allocator"], &axes),
            ["a,d,f", "a,d,g", "a,e,f", "a,e,g"]
        );
        let designs = with_every_strategy(covering(&axes), &["a", "b"], &axes);
        assert_eq!(designs[..3], covering(&axes));
        assert_eq!(designs[3..], [["b", "d", "f"], ["a", "e", "f"]]);
    }
}
