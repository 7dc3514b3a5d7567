//! Rules of the house style that no compiler checks, over the text of every source file.
//!
//! A rule is a function from all sources to findings. Each looks at code with comments and the insides of literals
//! blanked, so that a word in a message or in a comment is no finding.

mod code;
mod folders;
mod promises;
mod text;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::checkout::Checkout;

pub use promises::broken_promises;

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// Relative to the root of the checkout, such as `core/src/lib.rs`.
    path: String,
    text: String,
    /// The text with comments and the insides of literals blanked, line by line as before.
    code: String,
}

/// Something to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    path: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    says: String,
}

/// What the rules found: what fails the step, and what is worth a look.
#[derive(Debug, Default)]
pub struct Findings {
    /// Must be changed.
    pub errors: Vec<Finding>,
    /// Should be looked at.
    pub warnings: Vec<Finding>,
}

/// From all sources to what is wrong with them.
type Rule = fn(&[Source]) -> Vec<Finding>;

const ERRORS: [Rule; 7] = [
    text::opens_with_docs,
    text::features_in_one_file,
    text::expect_instead_of_allow,
    text::unsafe_in_its_place,
    folders::no_mod_rs,
    folders::core_has_one_unsafe_module,
    folders::siblings_look_alike,
];

const WARNINGS: [Rule; 1] = [text::short_files];

impl Source {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            path: path.into(),
            code: code::only(&text),
            text,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.says),
            line => write!(f, "{}:{line}: {}", self.path, self.says),
        }
    }
}

/// Reads every source file of the workspace's packages.
pub fn sources(checkout: &Checkout) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for package in checkout.packages() {
        collect(
            checkout,
            &checkout.root().join(checkout.folder(package)),
            &mut sources,
        )?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Applies every rule.
pub fn check(sources: &[Source]) -> Findings {
    Findings {
        errors: ERRORS.iter().flat_map(|rule| rule(sources)).collect(),
        warnings: WARNINGS.iter().flat_map(|rule| rule(sources)).collect(),
    }
}

fn collect(checkout: &Checkout, folder: &Path, sources: &mut Vec<Source>) -> Result<()> {
    let context = || format!("failed to read the folder {}", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let path = entry.path();
        if entry.file_type().with_context(context)?.is_dir() {
            let aside = entry.file_name() == "target"
                || entry.file_name().as_encoded_bytes().starts_with(b".");
            if !aside {
                collect(checkout, &path, sources)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let name = path
                .strip_prefix(checkout.root())
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            sources.push(Source::new(name, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_every_package_is_read() {
        let checkout = Checkout::read().unwrap();
        let sources = sources(&checkout).unwrap();
        for path in [
            "ci/src/rules.rs",
            "ci/src/rules/code.rs",
            "core/src/lib.rs",
            "server/src/main.rs",
        ] {
            assert!(sources.iter().any(|source| source.path == path), "{path}");
        }
    }

    #[test]
    fn a_finding_reads_like_a_compiler_message() {
        let finding = Finding {
            path: "a.rs".to_owned(),
            line: 3,
            says: "x".to_owned(),
        };
        assert_eq!(finding.to_string(), "a.rs:3: x");
        assert_eq!(Finding { line: 0, ..finding }.to_string(), "a.rs: x");
    }
}
