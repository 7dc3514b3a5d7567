//! The same set of designs in the words of cargo-hack, so that its runs and ours cannot differ.
//!
//! cargo-hack walks the power set of the values; per axis one group says "at least one" and "not two". An exclusion of
//! one value takes the value out, one of two values is a group of its own; cargo-hack cannot say more than that.

use anyhow::{Result, bail};

use super::listed::Listed;

/// The arguments; `command` is on in every run, so is a value that is alone on its axis, and the default
/// features are off.
pub(super) fn args(listed: &Listed) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    let mut pairs = Vec::new();
    for exclusion in &listed.exclude {
        match exclusion.when.values().collect::<Vec<_>>()[..] {
            [value] => removed.push(value),
            [a, b] => pairs.push(format!("{a},{b}")),
            _ => bail!(
                "failed to put the exclusion of {:?} into arguments of cargo-hack, which can exclude one value or a \
                 pair: split it into pairs, or check the designs without cargo-hack",
                exclusion.when
            ),
        }
    }
    let mut always = vec!["command".to_owned()];
    let mut groups = Vec::new();
    for axis in &listed.axes {
        let values = axis.values.iter().filter(|value| !removed.contains(value));
        let mut values: Vec<String> = values.cloned().collect();
        // A group of one is refused.
        match values.len() {
            1 => always.append(&mut values),
            _ => groups.push(values.join(",")),
        }
    }
    let mut args = ["--feature-powerset", "--features"]
        .map(str::to_owned)
        .to_vec();
    args.extend([
        always.join(","),
        "--include-features".to_owned(),
        groups.join(","),
    ]);
    for group in &groups {
        args.extend(["--at-least-one-of".to_owned(), group.clone()]);
    }
    for group in groups.into_iter().chain(pairs) {
        args.extend(["--mutually-exclusive-features".to_owned(), group]);
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(exclude: serde_json::Value) -> Result<String> {
        let axes =
            json!([{ "name": "x", "values": ["a", "b"] }, { "name": "y", "values": ["c", "d"] }]);
        args(&serde_json::from_value(json!({ "axes": axes, "exclude": exclude })).unwrap())
            .map(|args| args.join(" "))
    }

    #[test]
    fn one_group_per_axis() {
        assert_eq!(
            line(json!([])).unwrap(),
            "--feature-powerset --features command --include-features a,b,c,d --at-least-one-of a,b \
             --at-least-one-of c,d --mutually-exclusive-features a,b --mutually-exclusive-features c,d"
        );
    }

    #[test]
    fn an_excluded_pair_is_a_group_and_an_excluded_value_is_gone() {
        let pair = line(json!([{ "when": { "x": "a", "y": "d" }, "because": "" }])).unwrap();
        assert!(
            pair.ends_with("--mutually-exclusive-features a,d"),
            "{pair}"
        );
        let value = line(json!([{ "when": { "y": "d" }, "because": "" }])).unwrap();
        assert!(
            value.ends_with("--features command,c --include-features a,b --at-least-one-of a,b --mutually-exclusive-features a,b"),
            "{value}"
        );
    }

    #[test]
    fn what_cargo_hack_cannot_say_is_refused() {
        let three = json!([{ "when": { "x": "a", "y": "c", "z": "e" }, "because": "" }]);
        assert!(
            line(three)
                .unwrap_err()
                .to_string()
                .contains("one value or a pair")
        );
    }
}
