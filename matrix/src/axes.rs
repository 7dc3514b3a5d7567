//! The axes, their values and the designs they span, as server/Cargo.toml lists them; and those of the harness, as its
//! manifest does.
//!
//! A value added there is built, loaded and compared by every command.

mod hack;
mod listed;
mod named;
mod near;
mod pairwise;

use anyhow::{Result, bail};

use crate::arm::Arm;
use crate::design::Design;
use crate::workspace::Workspace;

pub use listed::Axis;
use listed::Listed;
pub(crate) use named::peer_package;
pub(crate) use near::nearest;
pub use pairwise::Coverage;

/// The package whose manifest lists the axes and whose features are the values.
pub(crate) const SERVER: &str = "orthant";

/// The package whose designs serve the workloads of allocators.
const HARNESS: &str = "orthant-harness";

/// The axis whose values have floors.
pub(crate) const BACKEND: &str = "backend";

/// What `[package.metadata.matrix]` of server/Cargo.toml says.
#[derive(Clone, Debug)]
pub struct Axes {
    workspace: Workspace,
    listed: Listed,
    /// None in revisions from before there was one.
    harness: Option<Listed>,
}

impl Axes {
    /// Reads the axes of the workspace around the current directory.
    pub fn read() -> Result<Self> {
        Axes::of(Workspace::read()?)
    }

    /// Reads those of a workspace, which may be one of another revision.
    pub fn of(workspace: Workspace) -> Result<Self> {
        let listed = Listed::of(workspace.package(SERVER)?)?;
        let harness = workspace.package(HARNESS).ok();
        let harness = harness.map(Listed::of).transpose()?;
        Ok(Self {
            workspace,
            listed,
            harness,
        })
    }

    /// The workspace they were read from.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The axes of the server, in the order in which a design is named.
    pub fn axes(&self) -> &[Axis] {
        &self.listed.axes
    }

    /// The axes of what has these names: those of the harness where all are of it.
    pub(crate) fn axes_of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> &[Axis] {
        let mut lists = names.into_iter().map(|name| self.list_of(name));
        match lists.next() {
            Some(first) if lists.all(|list| list.package == first.package) => &first.axes,
            _ => self.axes(),
        }
    }

    /// Every design of the server that makes sense, the first axis varying slowest.
    pub fn designs(&self) -> Vec<Design> {
        self.listed.designs()
    }

    /// Every design of the harness.
    pub fn harnesses(&self) -> Vec<Design> {
        self.harness.iter().flat_map(Listed::designs).collect()
    }

    /// Whether what calls itself by this name answers the workloads of allocators.
    pub fn is_harness(&self, name: &str) -> bool {
        self.list_of(name).package == HARNESS
    }

    /// Refuses harnesses among what a command is to do something with.
    ///
    /// # Errors
    /// When there is one.
    pub(crate) fn refuse_harnesses(&self, arms: &[Arm], what: &str) -> Result<()> {
        let is_harness = |name: &String| self.is_harness(name);
        match arms.iter().filter_map(Arm::kind).find(is_harness) {
            Some(name) => bail!(
                "failed to {what} {name}: a harness has the workloads of allocators and nothing else; name a design of the server"
            ),
            None => Ok(()),
        }
    }

    /// The list that a name belongs to, by how it begins.
    fn list_of(&self, name: &str) -> &Listed {
        let harness = self.harness.as_ref();
        let harness = harness.filter(|harness| harness.has_begun(name));
        harness.unwrap_or(&self.listed)
    }

    /// The same with one value left on some axes; each condition is `AXIS=VALUE`.
    ///
    /// # Errors
    /// When there is no such axis or value, or two conditions contradict each other.
    pub fn only(mut self, conditions: &[String]) -> Result<Self> {
        for text in conditions {
            self.listed.narrow(text)?;
            // No harness has what is on no axis of harnesses.
            self.harness = self.harness.and_then(|mut harness| {
                harness.narrow(text).ok()?;
                Some(harness)
            });
        }
        Ok(self)
    }

