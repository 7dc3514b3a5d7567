//! What an executable is, without starting it: its machine code, what it links, and what building it took.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, SectionKind};

use crate::axes::Axes;
use crate::build;
use crate::design::Design;

/// Bytes of machine code: all sections that are executed, constants aside.
pub(super) fn text_bytes(executable: &Path) -> Result<u64> {
    let shown = executable.display();
    let bytes = fs::read(executable).with_context(|| format!("failed to read {shown}"))?;
    let file = object::File::parse(&*bytes)
        .with_context(|| format!("failed to read {shown} as an executable"))?;
    let sections = file.sections();
    let text = sections.filter(|section| section.kind() == SectionKind::Text);
    let bytes = text.map(|section| section.size()).sum();
    ensure!(bytes > 0, "{shown} has no machine code");
    Ok(bytes)
}

/// Packages from outside the workspace that this design links.
pub(super) fn dependencies(axes: &Axes, design: &Design) -> Result<u64> {
    let tree = build::tree(axes.workspace(), design)?;
    Ok(outside(&tree))
}

/// A package of the workspace is shown with its folder; one that stands elsewhere in the tree too, with a star.
fn outside(tree: &str) -> u64 {
    let names = tree
        .lines()
        .filter(|line| !line.is_empty() && !line.contains("(/"))
        .map(|line| line.trim_end_matches(" (*)"));
    names.collect::<std::collections::BTreeSet<_>>().len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_from_outside_counts_once() {
        let tree = "orthant v0.1.0 (/a/server)\nclap v4.6.7\nlibc v0.2.191\northant-core v0.1.0 (/a/core)\nlibc v0.2.191\nclap v4.6.7 (*)\n";
        assert_eq!(outside(tree), 2);
    }

    #[test]
    fn this_test_has_machine_code_and_a_text_has_none() {
        let tests = std::env::current_exe().expect("a test has a file");
        let own = text_bytes(&tests).expect("a test is an executable");
        let whole = tests.metadata().expect("it is there").len();
        assert!((100_000..whole).contains(&own), "{own} of {whole}");
        assert!(text_bytes(Path::new("Cargo.toml")).is_err());
    }
}
