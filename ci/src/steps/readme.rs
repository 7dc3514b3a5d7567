//! The generated parts of the documents are what the program says today.
//!
//! A part stands between `<!-- generated: NAME -->` and `<!-- /generated -->`, each on a line of its own, in any
//! Markdown file of the root. Measured tables are no such part: measuring them again would never give the same figures.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::{Options, list};
use crate::checkout::{Axis, Checkout};
use crate::run::{cargo, printed};

const END: &str = "<!-- /generated -->";

/// A part that can be generated: its name and what makes it.
type Part = (&'static str, fn(&Checkout) -> Result<String>);

const PARTS: [Part; 4] = [
    ("axes", axes),
    ("commands", |checkout| {
        printed(&mut cargo(checkout, ["matrix", "--help"])).map(|help| fenced(&help))
    }),
    ("packages", |checkout| Ok(packages(checkout))),
    ("steps", |_| Ok(fenced(&list()))),
];

pub(super) fn step(checkout: &Checkout, options: Options) -> Result<Option<String>> {
    let mut stale = Vec::new();
    let mut parts = 0;
    for path in documents(checkout)? {
        let text = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        let (renewed, count) =
            renew(&text, &|name| generate(checkout, name)).with_context(|| {
                format!("failed to renew the generated parts of {}", path.display())
            })?;
        parts += count;
        if renewed != text && options.write {
            fs::write(&path, renewed)
                .with_context(|| format!("failed to write {}", path.display()))?;
            println!("renewed {}", path.display());
        } else if renewed != text {
            stale.push(path.display().to_string());
        }
    }
    ensure!(
        stale.is_empty(),
        "failed to find what the program says today in {}: run `cargo ci readme --write` and commit",
        stale.join(" and ")
    );
    Ok(Some(format!("{parts} generated parts")))
}

/// The Markdown files of the root.
fn documents(checkout: &Checkout) -> Result<Vec<PathBuf>> {
    let context = || format!("failed to read the folder {}", checkout.root().display());
    let mut documents = Vec::new();
    for entry in fs::read_dir(checkout.root()).with_context(context)? {
        let path = entry.with_context(context)?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    documents.sort();
    Ok(documents)
}

fn generate(checkout: &Checkout, name: &str) -> Result<String> {
    let Some((_, part)) = PARTS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<_> = PARTS.iter().map(|(known, _)| *known).collect();
        bail!("nothing generates `{name}`: there is {}", names.join(", "));
    };
    part(checkout)
}

/// The text with every generated part made anew, and how many there are.
fn renew(text: &str, generate: &dyn Fn(&str) -> Result<String>) -> Result<(String, usize)> {
    let mut renewed = String::new();
    let mut count = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        renewed += line;
        renewed.push('\n');
        let name = line
            .strip_prefix("<!-- generated: ")
            .and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(name) = name {
            renewed += &format!("\n{}\n\n{END}\n", generate(name)?.trim());
            count += 1;
            ensure!(
                lines.any(|line| line == END),
                "the part `{name}` does not end: add the line {END}"
            );
        }
    }
    Ok((renewed, count))
}

fn axes(checkout: &Checkout) -> Result<String> {
    let row = |axis: &Axis| format!("| {} | {} |\n", axis.name, axis.values.join(", "));
    let rows: String = checkout.axes()?.iter().map(row).collect();
    Ok(format!("| axis | values |\n|---|---|\n{rows}"))
}

fn packages(checkout: &Checkout) -> String {
    let mut rows: Vec<_> = checkout
        .packages()
        .iter()
        .map(|package| {
            let folder = checkout.folder(package);
            format!(
                "| [{folder}]({folder}) | `{}` | {} |\n",
                package.name,
                package.description.as_deref().unwrap_or("")
            )
        })
        .collect();
    rows.sort();
    format!(
        "| folder | package | what it is |\n|---|---|---|\n{}",
        rows.concat()
    )
}

fn fenced(text: &str) -> String {
    format!("```text\n{}\n```", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(name: &str) -> Result<String> {
        ensure!(name != "unknown", "no");
        Ok(format!("{name}{name}\n"))
    }

    #[test]
    fn a_part_is_made_anew_and_the_rest_stays() {
        let old = "a\n<!-- generated: x -->\nold\n<!-- /generated -->\nb\n";
        let (new, count) = renew(old, &twice).unwrap();
        assert_eq!(
            (new.as_str(), count),
            (
                "a\n<!-- generated: x -->\n\nxx\n\n<!-- /generated -->\nb\n",
                1
            )
        );
        assert_eq!(
            renew(&new, &twice).unwrap().0,
            new,
            "renewing twice changes nothing"
        );
        assert_eq!(renew("a\n", &twice).unwrap(), ("a\n".to_owned(), 0));
    }

    #[test]
    fn a_part_without_end_or_without_maker_is_refused() {
        let endless = renew("<!-- generated: x -->\nold\n", &twice)
            .unwrap_err()
            .to_string();
        assert!(endless.contains("`x` does not end"), "{endless}");
        assert!(renew("<!-- generated: unknown -->\n<!-- /generated -->\n", &twice).is_err());
    }

    #[test]
    fn the_axes_and_packages_are_those_of_the_workspace() {
        let checkout = Checkout::read().unwrap();
        assert!(
            axes(&checkout)
                .unwrap()
                .contains("| backend | epoll, uring")
        );
        assert!(packages(&checkout).contains("| [core](core) | `orthant-core` | "));
        assert!(
            generate(&checkout, "nothing")
                .unwrap_err()
                .to_string()
                .contains("axes, commands, packages, steps")
        );
    }
}
