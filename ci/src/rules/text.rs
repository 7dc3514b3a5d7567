//! Rules about what stands in a file.

use super::{Finding, Source};

/// The one file that chooses among implementations.
const CHOICE: &str = "server/src/design.rs";

/// Beyond this many lines a file is worth another look.
const LINES_MAX: usize = 500;

/// Every file says what it is before anything else.
pub(super) fn opens_with_docs(sources: &[Source]) -> Vec<Finding> {
    let silent = sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "));
    let says =
        "open it with `//!`: what it is, the idea, the invariant, what it deliberately does not do";
    silent.map(|source| finding(source, 1, says)).collect()
}

/// The choice among implementations is written in exactly one file.
pub(super) fn features_in_one_file(sources: &[Source]) -> Vec<Finding> {
    let says =
        format!("choose by feature in {CHOICE} alone: take what differs from there as a type");
    let elsewhere = sources.iter().filter(|source| source.path != CHOICE);
    elsewhere
        .flat_map(|source| {
            found(
                source,
                "feature",
                |after| after.trim_start().starts_with('='),
                &says,
            )
        })
        .collect()
}

/// An exception gives its reason and complains when it is no longer needed.
pub(super) fn expect_instead_of_allow(sources: &[Source]) -> Vec<Finding> {
    let says = "write `#[expect(lint, reason = \"…\")]`, or do what the lint says";
    let attribute = |source: &Source, line: usize| {
        source
            .code
            .lines()
            .nth(line - 1)
            .is_some_and(|code| code.contains("#[") || code.contains("#!["))
    };
    let all = |source| found(source, "allow", |after: &str| after.starts_with('('), says);
    sources
        .iter()
        .flat_map(|source| {
            all(source)
                .into_iter()
                .filter(move |finding| attribute(source, finding.line))
        })
        .collect()
}

/// Outside core, unsafe code has a file of its own: `sys.rs` or what lies below `sys/`. A floor is nothing but system
/// calls, and tests may do what the code may not.
pub(super) fn unsafe_in_its_place(sources: &[Source]) -> Vec<Finding> {
    let says = "move unsafe code to the package's sys.rs, behind a function that is safe to call";
    let elsewhere = sources
        .iter()
        .filter(|source| !source.path.starts_with("core/src/") && !may_be_unsafe(&source.path));
    elsewhere
        .flat_map(|source| found(source, "unsafe", |_| true, says))
        .collect()
}

/// A long file answers more than one question.
pub(super) fn short_files(sources: &[Source]) -> Vec<Finding> {
    let lines = |source: &Source| source.text.lines().count();
    let long = sources.iter().filter(|source| lines(source) > LINES_MAX);
    long.map(|source| {
        finding(
            source,
            0,
            &format!(
                "{} lines: look again whether it answers one question",
                lines(source)
            ),
        )
    })
    .collect()
}

fn may_be_unsafe(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let system = parts
        .iter()
        .any(|part| matches!(*part, "sys.rs" | "sys" | "tests" | "tests.rs"));
    system || matches!(parts[..], ["backends", _, "examples", "floor.rs"])
}

/// A finding for every line of code with this word, where what follows on the line fits.
pub(super) fn found(
    source: &Source,
    word: &str,
    fits: impl Fn(&str) -> bool,
    says: &str,
) -> Vec<Finding> {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    let has = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let after = &line[at + word.len()..];
            !line[..at].ends_with(name) && !after.starts_with(name) && fits(after)
        })
    };
    let lines = source
        .code
        .lines()
        .enumerate()
        .filter(|(_, line)| has(line));
    lines.map(|(at, _)| finding(source, at + 1, says)).collect()
}

fn finding(source: &Source, line: usize, says: &str) -> Finding {
    Finding {
        path: source.path.clone(),
        line,
        says: says.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines at which a rule finds something in a file at this path.
    fn lines(rule: fn(&[Source]) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&[Source::new(path, text)])
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn a_file_without_docs_is_found() {
        assert_eq!(lines(opens_with_docs, "a/src/a.rs", "use x;\n"), [1]);
        assert_eq!(lines(opens_with_docs, "a/src/a.rs", "//!\n"), [1]);
        assert_eq!(
            lines(opens_with_docs, "a/src/a.rs", "//! What it is.\n"),
            [0; 0]
        );
    }

    #[test]
    fn a_choice_by_feature_is_found_outside_its_file() {
        let text =
            "//! x\n#[cfg(feature = \"epoll\")]\nmod a;\nif cfg!(all(unix, feature=\"x\")) {}\n";
        assert_eq!(
            lines(features_in_one_file, "server/src/lib.rs", text),
            [2, 4]
        );
        assert_eq!(lines(features_in_one_file, CHOICE, text), [0; 0]);
        let other = "// cfg(feature = \"x\")\n#[cfg(target_feature = \"avx2\")]\nlet feature = 1;\nlet a = feature;\n";
        assert_eq!(lines(features_in_one_file, "core/src/lib.rs", other), [3]);
    }

    #[test]
    fn an_allow_attribute_is_found() {
        let text = "#[allow(dead_code)]\n#![allow(x)]\n#[cfg_attr(test, allow(x))]\nacl.allow(1);\n#[expect(x)]\n// #[allow(x)]\n";
        assert_eq!(
            lines(expect_instead_of_allow, "core/src/a.rs", text),
            [1, 2, 3]
        );
    }

    #[test]
    fn unsafe_code_is_found_outside_its_file() {
        let text = "//! unsafe\nunsafe { x() }\n#![deny(unsafe_code)]\nlet s = \"unsafe\";\n";
        for path in [
            "server/src/a.rs",
            "backends/epoll/src/a.rs",
            "matrix/src/a.rs",
            "matrix/examples/floor.rs",
        ] {
            assert_eq!(lines(unsafe_in_its_place, path, text), [2], "{path}");
        }
        for path in [
            "backends/uring/src/sys/ring.rs",
            "allocators/system/src/sys.rs",
            "core/src/slab.rs",
            "server/tests/a.rs",
            "server/src/tests.rs",
            "backends/epoll/examples/floor.rs",
        ] {
            assert_eq!(lines(unsafe_in_its_place, path, text), [0; 0], "{path}");
        }
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(lines(short_files, "a.rs", &"x\n".repeat(LINES_MAX)), [0; 0]);
        assert_eq!(
            lines(short_files, "a.rs", &"x\n".repeat(LINES_MAX + 1)),
            [0]
        );
    }
}
