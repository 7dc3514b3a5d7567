//! From a record to a package that depends on a design.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{code, folder, matrix, measured, record_in, text};

/// The record of one launch of a fixture that passes for a design.
fn record_of(folder: &Path, fixture: &str, design: &str) -> PathBuf {
    measured(folder, "run", &[fixture], &["--launches", "1"]);
    let record = record_in(folder);
    let path = folder.join(fixture);
    let contents = std::fs::read_to_string(&record).unwrap();
    let name = |name: &str| format!("\"name\":\"{name}\"");
    let renamed = contents.replace(&name(path.to_str().unwrap()), &name(design));
    assert_ne!(renamed, contents);
    std::fs::write(&record, renamed).unwrap();
    record
}

fn recommended(folder: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["recommend"], arguments].concat();
    matrix(folder, &arguments).output().unwrap()
}

#[test]
fn the_line_for_cargo_makes_a_package_depend_on_the_design() {
    let folder = folder();
    let record = record_of(folder.path(), "honest", "uring+flat+mimalloc");
    let arguments = [
        record.to_str().unwrap(),
        "--need",
        "memory<1GiB",
        "--format",
        "json",
    ];
    let output = recommended(folder.path(), &arguments);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["designs"][0]["standing"], "may-meet", "{found}");
    let line = found["designs"][0]["cargo"].as_str().unwrap();

    let package = tempfile::tempdir_in(folder.path()).unwrap();
    let manifest = "[package]\nname = \"user\"\nedition = \"2024\"\n\n[workspace]\n";
    std::fs::write(package.path().join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(package.path().join("src")).unwrap();
    std::fs::write(package.path().join("src/lib.rs"), "").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).env("CARGO_NET_OFFLINE", "true");
    let added = shell.current_dir(package.path()).output().unwrap();
    assert!(added.status.success(), "{line}: {}", text(&added.stderr));
    let manifest = std::fs::read_to_string(package.path().join("Cargo.toml")).unwrap();
    let features =
        "default-features = false, features = [\"uring\", \"flat\", \"mimalloc\", \"balanced\"]";
    assert!(manifest.contains(features), "{manifest}");
}

#[test]
fn where_no_design_can_meet_the_needs_the_exit_code_says_so() {
    let folder = folder();
    let record = record_of(folder.path(), "wrong", "uring+flat+mimalloc");
    let output = recommended(
        folder.path(),
        &[record.to_str().unwrap(), "--need", "memory<1GiB"],
    );
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 1, "{shown}");
    assert!(
        shown.contains("no design is known to meet every need"),
        "{shown}"
    );
    assert!(shown.contains("is INVALID"), "{shown}");
}

#[test]
fn what_is_missing_is_named_and_a_need_that_is_none_is_explained() {
    let folder = folder();
    for (arguments, words) in [
        (
            ["--need", "p99<5ms@20krps"],
            "`cargo matrix sweep -w baseline --rate 20000` makes one",
        ),
        (["--need", "p9<5ms"], "did you mean p99?"),
    ] {
        let output = recommended(folder.path(), &arguments);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 2, "{said}");
        assert!(said.contains(words), "{said}");
    }
}
