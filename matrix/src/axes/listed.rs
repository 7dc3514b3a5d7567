//! What `[package.metadata.matrix]` of a package says, checked, and the combinations that it spans.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::Package;
use serde::Deserialize;

use super::near;
use crate::design::{Choice, Design};

/// An axis: its name and its values.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The name, such as `backend`.
    pub name: String,
    /// The values in the order of the manifest; each is a feature of the package.
    pub values: Vec<String>,
    /// The value that names leave out; the last axis may have one.
    #[serde(default)]
    pub unnamed: Option<String>,
}

/// A combination that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exclusion {
    /// Axis to value; every design that has all of them is left out.
    pub(super) when: BTreeMap<String, String>,
    /// Why, as a sentence for whoever asks for such a design.
    pub(super) because: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Whose list it is.
    #[serde(skip)]
    pub(super) package: String,
    /// Features that are on in every design.
    #[serde(default = "command")]
    pub(super) always: Vec<String>,
    pub(super) axes: Vec<Axis>,
    #[serde(default)]
    pub(super) exclude: Vec<Exclusion>,
}

/// What lists without `always` mean: revisions from before it was there.
fn command() -> Vec<String> {
    vec!["command".to_owned()]
}

impl Listed {
    pub(super) fn of(package: &Package) -> Result<Self> {
        let context = || {
            format!(
                "failed to read [package.metadata.matrix] of {}",
                package.manifest_path
            )
        };
        let listed = package.metadata.get("matrix").with_context(context)?;
        let listed: Self = serde_json::from_value(listed.clone()).with_context(context)?;
        listed
            .check(&package.features.keys().map(String::as_str).collect())
            .with_context(context)?;
        Ok(Self {
            package: package.name.to_string(),
            ..listed
        })
    }

    /// Whether a name begins as those of its designs do.
    pub(super) fn has_begun(&self, name: &str) -> bool {
        let first = name.split('+').next();
        let values = self.axes.first().map_or(&[][..], |axis| &axis.values);
        values.iter().any(|value| Some(value.as_str()) == first)
    }

    /// Every value is a feature and belongs to one axis; every exclusion names values that exist.
    fn check(&self, features: &BTreeSet<&str>) -> Result<()> {
        let mut seen = BTreeSet::new();
        for value in self.axes.iter().flat_map(|axis| &axis.values) {
            ensure!(
                features.contains(value.as_str()),
                "value `{value}` is no feature: add it to [features]"
            );
            ensure!(
                seen.insert(value),
                "value `{value}` is listed twice: give each value a name of its own"
            );
        }
        for (from_last, axis) in self.axes.iter().rev().enumerate() {
            let Some(unnamed) = &axis.unnamed else {
                continue;
            };
            ensure!(
                axis.values.contains(unnamed),
                "`{unnamed}` is unnamed and no value of the axis {}: correct or remove it",
                axis.name
            );
            ensure!(
                from_last == 0,
                "the axis {} has an unnamed value and is not the last: move it there, or names would be ambiguous",
                axis.name
            );
        }
        for exclusion in &self.exclude {
            ensure!(
                !exclusion.when.is_empty(),
                "an exclusion without `when` would leave every design out"
            );
            for (axis, value) in &exclusion.when {
                let known = self
                    .axes
                    .iter()
                    .any(|known| known.name == *axis && known.values.contains(value));
                ensure!(
                    known,
                    "an exclusion names `{axis} = \"{value}\"`, which is on no axis: correct or remove it"
                );
            }
        }
        Ok(())
    }

