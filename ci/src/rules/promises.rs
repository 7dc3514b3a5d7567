//! Documents that promise something name the test that holds it, and that test is there.
//!
//! A test is named as a function's name in backticks, such as `silence_is_ended`; an attack as `attack slow-head`. Whether
//! the test holds what is promised, only a reader can tell.

use std::fs;

use anyhow::{Context, Result};

use super::{Finding, Source};
use crate::checkout::Checkout;

/// Documents in which each name in backticks is a test's.
const DOCUMENTS: [&str; 2] = ["docs/invariants.md", "docs/threat-model.md"];

/// What the packages below this folder share lies in it, and belongs to none of them.
const SHARED: &str = "backends";

/// Where attacks are described.
const ATTACKS: &str = "matrix/src/attack/";

/// What is named in the documents and not in the sources.
///
/// # Errors
/// When a document cannot be read.
pub fn broken_promises(checkout: &Checkout, sources: &[Source]) -> Result<Vec<Finding>> {
    let mut broken = Vec::new();
    let shared = shared(checkout)?;
    for path in DOCUMENTS {
        let file = checkout.root().join(path);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("failed to read {}", file.display()))?;
        broken.extend(broken_in(path, &text, &[sources, &shared]));
    }
    Ok(broken)
}

fn shared(checkout: &Checkout) -> Result<Vec<Source>> {
    let folder = checkout.root().join(SHARED);
    let context = || format!("failed to read the folder {}", folder.display());
    let mut shared = Vec::new();
    for entry in fs::read_dir(&folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            shared.push(Source::new(SHARED, text));
        }
    }
    Ok(shared)
}

fn broken_in(path: &str, text: &str, sources: &[&[Source]]) -> Vec<Finding> {
    let mut broken = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2) {
            let missing = match name.strip_prefix("attack ") {
                Some(attack) => !has_attack(sources, attack),
                None => is_test(name) && !has_function(sources, name),
            };
            if missing {
                broken.push(Finding {
                    path: path.to_owned(),
                    line: at + 1,
                    says: format!("`{name}` is nowhere in the sources: name what holds this"),
                });
            }
        }
    }
    broken
}

/// Names of tests have three words and more, and do not end in a unit.
fn is_test(name: &str) -> bool {
    let quantity = ["_max", "_min", "_ms", "_bytes"]
        .iter()
        .any(|unit| name.ends_with(unit));
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !quantity && name.matches('_').count() >= 2 && name.chars().all(word)
}

fn has_function(sources: &[&[Source]], name: &str) -> bool {
    let function = format!("fn {name}");
    let defines = |source: &Source| {
        source
            .code
            .match_indices(&function)
            .any(|(at, _)| source.code[at + function.len()..].starts_with(['(', '<']))
    };
    sources.iter().copied().flatten().any(defines)
}

fn has_attack(sources: &[&[Source]], name: &str) -> bool {
    let named = format!("name: \"{name}\",");
    let describes = |source: &&Source| source.path.starts_with(ATTACKS);
    sources
        .iter()
        .copied()
        .flatten()
        .filter(describes)
        .any(|source| source.text.contains(&named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sources;

    #[test]
    fn what_is_named_and_is_not_there_is_told() {
        let code = "fn silence_is_ended() {}\nfn a_trickle_is_ended_soon<B>() {} // fn in_a_comment_only() {}";
        let attack = "Attack { name: \"slow-head\", }";
        let sources = [
            Source::new("core/src/a.rs", code),
            Source::new("matrix/src/attack/slow.rs", attack),
        ];
        let text = "# Promises\n\n- `silence_is_ended`, `a_trickle_is_ended`,\n  \
                    `in_a_comment_only`, `leased`, `a.b_c_d`, `a_few_bytes`, `attack slow-head`, `attack slow-tail`\n";
        let told: Vec<(usize, String)> = broken_in("A.md", text, &[&sources])
            .into_iter()
            .map(|finding| (finding.line, finding.says))
            .collect();
        let missing = |line, name: &str| {
            (
                line,
                format!("`{name}` is nowhere in the sources: name what holds this"),
            )
        };
        assert_eq!(
            told,
            [
                missing(3, "a_trickle_is_ended"),
                missing(4, "in_a_comment_only"),
                missing(4, "attack slow-tail"),
            ]
        );
    }

    #[test]
    fn the_documents_keep_their_promises() {
        let checkout = Checkout::read().unwrap();
        let sources = sources(&checkout).unwrap();
        assert_eq!(broken_promises(&checkout, &sources).unwrap(), []);
    }
}