    /// `backend=epoll` as an axis and one of its values.
    ///
    /// # Errors
    /// When it is not written so, or there is no such axis or value.
    pub fn condition<'a>(&self, text: &'a str) -> Result<(&'a str, &'a str)> {
        self.listed.condition(text)
    }

    /// Every combination that is left out, with the reason.
    pub fn excluded(&self) -> Vec<(Design, &str)> {
        self.listed.excluded()
    }

    /// The floor of every backend that has one: an example of the backend's package.
    pub fn floors(&self) -> Vec<Arm> {
        let lists = std::iter::once(&self.listed).chain(&self.harness);
        let axes = lists.flat_map(|listed| &listed.axes);
        let backends = axes
            .filter(|axis| axis.name == BACKEND)
            .flat_map(|axis| &axis.values);
        backends
            .filter(|backend| self.has_floor(backend))
            .cloned()
            .map(Arm::Floor)
            .collect()
    }

    /// The floor beside which a server is to be seen that calls itself by this name: that of its backend, the first value
    /// of a design's name.
    pub fn floor_of(&self, name: &str) -> Option<Arm> {
        let (backend, _) = name.split_once('+')?;
        let floor = Arm::Floor(backend.to_owned());
        (floor.name() != name && self.has_floor(backend)).then_some(floor)
    }

    /// The design of this name.
    pub fn design(&self, name: &str) -> Result<Design> {
        self.list_of(name).design(name)
    }

    /// The arguments for `cargo hack … -p orthant` that run it over exactly [`Axes::designs`].
    pub fn hack_args(&self) -> Result<Vec<String>> {
        hack::args(&self.listed)
    }

    fn has_floor(&self, backend: &str) -> bool {
        let package = self.workspace.package(&backend_package(backend));
        package.is_ok_and(|package| {
            package
                .targets
                .iter()
                .any(|target| target.is_example() && target.name == floor_target(backend))
        })
    }
}

/// The package of a backend.
pub(crate) fn backend_package(backend: &str) -> String {
    format!("{SERVER}-{backend}")
}

/// The example that is the floor of a backend.
pub(crate) fn floor_target(backend: &str) -> String {
    format!("{backend}-floor")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_workspace_names_its_designs_in_the_order_of_its_axes() {
        let axes = Axes::read().unwrap();
        let design = axes.design("uring+split+mimalloc").unwrap();
        assert_eq!(design.value("allocator"), Some("mimalloc"));
        assert_eq!(
            design.features(),
            ["command", "uring", "split", "mimalloc", "balanced"]
        );
        assert_eq!(
            serde_json::to_value(&design).unwrap(),
            json!("uring+split+mimalloc")
        );
    }

    #[test]
    fn a_harness_is_a_design_of_another_package() {
        let axes = Axes::read().unwrap();
        let design = axes.design("harness+slab+lean").unwrap();
        assert_eq!(design.package(), HARNESS);
        assert_eq!(design.features(), ["harness", "slab", "lean"]);
        assert!(axes.harnesses().contains(&design) && !axes.designs().contains(&design));
        let unknown = axes.design("harness+split+slab").unwrap_err().to_string();
        assert!(unknown.contains("nearest are harness+s"), "{unknown}");
        let names = |names: &[&'static str]| -> Vec<String> {
            let axes = axes.axes_of(names.iter().copied()).iter();
            axes.map(|axis| axis.name.clone()).collect()
        };
        assert_eq!(
            names(&["harness+slab", "harness+floor"]),
            ["backend", "allocator", "policy"]
        );
        for of_servers in [&["harness+slab", "epoll+floor"][..], &[], &["peer"]] {
            assert_eq!(names(of_servers).len(), 4, "{of_servers:?}");
        }
        let floor = axes.floor_of("harness+slab").unwrap();
        assert!(axes.floors().contains(&floor));
    }

    #[test]
    fn the_harness_has_the_allocators_and_policies_of_the_server() {
        let axes = Axes::read().unwrap();
        let harness = axes.axes_of(["harness+slab"]);
        let of_server = axes.axes().iter();
        let shared: Vec<_> = of_server
            .filter(|axis| ["allocator", "policy"].contains(&&axis.name[..]))
            .collect();
        assert_eq!(harness[1..].iter().collect::<Vec<_>>(), shared);
    }

    #[test]
    fn a_name_tells_its_floor() {
        let axes = Axes::read().unwrap();
        let floor = |name| axes.floor_of(name).map(|floor| floor.name());
        assert_eq!(
            floor("uring+split+anything").as_deref(),
            Some("uring+floor")
        );
        for name in ["uring+floor", "kqueue+split+system", "fixture", ""] {
            assert_eq!(floor(name), None, "{name}");
        }
    }

    #[test]
    fn a_floor_is_named_for_its_backend() {
        let floor = Arm::Floor("uring".to_owned());
        assert_eq!(floor.name(), "uring+floor");
        assert_eq!(serde_json::to_value(&floor).unwrap(), json!("uring+floor"));
    }
}