    /// `backend=epoll` as an axis and one of its values.
    pub(super) fn condition<'a>(&self, text: &'a str) -> Result<(&'a str, &'a str)> {
        let (name, value) = text.split_once('=').with_context(|| {
            format!(
                "failed to understand `--only {text}`: write it as AXIS=VALUE, such as backend=epoll"
            )
        })?;
        let Some(axis) = self.axes.iter().find(|axis| axis.name == name) else {
            let names: Vec<_> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            bail!(
                "failed to find the axis `{name}`: there is {}",
                names.join(", ")
            );
        };
        ensure!(
            axis.values.iter().any(|known| known == value),
            "failed to find `{value}` on the axis {name}: there is {}",
            axis.values.join(", ")
        );
        Ok((name, value))
    }

    /// Leaves this value alone on its axis.
    pub(super) fn narrow(&mut self, text: &str) -> Result<()> {
        let (name, value) = self.condition(text)?;
        for axis in self.axes.iter_mut().filter(|axis| axis.name == name) {
            axis.values.retain(|known| known == value);
        }
        let is_possible = |exclusion: &Exclusion| {
            let excluded = exclusion.when.get(name);
            excluded.is_none_or(|excluded| excluded == value)
        };
        self.exclude.retain(is_possible);
        Ok(())
    }

    pub(super) fn designs(&self) -> Vec<Design> {
        self.combinations()
            .into_iter()
            .filter(|design| self.because(design).is_none())
            .collect()
    }

    pub(super) fn excluded(&self) -> Vec<(Design, &str)> {
        let because = |design: Design| self.because(&design).map(|because| (design, because));
        self.combinations()
            .into_iter()
            .filter_map(because)
            .collect()
    }

    pub(super) fn design(&self, name: &str) -> Result<Design> {
        let combinations = self.combinations();
        let Some(design) = combinations.iter().find(|design| design.is_called(name)) else {
            let names: Vec<_> = self.designs().iter().map(Design::name).collect();
            bail!(
                "failed to find the design `{name}`: the nearest are {}; `cargo matrix list` shows all",
                near::nearest(name, &names).join(", ")
            );
        };
        if let Some(because) = self.because(design) {
            bail!("failed to use the design `{name}`: it is excluded because {because}");
        }
        Ok(design.clone())
    }

    fn combinations(&self) -> Vec<Design> {
        let mut combinations = vec![Vec::new()];
        for axis in &self.axes {
            let extend = |choices: &Vec<Choice>, value: &String| {
                let choice = Choice {
                    axis: axis.name.clone(),
                    value: value.clone(),
                    is_unnamed: axis.unnamed.as_ref() == Some(value),
                };
                choices.iter().cloned().chain([choice]).collect()
            };
            combinations = combinations
                .iter()
                .flat_map(|choices| axis.values.iter().map(move |value| extend(choices, value)))
                .collect();
        }
        let design = |choices| Design::new(&self.package, &self.always, choices);
        combinations.into_iter().map(design).collect()
    }

    fn because(&self, design: &Design) -> Option<&str> {
        let applies = |exclusion: &&Exclusion| {
            exclusion
                .when
                .iter()
                .all(|(axis, value)| design.value(axis) == Some(value))
        };
        self.exclude
            .iter()
            .find(applies)
            .map(|exclusion| exclusion.because.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Two axes of two values; `b` on the first does not go with `d` on the second.
    fn listed() -> Listed {
        serde_json::from_value(json!({
            "axes": [{ "name": "z", "values": ["b", "a"] }, { "name": "y", "values": ["d", "c"] }],
            "exclude": [{ "when": { "z": "b", "y": "d" }, "because": "they bite" }],
        }))
        .unwrap()
    }

    fn error(result: Result<impl Sized>) -> String {
        format!("{:#}", result.err().expect("this must be refused"))
    }

    #[test]
    fn designs_keep_the_order_of_the_manifest() {
        let names: Vec<_> = listed().designs().iter().map(Design::name).collect();
        assert_eq!(names, ["b+c", "a+d", "a+c"]);
    }

    #[test]
    fn an_excluded_design_says_why() {
        let listed = listed();
        let excluded = listed.excluded();
        assert_eq!(excluded.len(), 1);
        assert_eq!(
            (excluded[0].0.name().as_str(), excluded[0].1),
            ("b+d", "they bite")
        );
        assert!(error(listed.design("b+d")).ends_with("excluded because they bite"));
    }

    #[test]
    fn an_unknown_design_lists_near_ones() {
        assert!(
            error(listed().design("a+e")).contains("nearest are a+d, a+c"),
            "{}",
            error(listed().design("a+e"))
        );
    }

    #[test]
    fn a_list_that_contradicts_the_features_is_refused() {
        let features = BTreeSet::from(["a", "b", "c", "d"]);
        listed().check(&features).unwrap();
        assert!(
            error(listed().check(&BTreeSet::from(["a", "b", "c"]))).contains("`d` is no feature")
        );

        let mut twice = listed();
        twice.axes[1].values.push("a".to_owned());
        assert!(error(twice.check(&features)).contains("`a` is listed twice"));

        let mut stale = listed();
        stale.exclude[0]
            .when
            .insert("z".to_owned(), "gone".to_owned());
        assert!(error(stale.check(&features)).contains("on no axis"));

        let mut unnamed = listed();
        unnamed.axes[1].unnamed = Some("a".to_owned());
        assert!(
            error(unnamed.check(&features)).contains("`a` is unnamed and no value of the axis y")
        );
        unnamed.axes[1].unnamed = None;
        unnamed.axes[0].unnamed = Some("a".to_owned());
        assert!(
            error(unnamed.check(&features)).contains("z has an unnamed value and is not the last")
        );
    }

    #[test]
    fn a_narrowed_axis_has_one_value() {
        let mut narrowed = listed();
        narrowed.narrow("z=a").unwrap();
        let names: Vec<_> = narrowed.designs().iter().map(Design::name).collect();
        assert_eq!(names, ["a+d", "a+c"]);
        assert_eq!(narrowed.exclude, []);
        assert!(error(narrowed.narrow("z=b")).contains("there is a"));
    }

    #[test]
    fn an_unnamed_value_is_left_out_of_names_and_may_be_given() {
        let mut listed = listed();
        listed.axes[1].unnamed = Some("c".to_owned());
        let names: Vec<_> = listed.designs().iter().map(Design::name).collect();
        assert_eq!(names, ["b", "a+d", "a"]);
        for name in ["a", "a+c"] {
            let design = listed.design(name).unwrap();
            assert_eq!(
                (design.name(), design.features()),
                ("a".to_owned(), vec!["command", "a", "c"])
            );
        }
    }
}
