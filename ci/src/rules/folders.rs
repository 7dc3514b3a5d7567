//! Rules about where files lie and which lie beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::text::found;
use super::{Finding, Source};

/// Folders whose packages are siblings.
const FAMILIES: [&str; 2] = ["backends", "allocators"];

/// Of those, the one that has no kernel and is no value of an axis: there is nothing to compare it with.
const NO_SIBLING: &str = "backends/sim/";

/// A module `foo` is `foo.rs`, with `foo/` beside it.
pub(super) fn no_mod_rs(sources: &[Source]) -> Vec<Finding> {
    let says = "rename it: a module `foo` is foo.rs, with foo/ beside it";
    sources
        .iter()
        .filter(|source| source.path.rsplit('/').next() == Some("mod.rs"))
        .map(|source| Finding {
            path: source.path.clone(),
            line: 0,
            says: says.to_owned(),
        })
        .collect()
}

/// Core's unsafe code, if any, is one module that can be read in one go.
pub(super) fn core_has_one_unsafe_module(sources: &[Source]) -> Vec<Finding> {
    let says = "keep core's unsafe code in one module: others have it too";
    let core = sources
        .iter()
        .filter(|source| source.path.starts_with("core/src/"));
    let found: Vec<_> = core
        .map(|source| found(source, "unsafe", |_| true, says))
        .filter(|found| !found.is_empty())
        .collect();
    if found.len() > 1 {
        found.into_iter().flatten().collect()
    } else {
        Vec::new()
    }
}

/// Siblings have the same files, so that `diff -r` shows the real difference.
pub(super) fn siblings_look_alike(sources: &[Source]) -> Vec<Finding> {
    FAMILIES
        .iter()
        .flat_map(|family| strangers(family, sources))
        .collect()
}

/// For each file directly in `src` that some sibling has, the siblings that lack it.
fn strangers(family: &str, sources: &[Source]) -> Vec<Finding> {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        if source.path.starts_with(NO_SIBLING) {
            continue;
        }
        if let [folder, package, "src", file] = source.path.split('/').collect::<Vec<_>>()[..]
            && folder == family
        {
            files.entry(package).or_default().insert(file);
        }
    }
    let all: BTreeSet<_> = files.values().flatten().copied().collect();
    let mut strangers = Vec::new();
    for (package, has) in &files {
        for file in all.difference(has) {
            let with: Vec<_> = files
                .iter()
                .filter(|(_, has)| has.contains(file))
                .map(|(name, _)| *name)
                .collect();
            strangers.push(Finding {
                path: format!("{family}/{package}/src/{file}"),
                line: 0,
                says: format!(
                    "missing, but {} has it: siblings have the same files, so split or name them alike (below src/NAME/ they may differ)",
                    with.join(" and ")
                ),
            });
        }
    }
    strangers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(paths: &[&str], text: &str) -> Vec<Source> {
        paths.iter().map(|path| Source::new(*path, text)).collect()
    }

    fn paths(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_mod_rs_is_found() {
        let sources = sources(
            &["core/src/a/mod.rs", "core/src/a.rs", "core/src/model.rs"],
            "",
        );
        assert_eq!(paths(no_mod_rs(&sources)), ["core/src/a/mod.rs"]);
    }

    #[test]
    fn a_second_unsafe_module_of_core_is_found() {
        let one = sources(&["core/src/a.rs", "server/src/sys.rs"], "unsafe { x() }");
        assert_eq!(core_has_one_unsafe_module(&one), []);
        let two = sources(&["core/src/a.rs", "core/src/b.rs"], "unsafe { x() }");
        assert_eq!(
            paths(core_has_one_unsafe_module(&two)),
            ["core/src/a.rs", "core/src/b.rs"]
        );
    }

    #[test]
    fn a_sibling_that_lacks_a_file_is_found() {
        let alike = [
            "backends/a/src/lib.rs",
            "backends/b/src/lib.rs",
            "backends/b/src/deep/x.rs",
            "backends/a/tests/y.rs",
            "backends/sim/src/oracle.rs",
        ];
        assert_eq!(siblings_look_alike(&sources(&alike, "")), []);
        let different = [
            "backends/a/src/lib.rs",
            "backends/b/src/lib.rs",
            "backends/b/src/ring.rs",
        ];
        let findings = siblings_look_alike(&sources(&different, ""));
        assert!(
            findings[0].says.starts_with("missing, but b has it"),
            "{}",
            findings[0]
        );
        assert_eq!(paths(findings), ["backends/a/src/ring.rs"]);
    }
}
