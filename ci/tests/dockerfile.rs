//! The Dockerfile, held against the checkout: it needs no Docker, so what it cannot tell is whether an image comes of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fs;

use orthant_ci::checkout::Checkout;

/// The words of each instruction of a name.
fn instructions(dockerfile: &str, name: &str) -> Vec<Vec<String>> {
    let lines = dockerfile.lines().map(|line| line.split_whitespace());
    lines
        .filter(|words| words.clone().next() == Some(name))
        .map(|words| words.skip(1).map(str::to_owned).collect())
        .collect()
}

fn dockerfile(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.root().join("Dockerfile")).unwrap()
}

#[test]
fn what_an_image_copies_is_there() {
    let checkout = Checkout::read().unwrap();
    let dockerfile = dockerfile(&checkout);
    let ignored = fs::read_to_string(checkout.root().join(".dockerignore")).unwrap();
    let ignored: Vec<_> = ignored.lines().collect();
    let mut copied = 0;
    for mut words in instructions(&dockerfile, "COPY") {
        words.pop();
        if words[0].starts_with("--from=") {
            continue;
        }
        for source in words {
            assert!(checkout.root().join(&source).exists(), "COPY {source}");
            assert!(!ignored.contains(&source.as_str()), "COPY {source}");
            copied += 1;
        }
    }
    assert!(copied > 0, "nothing is copied");
    for package in checkout.packages() {
        let folder = checkout.folder(package).split('/').next().unwrap();
        assert!(!ignored.contains(&folder), "{folder} is not sent to Docker");
    }
}

#[test]
fn an_image_is_built_by_the_toolchain_of_the_checkout() {
    let checkout = Checkout::read().unwrap();
    let toolchain = fs::read_to_string(checkout.root().join("rust-toolchain.toml")).unwrap();
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .unwrap()
        .trim_matches('"');
    let base = &instructions(&dockerfile(&checkout), "FROM")[0][0];
    assert!(base.starts_with(&format!("rust:{channel}-")), "{base}");
}

#[test]
fn an_image_has_one_value_on_each_axis_and_needs_no_io_uring() {
    let checkout = Checkout::read().unwrap();
    let arguments = instructions(&dockerfile(&checkout), "ARG");
    let design = arguments[0][0].strip_prefix("DESIGN=").unwrap();
    let values: Vec<_> = design.split(',').collect();
    let axes = checkout.axes().unwrap();
    assert_eq!(values.len(), axes.len(), "{design}");
    for (value, axis) in values.iter().zip(&axes) {
        assert!(axis.values.iter().any(|known| known == value), "{value}");
    }
    assert_eq!(values[0], "epoll", "Docker denies io_uring");
}
