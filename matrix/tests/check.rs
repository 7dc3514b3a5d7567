//! `cargo matrix check` against servers of known behaviour: exit codes, and what is said of each.
//!
//! The servers are the example `fixture`, under a name that says what is wrong with it. It reads every request kindly, so it
//! passes cases of right requests and fails those of wrong ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

/// Checks the fixture under a name.
fn check(name: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tests = std::env::current_exe().unwrap();
    let fixture = tests.ancestors().nth(2).unwrap().join("examples/fixture");
    let path = folder.path().join(name);
    std::fs::hard_link(fixture, &path).unwrap();
    command(&[&[path.to_str().unwrap()], arguments].concat())
}

fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orthant-matrix"))
        .arg("check")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

/// The exit code, what was printed, and what was said meanwhile.
fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_server_that_passes_gives_0() {
    let output = check(
        "honest",
        &[
            "--case",
            "arena-16",
            "--case",
            "h1-f6e7a4",
            "--format",
            "csv",
        ],
    );
    let (code, printed, said) = told(&output);
    assert_eq!(code, 0, "{printed}{said}");
    assert!(printed.contains("/honest,2,0,0,0,0,2,"), "{printed}");
}

#[test]
fn a_case_that_fails_gives_4_and_is_shown_whole() {
    let (code, printed, said) = told(&check(
        "honest",
        &["--case", "h1-9af5c2", "--case", "arena-16"],
    ));
    assert_eq!(code, 4, "{printed}{said}");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(
        lines[1].contains("       1       0       1         0           0     2"),
        "{printed}"
    );
    assert!(lines[3].starts_with("failed h1-9af5c2 on "), "{printed}");
    assert!(
        lines[3].ends_with("absolute-form still needs Host (RFC 9112 §3.2, MUST)"),
        "{printed}"
    );
    assert!(
        lines[4].starts_with("  sent     GET http://localhost:"),
        "{printed}"
    );
    assert_eq!(lines[5], "  came     200 \"ok\", open");
    assert_eq!(
        lines[6],
        "  allowed  400+; or no answer, closed (second best)"
    );
}

#[test]
fn a_server_that_leaves_gives_4() {
    // It leaves after 2,000 answers.
    let cases = [
        "--case",
        "h1-06acff",
        "--case",
        "h1-49c890",
        "--format",
        "json",
    ];
    let (code, printed, said) = told(&check("leaving", &cases));
    assert_eq!(code, 4, "{said}");
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let ended = json["checked"][0]["ended"][0].as_str().unwrap();
    assert!(ended.contains("leaving as it was told"), "{ended}");
}

#[test]
fn a_server_that_does_not_start_gives_5() {
    let (code, _, said) = told(&check("dying", &["--case", "arena-16"]));
    assert!(
        code == 5 && said.contains("dying as it was told"),
        "{code}: {said}"
    );
    let (code, printed, said) = told(&check("refusing", &["--case", "arena-16"]));
    assert!(
        code == 5 && said.contains("this machine cannot run it"),
        "{code}: {said}"
    );
    assert!(printed.contains("left out"), "{printed}");
}

#[test]
fn what_is_not_there_gives_2_and_says_what_is() {
    for (arguments, says) in [
        (
            &["--group", "nonsense"][..],
            "the groups are arena, basic, chunked,",
        ),
        (
            &["--case", "h1-000000"],
            "failed to find a case of `h1-000000`",
        ),
        (
            &["--app", "probe", "--group", "arena"],
            "those cases are for the other application",
        ),
        (&["epoll+floor"], "a floor speaks no HTTP"),
        (&["-E", "backend=kqueue"], "there is epoll, uring"),
    ] {
        let (code, _, said) = told(&command(arguments));
        assert!(
            code == 2 && said.contains(says),
            "{arguments:?} gave {code}: {said}"
        );
    }
}
